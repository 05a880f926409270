"""What `make` says before it sets anything up."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize("more", [[], ["MOCAP="]])
def test_ablations_without_motion_capture_say_so_and_read_nothing(tmp_path, more):
    """An empty name would be the folder itself; so that nothing can be read, it has the Makefile alone."""
    shutil.copy(MAKEFILE, tmp_path)
    command = ["make", "ablations", *more]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert result.returncode == 2
    assert "make ablations MOCAP=folder" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]
