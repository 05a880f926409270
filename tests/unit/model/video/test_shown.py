"""Bars beside the picture of a film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from model.video.reading import VideoReader
from model.video.shown import shown_in
from tests.support.film_files import film, shown_as_wide

WIDTH, HEIGHT, RATE = 128, 72, 10.0


def scene(seed: int) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(40, 255, (9, 16, 3)).astype(np.uint8)
    return blocks.repeat(8, axis=0).repeat(8, axis=1)


def barred(pictures: Sequence[np.ndarray], across: int, down: int) -> list[np.ndarray]:
    return [np.pad(picture, ((down, down), (across, across), (0, 0))) for picture in pictures]


def found(path: Path) -> tuple[int, int, int, int]:
    reader = VideoReader(path, 30, 10**6)
    try:
        return shown_in(reader)
    finally:
        reader.close()


@pytest.mark.parametrize(("across", "down"), [(0, 20), (40, 0), (24, 16)])
def test_bars_are_no_picture_in_films_that_are_faded_in(tmp_path: Path, across: int, down: int) -> None:
    dark = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pictures = [*[dark] * 4, *(scene(number) for number in range(4)), *[scene(5) // 8] * 8]
    left, top, width, height = found(film(tmp_path / "barred.mp4", barred(pictures, across, down), RATE))
    assert (left, top) == pytest.approx((across, down), abs=2) and left >= across and top >= down
    right, bottom = left + width, top + height
    assert (right, bottom) == pytest.approx((across + WIDTH, down + HEIGHT), abs=2)
    assert right <= across + WIDTH and bottom <= down + HEIGHT


def test_bars_are_found_where_pixels_are_oblong(tmp_path: Path) -> None:
    pictures = barred([scene(number) for number in range(8)], 0, 28)
    path = shown_as_wide(film(tmp_path / "wide.mp4", pictures, RATE), 2 * WIDTH)
    assert found(path) == pytest.approx((0, 28, 2 * WIDTH, HEIGHT), abs=3)


def test_who_moves_before_a_plain_wall_is_no_picture_between_bars(tmp_path: Path) -> None:
    """Nor is a wall that goes on to one edge alone looked at twice."""
    pictures = []
    for number in range(10):
        wall = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
        wall[8:64, 30 + 4 * number : 60 + 4 * number] = 30
        pictures.append(wall)
    assert found(film(tmp_path / "wall.mp4", pictures, RATE)) == (0, 0, WIDTH, HEIGHT)
    beside = np.pad(scene(0), ((30, 0), (0, 0), (0, 0)))
    assert found(film(tmp_path / "beside.mp4", [beside] * 10, RATE)) == (0, 0, WIDTH, HEIGHT + 30)
