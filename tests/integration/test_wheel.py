"""The package as people get it: built, installed without its sources about, and used from an empty folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from benchmarks.served import served
from tests.support.glb import Glb
from tests.support.service_client import form

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "service" / "static" / "sample.jpg"
TRACKED = ("cli", "model", "service", "training", "weights")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the built package comes before the sources; what it needs is there anyway."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in TRACKED:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.onnx"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--no-compile", "--target", str(folder)]
    options += ["--config-settings=--build-option=--compression=stored"]  # to pack the weights takes half of the time
    done = subprocess.run([*pip, *options, str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Without one of the fetched networks, which is none of the package's: it is loaded and run twice.
    return {**os.environ, "PYTHONPATH": str(folder), "INSTALLED": str(folder), "MPT_LANDMARKS": "false"}


def test_what_runs_is_what_was_built(installed, tmp_path):
    code = "from importlib.util import find_spec; import sys; print(*(find_spec(n).origin for n in sys.argv[1:]))"
    command = [sys.executable, "-c", code, "cli", "model", "service", "weights"]
    said = subprocess.run(command, cwd=tmp_path, env=installed, capture_output=True, text=True)
    assert all(path.startswith(installed["INSTALLED"]) for path in said.stdout.split()), said
    assert len(said.stdout.split()) == 4


def test_mpt_reconstructs_a_photo_anywhere(installed, tmp_path):
    shutil.copy(SAMPLE, tmp_path / "photo.jpg")
    mpt = [str(Path(installed["INSTALLED"], "bin", "mpt")), "reconstruct", "photo.jpg", "--max-people", "1"]
    done = subprocess.run(mpt, cwd=tmp_path, env=installed, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    glb = Glb((tmp_path / "reconstructions" / "photo-1.glb").read_bytes())
    assert len(glb.attribute("POSITION")) > 10_000


def test_mpt_serves_anywhere(installed, tmp_path):
    with served("cli", installed, ["serve"], tmp_path) as service:
        answer = httpx2.post(f"{service.url}/v1/reconstruct?max_people=1", files=form(SAMPLE.read_bytes()), timeout=120)
        assert len(answer.json()["people"]) == 1
        for path in ("/", "/docs", "/static/app.js", "/static/clients/mpt_client.py"):
            assert httpx2.get(service.url + path).status_code == 200
    assert list(tmp_path.iterdir()) == []
