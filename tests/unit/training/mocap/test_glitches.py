"""The glitch filter on made-up motion with known glitches."""

from __future__ import annotations

import numpy as np
import pytest

from training.mocap import SMPL_JOINT_NAMES
from training.mocap.glitches import FINE, JUMP, NOT_FINITE, OUT_OF_RANGE, find_glitches


def walk(frames: int = 240, framerate: float = 120.0) -> np.ndarray:
    """A fast walk, twice a second: (T, 22, 3)."""
    phase = 4 * np.pi * np.arange(frames) / framerate
    rotations = np.zeros((frames, 22, 3))
    rotations[:, 0, 0] = np.pi / 2
    for side, sign in (("left", 1), ("right", -1)):
        set_joint(rotations, f"{side}_hip", x=0.5 * sign * np.sin(phase))
        set_joint(rotations, f"{side}_knee", x=0.6 - 0.6 * sign * np.cos(phase))
        set_joint(rotations, f"{side}_shoulder", x=-0.4 * sign * np.sin(phase), z=-1.3 * sign)
        set_joint(rotations, f"{side}_elbow", y=-0.8 * sign)
    return rotations


def set_joint(rotations: np.ndarray, name: str, **angles: np.ndarray | float) -> None:
    for axis, angle in angles.items():
        rotations[:, SMPL_JOINT_NAMES.index(name), "xyz".index(axis)] = angle


@pytest.mark.parametrize("framerate", [24.0, 30.0, 60.0, 120.0, None])
def test_keeps_a_plain_clip_whole(framerate: float | None) -> None:
    assert (find_glitches(walk(framerate=framerate or 120.0), framerate) == FINE).all()


def test_keeps_the_widest_human_poses_whole() -> None:
    rotations = walk()
    set_joint(rotations, "head", y=np.radians(50))
    set_joint(rotations, "neck", y=np.radians(40))
    for name in ("spine1", "spine2", "spine3"):
        set_joint(rotations, name, x=np.radians(35))
    set_joint(rotations, "left_knee", x=np.radians(155))
    set_joint(rotations, "right_knee", x=np.radians(-10))
    assert (find_glitches(rotations, 120.0) == FINE).all()


def test_keeps_a_throw_and_one_at_half_the_rate_that_we_think() -> None:
    """2,000 degrees a second at 60 Hz, which is 33 a frame, and counts as 4,000 at 120."""
    rotations = walk(60)
    set_joint(rotations, "right_elbow", y=np.radians(np.clip(33.0 * (np.arange(60) - 30), 0, 132)))
    assert (find_glitches(rotations, 120.0) == FINE).all()


def test_drops_single_frames_of_nan_and_no_neighbour() -> None:
    rotations = walk()
    rotations[50, 3, 1] = np.nan
    rotations[90] = np.inf
    marks = find_glitches(rotations, 120.0)
    assert np.flatnonzero(marks).tolist() == [50, 90] and set(marks[[50, 90]]) == {NOT_FINITE}


@pytest.mark.parametrize("length", [1, 2, 20])
@pytest.mark.parametrize("joint", ["pelvis", "left_wrist", "spine2"])
def test_drops_a_flip_as_long_as_it_is_short(length: int, joint: str) -> None:
    rotations = walk()
    rotations[100 : 100 + length, SMPL_JOINT_NAMES.index(joint)] = [0, np.radians(140), 0]
    marks = find_glitches(rotations, 120.0)
    assert np.flatnonzero(marks).tolist() == list(range(100, 100 + length)) and set(marks[marks > 0]) == {JUMP}


def test_keeps_both_sides_of_a_cut() -> None:
    """Nobody can say which side is wrong, and each is a motion by itself."""
    rotations = walk()
    set_joint(rotations[100:], "pelvis", z=np.pi)
    assert (find_glitches(rotations, 120.0) == FINE).all()


def test_drops_a_t_pose_that_only_the_first_frame_has() -> None:
    """So begin BVH conversions of CMU's clips."""
    rotations = walk()
    rotations[0, 1:] = 0
    assert np.flatnonzero(find_glitches(rotations, 120.0)).tolist() == [0]


def test_keeps_the_longest_piece_of_a_short_clip() -> None:
    rotations = walk(12)
    rotations[3, 0] = [0, np.pi, 0]
    assert np.flatnonzero(find_glitches(rotations, 120.0)).tolist() == [0, 1, 2, 3]


def test_what_was_thinned_has_no_jumps() -> None:
    rotations = walk()
    rotations[100, 0] = [0, np.pi, 0]
    assert (find_glitches(rotations, None) == FINE).all()


@pytest.mark.parametrize(
    ("joint", "axis", "degrees"),
    [
        ("left_knee", "x", -45),
        ("right_knee", "x", -90),
        ("left_knee", "z", 60),
        ("neck", "y", 130),
        ("spine1", "x", 160),
    ],
)
@pytest.mark.parametrize("framerate", [120.0, None])
def test_drops_joints_beyond_human_range(joint: str, axis: str, degrees: float, framerate: float | None) -> None:
    rotations = walk()
    angle = np.zeros(len(rotations))
    angle[60:180] = np.radians(degrees)  # far longer than a flip
    for other in "xyz":
        set_joint(rotations, joint, **{other: angle if other == axis else 0.0})
    marks = find_glitches(rotations, framerate)
    assert np.flatnonzero(marks).tolist() == list(range(60, 180)) and set(marks[60:180]) == {OUT_OF_RANGE}


def test_range_counts_neck_and_head_together() -> None:
    rotations = walk()
    set_joint(rotations, "neck", y=np.radians(65))
    set_joint(rotations, "head", y=np.radians(65))
    assert (find_glitches(rotations, None) == OUT_OF_RANGE).all()


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_clips_of_hardly_any_frames(frames: int) -> None:
    assert find_glitches(walk(frames), 120.0).tolist() == [FINE] * frames
    assert find_glitches(np.full((frames, 22, 3), np.nan), 120.0).tolist() == [NOT_FINITE] * frames
