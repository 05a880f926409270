"""What callers hand in, by numbers worked by hand."""

from __future__ import annotations

import math

import pytest

from model.errors import BadInput
from model.inputs import check_focal_length


def test_a_focal_length_is_the_diagonal_if_nobody_knows_it() -> None:
    assert check_focal_length(None, 1200, 900) == 1500
    assert check_focal_length(1234.5, 1200, 900) == 1234.5


@pytest.mark.parametrize("millimetres", [24, 50, 85])
def test_millimetres_are_not_taken_for_pixels(millimetres: float) -> None:
    with pytest.raises(BadInput, match=r"pixels of this photo.* has 832 here"):  # 24 / 43.27 * 1500
        check_focal_length(millimetres, 1200, 900)


@pytest.mark.parametrize("focal_length", [0, -1400, math.nan, math.inf])
def test_no_focal_length(focal_length: float) -> None:
    with pytest.raises(BadInput, match="focal length"):
        check_focal_length(focal_length, 1200, 900)


def test_the_widest_lens_of_all_is_taken() -> None:
    assert check_focal_length(139, 1200, 900) == 139  # 4 mm before film of 43.27 mm
    with pytest.raises(BadInput):
        check_focal_length(138, 1200, 900)
