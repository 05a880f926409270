"""The lag of a motion: frames by which it comes late, whatever happens at the film's ends."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from benchmarks.motion import _lag

STEP = 1 / 30


def walk(late: float) -> np.ndarray:
    """(60, 12, 3) joints that swing, some seconds late."""
    rng = np.random.default_rng(0)
    speeds, phases = rng.uniform(3, 9, (12, 3)), rng.uniform(0, 6, (12, 3))
    times = STEP * np.arange(60)[:, None, None] - late
    return 0.2 * np.sin(speeds * times + phases)


@pytest.mark.parametrize("frames", [-2.0, -0.5, 0.0, 1.0, 2.5])
def test_the_lag_is_the_delay(frames: float) -> None:
    assert _lag(walk(frames * STEP), walk(0.0), STEP) == pytest.approx(frames * STEP, abs=0.1 * STEP)


@pytest.mark.parametrize("end", [0, -1])
def test_a_jump_at_an_end_that_a_smooth_motion_does_not_follow_is_no_lag(end: int) -> None:
    true = walk(0.0)
    true[end] += 1.0  # within a frame
    smooth = gaussian_filter1d(walk(0.0), 2.0, axis=0, mode="nearest")
    assert _lag(smooth, true, STEP) == pytest.approx(0.0, abs=0.2 * STEP)
