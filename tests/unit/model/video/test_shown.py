"""Bars beside the picture of a film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.perception import bars
from model.video import shown
from model.video.reading import VideoReader
from model.video.shown import shown_in
from tests.support.film_files import film, shown_as_wide

WIDTH, HEIGHT, RATE = 128, 72, 10.0


def scene(seed: int) -> np.ndarray:
    """Something large, and detail on it."""
    rng = np.random.default_rng(seed)
    large = cv2.resize(rng.uniform(70, 180, (4, 6, 3)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return (large + rng.uniform(-40, 40, (HEIGHT // 4, WIDTH // 4, 3)).repeat(4, axis=0).repeat(4, axis=1)).astype(
        np.uint8
    )


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


def before_blur(picture: np.ndarray, upright: bool) -> np.ndarray:
    """As editors put a vertical film into a wide frame, or a wide one into a vertical frame."""
    wide = picture if upright else picture.swapaxes(0, 1)
    height, width = wide.shape[0], 2 * wide.shape[1]
    copy = cv2.resize(wide, (width, 2 * height))[height // 2 :][:height]
    frame = cv2.GaussianBlur(copy, (0, 0), 8)
    frame[:, width // 4 : width // 4 + wide.shape[1]] = wide
    return frame if upright else frame.swapaxes(0, 1)


@pytest.mark.parametrize("upright", [True, False])
def test_a_blurred_copy_beside_the_picture_is_none(tmp_path: Path, upright: bool) -> None:
    pictures = [scene(number) if upright else scene(number).swapaxes(0, 1) for number in range(10)]
    path = film(tmp_path / "blurred.mp4", [before_blur(picture, upright) for picture in pictures], RATE)
    box = (WIDTH // 2, 0, WIDTH, HEIGHT) if upright else (0, WIDTH // 2, HEIGHT, WIDTH)
    assert found(path) == pytest.approx(box, abs=5)
    # What is out of focus beside something sharp is no copy.
    beside = [before_blur(picture, upright) for picture in reversed(pictures)]
    for picture, other in zip(pictures, beside):
        inner = slice(WIDTH // 2, WIDTH // 2 + WIDTH)
        part = (slice(None), inner) if upright else (inner, slice(None))
        other[part] = picture
    height, width = beside[0].shape[:2]
    assert found(film(tmp_path / "sharp.mp4", beside, RATE)) == (0, 0, width, height)


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


def test_of_large_frames_a_part_of_the_pixels_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def shown_part(*frames: np.ndarray) -> object:
        sizes.extend(frame.base.nbytes if frame.base is not None else frame.nbytes for frame in frames)
        return bars.shown_part(*frames)

    monkeypatch.setattr(shown, "_LARGE", 64)
    monkeypatch.setattr(shown, "shown_part", shown_part)
    path = film(tmp_path / "large.mp4", barred([scene(number) for number in range(8)], 32, 0), RATE)
    left, top, width, height = found(path)
    assert sizes and max(sizes) <= 3 * (WIDTH + 64) * HEIGHT / 3**2
    assert (left, top, left + width, top + height) == pytest.approx((32, 0, 32 + WIDTH, HEIGHT), abs=3)
