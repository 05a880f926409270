"""The command line in a folder of its own, with a stand-in for the network that finds coloured boxes, and a film."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.colour_people import ColourReconstructor, Run, one_second, runner
from tests.support.fake_reconstructor import FakeReconstructor


@pytest.fixture
def model() -> FakeReconstructor:
    return ColourReconstructor()


@pytest.fixture
def run(tmp_path: Path, model: FakeReconstructor, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return runner(model, monkeypatch)


@pytest.fixture
def clip(run: Run) -> Path:
    return one_second(Path("clip.mp4"))
