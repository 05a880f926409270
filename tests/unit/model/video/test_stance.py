"""Which feet stand, of points that slide."""

from __future__ import annotations

import numpy as np
import pytest

from model.video.stance import find_stance

TIMES = np.arange(31) / 30


def sliding(speed: float, height: float) -> np.ndarray:
    """(31, 3) of a point that moves along z, metres a second, at a height of so many metres."""
    return np.column_stack([0 * TIMES, np.full_like(TIMES, height), speed * TIMES])


@pytest.mark.parametrize(
    ("camera", "stride"),
    [((0, 1, 20), 1.0), ((0, 1, -20), 1.0), ((20, 1, 0), 1.0), ((0, 1, 20), 0.5), ((0, 1, -20), 0.5)],
    ids=["before her", "behind her", "beside her", "before her, half seen", "behind her, half seen"],
)
def test_of_who_shuffles_the_foot_that_is_overtaken_stands(camera: tuple[int, int, int], stride: float) -> None:
    """Both are as low; across the view of a camera before her or behind her both are as slow."""
    ankles = np.stack([sliding(1 - stride, 0.1), sliding(1 + stride, 0.1)], axis=1)
    found = find_stance(TIMES, ankles, sliding(1, 0.9), np.array(camera))
    np.testing.assert_array_equal(found.mean(axis=0), [1, 0])


def test_of_who_stays_both_stand() -> None:
    ankles = np.stack([sliding(0, 0.1), sliding(0.2, 0.1)], axis=1)
    assert find_stance(TIMES, ankles, sliding(0.1, 0.9), np.array([0, 1, 20])).all()
