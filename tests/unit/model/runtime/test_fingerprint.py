"""An export is stale when what its graph is made of has changed, and only then."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import model
from model.runtime.fingerprint import fingerprint, graph_sources


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package `model`."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(Path(model.__file__).parent, tmp_path / "model", ignore=ignored))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"weights")
    return path


@pytest.mark.parametrize(
    "part",
    [
        "interfaces.py",  # how many points a palm has sizes a network's head
        "network/transformer.py",
        "network/lifting.py",
        "network/heatmaps.py",
        "network/placement.py",
        "network/checkpoint.py",
        "network/backbones/movenet.py",
        "network/backbones/mobilenet.py",
        "network/detectors/mediapipe_palm.py",
        "network/detectors/movenet_multipose.py",
        "runtime/export.py",
    ],
)
def test_it_changes_with_what_the_graph_is_made_of(package: Path, checkpoint: Path, part: str) -> None:
    before = fingerprint(checkpoint, package)
    with (package / part).open("a") as file:
        file.write("\nCHANGED = True\n")
    assert fingerprint(checkpoint, package) != before


def test_it_changes_with_the_checkpoint(package: Path, checkpoint: Path) -> None:
    before = fingerprint(checkpoint, package)
    checkpoint.write_bytes(b"other weights")
    assert fingerprint(checkpoint, package) != before


def test_it_does_not_change_with_anything_else(package: Path, checkpoint: Path) -> None:
    before, sources = fingerprint(checkpoint, package), set(graph_sources(package))
    others = set(package.rglob("*.py")) - sources - {package / "runtime" / "export.py"}
    assert {package / "perception" / "people.py", package / "rendering" / "overlay.py"} < others
    assert {package / name for name in ("reconstructor.py", "errors.py", "files.py")} < others
    for path in others:
        path.write_text("raise SystemError")
    assert fingerprint(checkpoint, package) == before
