"""Other people's programs that read what we write, each in a Python of its own, so that ours stays as it is."""

from __future__ import annotations

import json
import os
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest

PACKAGES = {
    "bpy": ("bpy==4.5.15", "numpy"),
    "bvhio": ("bvhio==1.5.4", "numpy"),
    "mujoco": ("mujoco==4.0.0", "numpy"),
    "opensim": ("opensim==4.6", "numpy"),
}
"""Pinned; each has wheels for Python 3.11."""


def run_in(tool: str, script: str, *arguments: object) -> Any:
    """What a script prints as JSON on its last line.

    Args:
        tool: One of `PACKAGES`; skips the test, with a warning that says how to get it, where it is not there.
        script: Python, run by the tool's own interpreter with `arguments` in `sys.argv[1:]`.
    """
    folder = Path(os.environ.get("MPT_TOOLS", "~/.cache/mpt/tools")).expanduser() / tool
    python = folder / "bin" / "python"
    if not python.exists():
        install = f"python3.11 -m venv {folder} && {python} -m pip install {' '.join(PACKAGES[tool])}"
        reason = f"A check is NOT made: {tool} is not there. Get it by: {install} (MPT_TOOLS names another folder)"
        warnings.warn(reason, pytest.PytestWarning, stacklevel=2)  # a skip alone is easily overlooked
        pytest.skip(reason)
    done = subprocess.run(
        [str(python), "-c", script, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])
