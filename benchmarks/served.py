"""Starts a service as a process of its own, and tells what it costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
START_SECONDS = 180.0  # the weights on a slow, busy machine


class Served:
    """A service that runs: `url` is its address, `log` what it wrote so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.url = process, ""
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def log(self) -> str:
        """What the service wrote so far."""
        if self.process.poll() is not None:
            self._reader.join(10)
        return "".join(self._lines)

    def memory(self, kind: str = "VmRSS") -> int:
        """The service's memory in bytes: now (VmRSS) or at most so far (VmHWM). Linux only."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(re.search(rf"{kind}:\s+(\d+) kB", status)[1])  # type: ignore[index]

    def wait_until_ready(self) -> None:
        """Return once photos are answered.

        Raises:
            RuntimeError: The service ended, failed to load or took too long; its log is in the message.
        """
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None and "failed to load" not in self.log:
            if not self.url and (found := re.search(r"running on (http://[\w.:]+)", self.log)):
                self.url = found[1]
            try:
                if self.url and urlopen(f"{self.url}/v2/health/ready", timeout=5).status == 200:
                    return
            except (URLError, OSError):
                pass
            time.sleep(0.05)
        raise RuntimeError("The service did not become ready:\n" + self.log)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)


@contextmanager
def served(
    module: str = "service",
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    cwd: Path = ROOT,
) -> Iterator[Served]:
    """Run `python -m module` on a free port until the block ends, with meshes in a folder that goes away with it.

    Args:
        module: What to run.
        environment: Settings beside the caller's own environment.
        arguments: What follows the module.
        cwd: Where to run it.
    """

    def start(settings: dict[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=cwd,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    with started(start, environment or {}) as service:
        yield service


@contextmanager
def started(
    start: Callable[[dict[str, str]], subprocess.Popen[str]], environment: Mapping[str, str]
) -> Iterator[Served]:
    """The service that `start` starts with an environment: on a free port, with meshes in a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            **os.environ,
            "MPT_PORT": "0",
            "MPT_HOST": "127.0.0.1",
            "MPT_EXPORT": "false",
            "MPT_STORE_DIR": f"{folder}/meshes",
        }
        process = start({**settings, **environment})
        try:
            service = Served(process)
            service.wait_until_ready()
            yield service
        finally:
            process.kill()
            process.wait()
