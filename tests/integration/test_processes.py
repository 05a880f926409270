"""Tests in several processes: all are heard of, and one that breaks off is no success."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

TESTS = """
import os, time, warnings
from pathlib import Path

def met(own, other):
    Path(own).touch()
    while not Path(other).exists():
        time.sleep(0.01)

def test_passes():
    met({own!r}, {other!r})
    warnings.warn("beware of " + {own!r})

def test_ends():
    print("last words of " + {own!r})
    {end}
"""


def run(folder: Path, end: str) -> subprocess.CompletedProcess[str]:
    """Two files whose first tests wait for one another; `end` is what the second file's last test does."""
    (folder / "test_one.py").write_text(TESTS.format(own="one", other="two", end="pass"))
    (folder / "test_two.py").write_text(TESTS.format(own="two", other="one", end=end))
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.processes", "-n", "2", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_all_is_heard_of(tmp_path):
    done = run(tmp_path, "assert 1 == 2")
    assert done.returncode == 1
    assert "1 failed, 3 passed, 2 warnings" in done.stdout
    assert "beware of one" in done.stdout and "beware of two" in done.stdout
    assert "last words of two" in done.stdout and "last words of one" not in done.stdout


def test_a_process_that_breaks_off_is_no_success(tmp_path):
    done = run(tmp_path, "os._exit(0)")
    assert done.returncode == 1
    assert "A process broke off after test_two.py::test_ends" in done.stdout
