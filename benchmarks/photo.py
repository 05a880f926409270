"""A photo and a film that anyone has: one drawn person whom the networks take for one."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tests.support.drawn_figure import background, draw_figure
from tests.support.film_files import film

BBOX = "200,40,240,400"
"""Where the person is, as `POST /reconstruct` takes it."""


def a_photo(width: int = 640, height: int = 480) -> bytes:
    """A JPEG of one person, drawn, who fills most of its height, before a background with noise in it."""
    figure = cv2.resize(draw_figure(background()), (height, height), interpolation=cv2.INTER_CUBIC)
    side = (width - height) // 2
    picture = cv2.copyMakeBorder(figure, 0, 0, side, width - height - side, cv2.BORDER_REPLICATE)
    noise = np.random.default_rng(0).normal(0, 6, picture.shape)
    buffer = io.BytesIO()
    Image.fromarray((picture + noise).clip(0, 255).astype(np.uint8)).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def a_film(frames: int = 40) -> bytes:
    """An MP4 of the same person, who glides to the right, 20 frames a second."""
    picture = np.asarray(Image.open(io.BytesIO(a_photo())))
    with tempfile.TemporaryDirectory() as folder:
        moving = [np.roll(picture, 2 * number, axis=1) for number in range(frames)]
        return film(Path(folder, "film.mp4"), moving).read_bytes()
