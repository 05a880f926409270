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


@pytest.mark.parametrize("nearer", [0.0, 0.5], ids=["as far", "as if she came nearer"])
def test_in_slow_motion_a_foot_that_rises_stands_no_more(nearer: float) -> None:
    """Slow as it is; but not one that only seems to get lower, since she seems to come nearer."""
    times = np.arange(91) / 30
    camera = np.array([0, 1, 5.0])
    rise = 0.2 * np.maximum(times - 1.5, 0)
    foot = np.column_stack([0 * times, 0.1 + rise, 0 * times])
    foot = camera + (foot - camera) * (1 - nearer * times / times[-1] / 5)[:, None]
    found = find_stance(times, np.stack([foot, foot], axis=1), foot + np.array([0, 0.8, 0]), camera)
    assert found[times < 1.5].all()
    assert not found[times > 2.1].any()
