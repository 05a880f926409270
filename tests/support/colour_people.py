"""People who are coloured boxes, and a stand-in for the network that finds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.main import app
from model.reconstructor import Reconstructor
from model.results import Reconstruction
from model.video.writing import VideoWriter
from tests.support.fake_reconstructor import FakeReconstructor

Run = Callable[..., tuple[int, str]]
WIDTH, HEIGHT, RATE = 320, 200, 20
FOCAL = float(np.hypot(WIDTH, HEIGHT))
BACKGROUND = 90


class ColourReconstructor(FakeReconstructor):
    """Finds a person in each primary colour that a frame has, in an order that changes with each frame."""

    def reconstruct(self, image: np.ndarray, **options: object) -> Reconstruction:
        boxes = []
        for channel in range(3):
            others = [other for other in range(3) if other != channel]
            ys, xs = np.nonzero((image[..., channel] > 160) & (image[..., others].max(axis=2) < 90))
            if len(xs) > 50:
                boxes.append((float(xs.min()), float(ys.min()), float(np.ptp(xs) + 1), float(np.ptp(ys) + 1)))
        if len(self.calls) % 2:
            boxes.reverse()
        return super().reconstruct(image, **(options | {"boxes": boxes}))


def frame(index: int) -> np.ndarray:
    """A red person walks to the right, a green one to the left, and a blue one is there for three frames only."""
    image = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
    image[20:160, 20 + 3 * index : 70 + 3 * index] = (230, 20, 20)
    image[60:190, 250 - 2 * index : 300 - 2 * index] = (20, 230, 20)
    if 5 <= index < 8:
        image[5:50, 150:170] = (20, 20, 230)
    return image


def runner(model: FakeReconstructor, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `mpt reconstruct` with this model; gives its exit code and output."""
    monkeypatch.setattr(Reconstructor, "load", lambda *_, **__: model)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["reconstruct", *arguments])
        return result.exit_code, result.output

    return run


def one_second(path: Path) -> Path:
    """Writes a film of one second."""
    writer = VideoWriter(path, (WIDTH, HEIGHT), RATE)
    for index in range(20):
        writer.add(index / RATE, frame(index))
    writer.finish()
    return path
