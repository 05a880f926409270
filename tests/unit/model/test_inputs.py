"""What callers hand in, by numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.errors import BadInput
from model.inputs import check_box, check_count, check_focal_length, check_image, check_number


def test_a_focal_length_is_the_diagonal_if_nobody_knows_it() -> None:
    assert check_focal_length(None, 1200, 900) == 1500
    assert check_focal_length(1234.5, 1200, 900) == 1234.5


@pytest.mark.parametrize("millimetres", [24, 50, 85])
def test_millimetres_are_not_taken_for_pixels(millimetres: float) -> None:
    with pytest.raises(BadInput, match=r"pixels of this photo.* has 832 here"):  # 24 / 43.27 * 1500
        check_focal_length(millimetres, 1200, 900)


@pytest.mark.parametrize("focal_length", [0, -1400, math.nan, math.inf, "many"])
def test_no_focal_length(focal_length: float) -> None:
    with pytest.raises(BadInput, match="focal length"):
        check_focal_length(focal_length, 1200, 900)


def test_the_widest_lens_of_all_is_taken() -> None:
    assert check_focal_length(139, 1200, 900) == 139  # 4 mm before film of 43.27 mm
    with pytest.raises(BadInput):
        check_focal_length(138, 1200, 900)


@pytest.mark.parametrize("box", [(1, 2, 3), "1,2,30,40", 7, None, [1, 2, 3, "x"], (1, 2, math.nan, 40)])
def test_no_box(box: object) -> None:
    with pytest.raises(BadInput, match="x, y, width, height"):
        check_box(box, 640, 480)  # type: ignore[arg-type]
    assert check_box(np.array([1, 2, 30, 40]), 640, 480) == (1, 2, 30, 40)  # type: ignore[arg-type]


def test_numbers_and_counts() -> None:
    assert check_number("1.5", "It") == 1.5 and check_number(None, "It") is None  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="The pitch must be a number, not steep"):
        check_number("steep", "The pitch")  # type: ignore[arg-type]
    for count in (None, 1, np.int64(3)):
        check_count(count, "It")  # type: ignore[arg-type]
    for count in (0, -1, 1.5, True, "2"):
        with pytest.raises(BadInput, match="max_people must be a whole number"):
            check_count(count, "max_people")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("image", "given"),
    [
        ("photo.jpg", "a str"),
        (np.zeros((4, 5)), r"float64 \(4, 5\)"),
        (np.zeros((4, 5, 4), np.uint8), r"uint8 \(4, 5, 4\)"),
    ],
)
def test_what_is_no_image_is_told(image: object, given: str) -> None:
    with pytest.raises(BadInput, match=f"uint8, RGB, not {given}"):
        check_image(image)  # type: ignore[arg-type]
