"""Thinning by pose change."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from training.mocap.thinning import keep_changes


def turning(degrees: np.ndarray) -> np.ndarray:
    """Rotations (T, 2, 3): joint 0 rests, joint 1 is at `degrees` (T,) about a slanted axis."""
    rotations = np.zeros((len(degrees), 2, 3))
    rotations[:, 1] = np.radians(degrees)[:, None] * np.array([0.6, 0.0, 0.8])
    return rotations


def test_a_joint_at_constant_speed_keeps_a_frame_each_8_degrees() -> None:
    # 3 degrees a frame: 9 degrees, the first 8 or more, every third frame.
    assert keep_changes(turning(3.0 * np.arange(10)), framerate=100).tolist() == [0, 3, 6, 9]


def test_a_resting_body_keeps_a_frame_each_half_second() -> None:
    assert keep_changes(turning(np.zeros(31)), framerate=20).tolist() == [0, 10, 20, 30]


def test_slow_drift_counts_from_the_last_kept_frame() -> None:
    assert keep_changes(turning(np.arange(20.0)), framerate=1000).tolist() == [0, 8, 16]


def test_a_full_turn_of_the_axis_angle_is_no_change() -> None:
    assert keep_changes(turning(np.array([10.0, 370.0, 12.0])), framerate=100).tolist() == [0]


def test_rates_so_low_that_half_a_second_is_less_than_a_frame_keep_all() -> None:
    assert keep_changes(turning(np.zeros(4)), framerate=1).tolist() == [0, 1, 2, 3]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.sampled_from([10.0, 60.0, 120.0]))
def test_no_frame_left_out_shows_anything_new(seed: int, frames: int, framerate: float) -> None:
    """Whatever the motion, frames are within 8 degrees and 0.5 s of the last kept one, unless kept."""
    steps = np.random.default_rng(seed).normal(0, 0.03, (frames, 4, 3))
    rotations = np.cumsum(steps, axis=0)
    kept = keep_changes(rotations, framerate)
    window = round(0.5 * framerate)

    def apart(a: int, b: int) -> float:
        turned = Rotation.from_rotvec(rotations[a]).inv() * Rotation.from_rotvec(rotations[b])
        return float(np.degrees(turned.magnitude().max()))

    assert kept[0] == 0
    for frame in range(frames):
        last = kept[np.searchsorted(kept, frame, side="right") - 1]
        if frame != last:
            assert apart(last, frame) < 8 + 1e-6 and frame - last < window
    for last, frame in itertools.pairwise(kept):
        assert apart(last, frame) >= 8 - 1e-6 or frame - last == window
