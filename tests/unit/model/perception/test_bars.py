"""Bars beside pictures: where the picture itself ends."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model.perception.bars import shown_part

HEIGHT, WIDTH = 300, 420


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """(H, W, 3) something of many colours, half of it dark."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (12, 16, 3)).astype(np.uint8)
    coarse[:, 8:] //= 5
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def barred(picture: np.ndarray, colour: int | tuple[int, int, int], bars: tuple[int, int, int, int]) -> np.ndarray:
    """The picture between bars at its left, top, right and bottom, compressed as photos are."""
    left, top, right, bottom = bars
    photo = np.empty((HEIGHT + top + bottom, WIDTH + left + right, 3), np.uint8)
    photo[:] = colour
    photo[top : top + HEIGHT, left : left + WIDTH] = picture
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], 1))


@pytest.mark.parametrize("colour", [0, 255, (30, 90, 160)])
@pytest.mark.parametrize("bars", [(0, 90, 0, 90), (120, 0, 120, 0), (0, 0, 0, 200), (60, 40, 60, 80), (0, 0, 20, 0)])
def test_the_picture_between_bars(
    picture: np.ndarray, colour: int | tuple[int, int, int], bars: tuple[int, int, int, int]
) -> None:
    shown = shown_part(barred(picture, colour, bars))
    assert shown == pytest.approx((bars[0], bars[1], WIDTH, HEIGHT), abs=6)


def test_a_bar_may_hold_text_if_none_is_next_to_the_picture(picture: np.ndarray) -> None:
    photo = barred(picture, 0, (0, 80, 0, 120))
    cv2.putText(photo, "9:41", (20, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    cv2.rectangle(photo, (120, HEIGHT + 180), (300, HEIGHT + 188), (200, 200, 200), -1)
    assert shown_part(photo) == pytest.approx((0, 80, WIDTH, HEIGHT), abs=6)


def test_a_white_sky_is_no_bar_if_a_head_is_before_it(picture: np.ndarray) -> None:
    """Of somebody far away, 1 % of the photo wide, who would lose it."""
    beach = barred(picture, 255, (0, 250, 0, 0))
    assert shown_part(beach) is not None
    beach[220:400, 200:204] = 40
    assert shown_part(beach) is None


def test_a_films_dark_pictures_say_nothing_of_bars(picture: np.ndarray) -> None:
    bars = (0, 90, 0, 90)
    dark = np.zeros_like(picture)
    cv2.circle(dark, (200, 150), 60, (90, 80, 60), -1)  # a lamp
    frames = [barred(each, 0, bars) for each in (dark, picture, dark, picture, dark)]
    assert shown_part(frames[0]) is None
    assert shown_part(*frames) == pytest.approx((0, 90, WIDTH, HEIGHT), abs=6)


def test_what_is_no_bar_is_shown(picture: np.ndarray) -> None:
    studio = np.full((HEIGHT, WIDTH, 3), 250, np.uint8)
    cv2.ellipse(studio, (210, 170), (50, 110), 0, 0, 360, (80, 60, 40), -1)  # nothing straight meets the ground
    blurred = cv2.GaussianBlur(np.tile(picture, (2, 1, 1)), (0, 0), 20)
    blurred[150 : 150 + HEIGHT] = picture
    for photo in (picture, studio, blurred, np.zeros_like(picture), picture[:1], picture[:, :1]):
        assert shown_part(photo) is None
