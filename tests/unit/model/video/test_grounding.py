"""Somebody who walks before a camera that guesses how far away she is: her feet stand, and her way is her way."""

from __future__ import annotations

import numpy as np
import pytest

from model.body.limbs import LEGS, move_ends
from model.video.grounding import ground, lock, settle
from model.video.stance import stances
from tests.support.walker import walker

ANKLES = [leg[2] for leg in LEGS]
CAMERA = np.array([0.5, 1.5, 6.0])
SOLES = np.full((91, 2), 0.08)


@pytest.fixture(scope="module")
def walk():
    return walker()


def guessed(motion, seed: int = 0):
    """The walk as a network answers it: 4 % off along the ray from the camera, anew in each frame."""
    rays = motion.roots - CAMERA
    return motion.shifted(np.random.default_rng(seed).normal(0, 0.04, (len(motion), 1)) * rays)


def grounded(motion, camera=CAMERA):
    """On the floor, with standing feet held; and which stand."""
    after, standing = ground(motion, camera, SOLES)
    return lock(after, LEGS, standing, SOLES), standing


def speeds(motion, standing: np.ndarray) -> np.ndarray:
    """Metres a second, horizontally, of ankles that stand."""
    step = np.diff(motion.times)[:, None]
    moved = np.linalg.norm(np.diff(motion.joints[:, ANKLES], axis=0)[..., [0, 2]], axis=-1) / step
    return moved[standing[1:] & standing[:-1]]


def test_feet_that_stand_are_found_though_depth_jitters(walk):
    motion, standing = walk
    _, found = ground(guessed(motion), CAMERA, SOLES)
    assert (found == standing).mean() > 0.85
    assert standing[found].mean() > 0.9


def test_standing_feet_stay_and_the_way_is_found_again(walk):
    motion, standing = walk
    before = guessed(motion)
    after, _ = grounded(before)
    assert np.median(speeds(before, standing)) > 2 and np.median(speeds(after, standing)) < 0.05

    def off(other) -> float:
        """Metres from the true way, its beginning aside."""
        way = other.roots - motion.roots
        return float(np.linalg.norm(way - way.mean(axis=0), axis=1).mean())

    assert off(after) < 0.35 * off(before)


def test_what_was_right_stays(walk):
    motion, standing = walk
    after, _ = grounded(motion)
    assert np.linalg.norm(after.joints - motion.joints, axis=-1).max() < 0.06
    assert np.percentile(speeds(after, standing), 90) < 0.05


@pytest.mark.parametrize("side", [1, -1], ids=["towards the camera", "away from it"])
def test_who_walks_along_the_view_goes_as_far_as_she_was_seen_to(walk, side):
    """Networks make strides along the view half as long; feet swing there as slowly across it as others stand."""
    motion, standing = walk
    camera = np.array([0.0, 1.5, 1.5 + 6.0 * side])
    strides = motion.joints[:, ANKLES, 2] - motion.roots[:, None, 2]
    hedged = move_ends(motion, LEGS, np.stack([0 * strides, 0 * strides, -0.5 * strides], axis=-1))
    after, found = grounded(hedged, camera)
    way, true = (np.ptp(each.roots[:, 2]) for each in (after, motion))
    assert way == pytest.approx(true, rel=0.1)
    assert standing[found].mean() > 0.85
    strides_after = after.joints[:, ANKLES, 2] - after.roots[:, None, 2]
    assert np.abs(strides_after - strides)[found].mean() < 0.6 * np.abs(0.5 * strides)[found].mean()


def test_nothing_lags(walk):
    """Played backwards, the answer is the same, backwards."""
    motion, _ = walk
    before = guessed(motion)
    after, _ = grounded(before)
    back = before.at(before.times)
    back = type(back)(back.rig, back.shape, back.times, back.rotations[::-1].copy(), back.roots[::-1].copy())
    again, _ = grounded(back)
    np.testing.assert_allclose(again.roots[::-1], after.roots, atol=2e-3)


def test_a_jump_is_no_stance(walk):
    """Both feet high above where they stood: nothing holds them."""
    motion, _ = walk
    heights = np.zeros(len(motion))
    heights[30:50] = 0.5 * np.sin(np.linspace(0, np.pi, 20))
    jumping = motion.shifted(np.stack([np.zeros_like(heights), heights, np.zeros_like(heights)], axis=1))
    after, standing = grounded(jumping)
    assert not standing[33:47].any()
    assert np.abs(after.roots[40] - jumping.roots[40]).max() < 0.1


def test_feet_stand_on_the_floor_and_none_goes_through_it(walk):
    """Legs take up what the trajectory leaves; a foot on a step stays there."""
    motion, standing = walk
    sunk = motion.shifted(np.array([0, -0.06, 0]))
    after = lock(sunk, LEGS, standing, SOLES)
    heights = after.joints[:, ANKLES, 1] - SOLES
    assert np.abs(heights[standing]).max() < 0.002
    assert heights.min() > -0.002
    on_a_step = lock(motion.shifted(np.array([0, 0.3, 0])), LEGS, standing, SOLES)
    np.testing.assert_allclose((on_a_step.joints[:, ANKLES, 1] - SOLES)[standing], 0.3, atol=0.01)


def test_whose_feet_stand_in_the_floor_comes_up_with_them(walk):
    """Her legs stay as they are; who walks on a step stays on it."""
    motion, standing = walk
    sunk = motion.shifted(np.stack([0 * motion.times, -0.03 * motion.times, 0 * motion.times], axis=1))
    after = settle(sunk, standing, SOLES)
    assert np.abs(after.roots[:, 1] - motion.roots[:, 1]).max() < 0.02
    high = motion.shifted(np.array([0, 0.3, 0]))
    np.testing.assert_allclose(settle(high, standing, SOLES).roots, high.roots, atol=1e-9)
    assert settle(high, standing & False, SOLES) is high


def test_nobody_stands_on_feet_above_her(walk):
    """As in a handstand; of who lies and holds her legs up, neither."""
    motion, _ = walk
    still = motion.at(motion.times[:1])
    poses = still.rotations.repeat(31, axis=0)
    poses[:, 0] = np.diag([-1.0, -1.0, 1.0])
    upside_down = type(still)(still.rig, still.shape, motion.times[:31], poses, still.roots.repeat(31, axis=0))
    assert not ground(upside_down, CAMERA, SOLES[:31])[1].any()
    poses[:, 0] = np.eye(3)
    assert ground(upside_down.with_rotations(poses), CAMERA, SOLES[:31])[1].all()


def test_one_frame_and_two_are_left_alone(walk):
    motion, _ = walk
    for count in (1, 2):
        few = motion.at(motion.times[:count])
        np.testing.assert_allclose(ground(few, CAMERA, SOLES[:count])[0].roots, few.roots)


def test_runs_of_frames():
    assert stances(np.array([1, 1, 0, 0, 1], bool)) == [slice(0, 2), slice(4, 5)]
    assert stances(np.zeros(4, bool)) == []
