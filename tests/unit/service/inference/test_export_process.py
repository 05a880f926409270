"""The export behind the service, as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.support.waiting import wait_for

PARENT = """
import sys
from service.inference import upgrade
from service.settings import Settings
upgrade.COMMAND = ["-c", "import os, sys, time; os.write(2, b''); time.sleep(60)"]
popen = upgrade.subprocess.Popen
def told(*arguments, **options):
    process = popen(*arguments, **options)
    print(process.pid, flush=True)
    return process
upgrade.subprocess.Popen = told
upgrade.Upgrade(Settings())._export("body")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the export ends by itself")
def test_an_export_does_not_outlive_a_service_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        wait_for(lambda: not alive(child))


def alive(process: int) -> bool:
    """Whether a process runs; one that ended but was not waited for does not."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
