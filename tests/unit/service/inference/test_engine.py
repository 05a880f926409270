"""How the networks' threads wait."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SERVE = """
from pathlib import Path
from model.errors import MPTError
from service.inference.engine import load_reconstructors
from service.settings import Settings
try:
    load_reconstructors(Settings(engine="torch", checkpoint=Path("missing.safetensors")))
except MPTError:
    import torch
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch brings GNU's library on Linux alone")
def test_threads_of_a_service_sleep_while_they_wait(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("OMP_DISPLAY_ENV", "verbose")  # GNU's library says what it works by
    told = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, check=True).stderr
    assert "GOMP_SPINCOUNT = '0'" in told
