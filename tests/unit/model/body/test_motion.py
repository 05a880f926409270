"""A skeleton in motion: at any time, and its joints."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit
from model.body.motion import SkeletonMotion, even_times
from model.body.rig import Rig
from model.body.skeleton import TURN_UP, joint_positions, to_global
from model.joints import JOINTS


def bodies_of(rig: Rig, count: int = 3) -> list[BodyFit]:
    """Who bends and turns about the vertical, in the camera frame."""
    rng = np.random.default_rng(0)
    bend, shape = rng.normal(0, 0.5, (JOINTS, 3)), rng.normal(0, 1, rig.shape_count)
    found = []
    for share in np.linspace(0, 1, count):
        rotations = Rotation.from_rotvec(share * bend).as_matrix()
        rotations[0] = np.diag(TURN_UP) @ Rotation.from_euler("y", share).as_matrix()
        found.append(BodyFit(rotations, shape, np.array([0.0, share, 0.1]), 0.0))
    return found


def test_joints_are_the_bodys_y_up(rig):
    bodies, places = bodies_of(rig), np.array([(0, 0, 3.0), (1, 0, 3), (1, 1, 4)])
    motion = SkeletonMotion.of(rig, bodies, (0, 1, 2), places)
    for frame, body in enumerate(bodies):
        rest = rig.rest(body.shape)
        turns = to_global(body.rotations) @ rest.straighten
        expected = joint_positions(rest.joints, turns, body.translation) + places[frame]
        np.testing.assert_allclose(motion.joints[frame], expected * TURN_UP, atol=1e-5)


def test_between_two_poses_it_is_half_way(rig):
    bodies = bodies_of(rig)
    motion = SkeletonMotion.of(rig, [bodies[0], bodies[2]], (1.0, 3.0), np.array([(0, 0, 3), (2, 0, 3)]))
    half = motion.at(np.array([2.0]))
    np.testing.assert_allclose(half.rotations[0, 1:], bodies[1].rotations[1:], atol=1e-6)
    np.testing.assert_allclose(half.turns[0, 0], Rotation.from_euler("y", 0.5).as_matrix(), atol=1e-6)
    np.testing.assert_allclose(half.roots[0], (motion.roots[0] + motion.roots[1]) / 2, atol=1e-9)


def test_before_and_after_she_stands(rig):
    motion = SkeletonMotion.of(rig, bodies_of(rig), (1.0, 2.0, 3.0))
    at = even_times(2.0, 4.0)
    np.testing.assert_allclose(at, np.arange(9) / 2)
    even = motion.at(at)
    np.testing.assert_allclose(even.rotations[[0, 1, 8]], motion.rotations[[0, 0, 2]], atol=1e-9)
    assert motion.is_there(at).tolist() == [False, False, True, True, True, True, True, False, False]


def test_in_an_absence_she_stands_as_she_was_seen_last(rig):
    motion = SkeletonMotion.of(rig, bodies_of(rig, 6), (0.0, 0.1, 0.2, 2.0, 2.1, 2.2))
    away = motion.at(np.array([0.2, 0.21, 1.0, 1.99, 2.0]))
    np.testing.assert_allclose(away.rotations, motion.rotations[[2, 2, 2, 2, 3]], atol=1e-9)
    np.testing.assert_allclose(away.roots, motion.roots[[2, 2, 2, 2, 3]], atol=1e-9)


def test_an_absence_is_longer_than_what_is_bridged_and_than_the_usual_step(rig):
    body = bodies_of(rig)[0]
    times = (0.0, 0.1, 0.2, 1.2, 1.3, 1.8, 1.9)
    motion = SkeletonMotion.of(rig, [body] * len(times), times)
    at = np.array([0.1, 0.2, 0.3, 1.1, 1.2, 1.5, 1.9])
    assert motion.is_there(at).tolist() == [True, True, False, False, True, True, True]
    assert motion.absences == [(0.2, 1.2)]
    slow = SkeletonMotion.of(rig, [body] * 3, (0.0, 1.0, 2.0))  # a time lapse
    assert slow.is_there(at).all()
    assert SkeletonMotion.of(rig, [body], (0.1,)).is_there(at).tolist() == [True] + [False] * 6


def test_even_steps_end_with_the_film():
    """0.1 has no binary fraction: the last frame must not be lost to it."""
    assert len(even_times(10.0, 0.3)) == 4 and len(even_times(30.0, 0.0)) == 1
