"""A camera that is carried along goes where feet that bear say: who walks beside it walks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.limbs import BALL, LEGS, move_ends
from model.body.motion import SkeletonMotion
from model.joints import JOINTS
from model.video.carrying import find_path, turned_about
from tests.support.walker import SPEED, walker

CARRIED = np.array([1.0, 0.0, 1.0])
CAMERA = np.array([0.5, 1.5, -3.0])
UP = np.array([0.0, -np.cos(np.radians(12)), -np.sin(np.radians(12))])


@pytest.fixture(scope="module")
def walk() -> SkeletonMotion:
    return walker(3.0, 30.0)[0]


def before_camera(motion: SkeletonMotion, path: np.ndarray) -> SkeletonMotion:
    """As it looks to a camera that goes on that path (N, 3) and is taken to stand still, depths in it by chance."""
    noise = np.random.default_rng(0).normal(0, 0.004, path.shape)
    return motion.shifted(noise - path)


def test_who_walks_beside_the_camera_walks(walk: SkeletonMotion):
    path = CARRIED * (walk.roots - walk.roots[0])
    found = find_path([before_camera(walk, path)], [range(len(walk))], CAMERA)
    assert found[-1] == pytest.approx([0.0, 0.0, 3 * SPEED], abs=0.3)
    assert np.abs(found - path).max() < 0.35


def test_a_camera_that_circles_somebody_who_stands_is_told(walk: SkeletonMotion):
    standing = walk.at(np.full(60, walk.times[20]))
    times = np.arange(60) / 30
    path = np.stack([np.sin(times), 0 * times, 1 - np.cos(times)], axis=1)
    moving = before_camera(SkeletonMotion(walk.rig, walk.shape, times, standing.rotations, standing.roots), path)
    np.testing.assert_allclose(find_path([moving], [range(60)], CAMERA), path, atol=0.05)


def test_frames_in_which_nobody_is_are_gone_through(walk: SkeletonMotion):
    """One leaves, another one enters later: the camera goes on in between as from one of her frames to the next."""
    path = CARRIED * (walk.roots - walk.roots[0])
    moving = before_camera(walk, path)
    early, late = (moving.at(moving.times[part]) for part in (slice(0, 40), slice(50, 91)))
    found = find_path([early, late], [range(40), range(50, 91)], CAMERA)
    assert len(found) == 91
    np.testing.assert_array_equal(found[39], found[50])
    assert found[-1, 2] == pytest.approx(3 * SPEED * 79 / 90, abs=0.35)


@pytest.mark.parametrize("side", [-1, 1])
def test_strides_that_are_seen_too_short_in_depth_are_as_long_as_the_floor_says(walk: SkeletonMotion, side: int):
    """From behind and from before: where feet are in the picture is right, how far away is half guessed."""
    path, camera = CARRIED * (walk.roots - walk.roots[0]), np.array([0.2, 1.5, 3.0 * side])
    moving = walk.shifted(-path)
    ankles = moving.joints[:, [leg[2] for leg in LEGS]]
    ways = ankles - camera
    shorter = (moving.roots[:, None, 2] - ankles[..., 2]) / 2 / ways[..., 2]
    found = find_path([move_ends(moving, LEGS, shorter[..., None] * ways)], [range(len(walk))], camera)
    assert found[-1, 2] == pytest.approx(3 * SPEED, abs=0.5)


def test_who_rises_onto_her_toes_goes_nowhere(walk: SkeletonMotion):
    times, ankles = np.arange(60) / 30, [leg[2] for leg in LEGS]
    rotations = np.tile(np.eye(3), (60, JOINTS, 1, 1))
    raised = np.radians(30) * (1 - np.cos(3 * times))
    rotations[:, ankles] = Rotation.from_rotvec(raised[:, None] * [1.0, 0.0, 0.0]).as_matrix()[:, None]
    rising = SkeletonMotion(walk.rig, walk.shape, times, rotations, np.zeros((60, 3)))
    rising = rising.shifted(-rising.joints[:, [ankle + BALL for ankle in ankles]].mean(axis=1))
    assert np.ptp(rising.joints[:, ankles, 2]) > 0.03
    assert np.abs(find_path([rising], [range(60)], CAMERA)).max() < 0.01


def test_a_jump_is_no_way_of_the_camera(walk: SkeletonMotion):
    rises = 0.4 * np.sin(np.linspace(0, np.pi, len(walk)))
    jumping = walk.shifted(np.stack([0 * rises, rises, 0 * rises], axis=1))
    assert (find_path([jumping], [range(len(walk))], CAMERA)[:, 1] == 0).all()


def test_who_is_seen_once_says_nothing(walk: SkeletonMotion):
    once = walk.at(walk.times[:1])
    assert (find_path([once], [[3]], CAMERA) == np.zeros((4, 3))).all()
    alone = find_path([walk], [range(len(walk))], CAMERA)
    assert find_path([walk, once], [range(len(walk)), [7]], CAMERA) == pytest.approx(alone)


def chained(headings: np.ndarray, tilts: np.ndarray) -> np.ndarray:
    """(F, 3, 3) of a camera that looks down, as steps about the vertical, and about what is to its right, add up."""
    turns = [Rotation.identity()]
    for heading, tilt in zip(np.diff(headings), np.diff(tilts), strict=True):
        turns.append(turns[-1] * Rotation.from_rotvec(heading * UP) * Rotation.from_euler("x", tilt))
    return np.stack([turn.as_matrix() for turn in turns])


def test_of_a_camera_that_is_carried_turns_about_the_vertical_count_alone():
    """That it was tilted by 20 degrees in the end adds up from errors."""
    headings = np.radians(np.linspace(0, 200, 121))
    turned = turned_about(UP, chained(headings, np.radians(np.linspace(0, 20, 121))), 1 / 30)
    assert turned is not None
    np.testing.assert_allclose(turned @ UP, np.tile(UP, (121, 1)), atol=1e-9)
    off = Rotation.from_matrix(turned) * Rotation.from_rotvec(headings[:, None] * UP).inv()
    assert np.degrees(off.magnitude().max()) < 1


def test_small_turns_of_a_camera_that_is_carried_are_errors():
    turns = chained(np.radians(4) * np.sin(np.arange(90) / 9), np.zeros(90))
    assert turned_about(UP, turns, 1 / 30) is None
