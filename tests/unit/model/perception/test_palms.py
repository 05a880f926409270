"""Palms from the detector's outputs: where they are, and at which scales they are sought."""

from __future__ import annotations

import numpy as np
import pytest

from model.interfaces import PalmOutputs
from model.perception.palms import Palm, detect_palms, suppress_duplicates


def palm(x: float, y: float, size: float, score: float = 0.9) -> Palm:
    points = np.full((7, 2), (x, y), float)
    points[2] -= (0, size / 2)
    return Palm(score, np.array([x, y]), size, points)


def test_palms_that_overlap_much_are_one() -> None:
    kept = suppress_duplicates([palm(50, 50, 20, 0.6), palm(54, 50, 20, 0.9), palm(75, 50, 20, 0.7), palm(9, 9, 0)])
    assert [p.score for p in kept] == [0.9, 0.7]


def test_palms_are_in_pixels_of_the_photo_whatever_the_scale() -> None:
    """A stand-in that sees one palm in the middle of whatever it is shown, half as large."""

    def find(images: np.ndarray) -> PalmOutputs:
        height, width = images.shape[1:3]  # 448 x 224 and the like: no padding
        points = np.full((1, 1, 7, 2), (width / 2, height / 2))
        points[0, 0, 2] += (0, -height / 8)
        return PalmOutputs(np.array([[3.0]]), np.array([[[width / 2, height / 2, width / 2, width / 2]]]), points)

    for (found,) in detect_palms(find, np.zeros((896, 448, 3), np.uint8)):
        _is_in_the_middle(found)


def _is_in_the_middle(found: Palm) -> None:
    assert found.middle == pytest.approx([224, 448]) and found.size == pytest.approx(224)
    assert found.angle == pytest.approx(0) and found.score == pytest.approx(1 / (1 + np.exp(-3)))
    assert found.points[2] == pytest.approx([224, 336])


def test_small_photos_are_not_enlarged() -> None:
    sizes = []

    def find(images: np.ndarray) -> PalmOutputs:
        sizes.append(max(images.shape[1:3]))
        return PalmOutputs(np.full((1, 1), -9.0), np.zeros((1, 1, 4)), np.zeros((1, 1, 7, 2)))

    for longest, expected in ((60, [128]), (100, [128]), (300, [128, 256]), (400, [128, 256, 448])):
        sizes.clear()
        list(detect_palms(find, np.zeros((longest, longest // 2, 3), np.uint8)))
        assert sizes == expected
