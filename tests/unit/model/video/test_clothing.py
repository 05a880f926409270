"""What people wear, as a film's frame shows it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model.results import Person
from model.video import clothing as clothes
from model.video.clothing import _lab, clothing
from tests.unit.model.video.test_tracking import person

RED, BLUE, GREY = (180, 60, 60), (60, 70, 120), (128, 128, 128)
STANDING = np.full((17, 2), 0.5)
STANDING[[5, 6, 11, 12, 13, 14]] = [(0.7, 0.2), (0.3, 0.2), (0.65, 0.5), (0.35, 0.5), (0.65, 0.75), (0.35, 0.75)]


def picture(shirt: tuple[int, int, int], trousers: tuple[int, int, int], left: int = 60) -> tuple[np.ndarray, Person]:
    """Somebody 100 pixels high on grey, in a shirt down to the hips and trousers."""
    image = np.full((240, 320, 3), GREY, np.uint8)
    image[60:101, left : left + 50] = shirt
    image[101:160, left : left + 50] = trousers
    return image, person(left, 50.0, pose=STANDING)


def worn(*colours: tuple[int, int, int], **how: int) -> np.ndarray:
    found = clothing(*picture(*colours, **how))
    assert found is not None
    return found


def resemblance(one: np.ndarray, other: np.ndarray) -> float:
    return float(clothes.resemblance([one], [other])[0, 0])


def test_shares_are_of_the_trunk_and_of_the_thighs():
    """Red is at 43, 49, 27 of Lab and blue at 31, 11, -30: by bins of 25, 20 and 20 from 0, -60, -60."""
    trunk, thighs = worn(RED, BLUE)
    assert trunk[1, 5, 4] == pytest.approx(1) and thighs[1, 3, 1] == pytest.approx(1)
    assert trunk.sum() == pytest.approx(1) and thighs.sum() == pytest.approx(1)


def test_the_same_clothes_resemble_one_another_wherever_they_are():
    assert resemblance(worn(RED, BLUE), worn(RED, BLUE, left=200)) == pytest.approx(1)
    assert resemblance(worn(RED, BLUE), worn(BLUE, BLUE)) == pytest.approx(0.5)  # trousers alone
    assert resemblance(worn(RED, RED), worn(BLUE, BLUE)) == 0


def test_thighs_that_are_not_seen_do_not_count():
    image, whole = picture(RED, BLUE)
    whole.keypoints_2d[[13, 14], 2] = 0.1
    found = clothing(image, whole)
    assert found is not None and not found[1].any()
    assert resemblance(found, worn(RED, GREY)) == pytest.approx(1)


def test_nobody_knows_what_is_worn_by_whose_trunk_is_not_seen():
    image, hidden = picture(RED, BLUE)
    hidden.keypoints_2d[5, 2] = 0.1
    assert clothing(image, hidden) is None


def test_a_body_beside_the_picture_wears_nothing_that_is_known():
    image, _ = picture(RED, BLUE)
    found = clothing(image, person(-500.0, pose=STANDING))
    assert found is not None and resemblance(found, worn(RED, BLUE)) == 0.5


def test_colours_are_those_of_cie_lab() -> None:
    """As OpenCV has them, dark ones and the corners of sRGB among them."""
    pixels = np.random.default_rng(0).integers(0, 256, (500, 3)).astype(np.uint8)
    pixels[:8] = [[red, green, blue] for red in (0, 255) for green in (0, 255) for blue in (0, 255)]
    pixels[8:12] = [[number, 2 * number, 1] for number in range(4)]
    true = cv2.cvtColor(pixels[None].astype(np.float32) / 255, cv2.COLOR_RGB2Lab)[0]
    np.testing.assert_allclose(_lab(pixels), true, atol=0.5)


def test_greys_have_no_colour() -> None:
    """Which side of a bin's edge they are on is not left to rounding."""
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    np.testing.assert_array_equal(_lab(greys)[:, 1:], 0)
