"""Legs and arms bent anew: ankles get where they should, feet point where they pointed, bones keep their lengths."""

from __future__ import annotations

import numpy as np
import pytest

from model.body.limbs import ARMS, LEGS, THIGHS, move_ends
from tests.support.walker import walker


@pytest.fixture(scope="module")
def motion():
    return walker(1.0)[0]


def test_ankles_get_where_they_should(motion):
    shifts = np.random.default_rng(0).normal(0, 0.03, (len(motion), 2, 3)) + np.array([0, 0.05, 0])
    moved = move_ends(motion, LEGS, shifts)
    for foot, (hip, knee, ankle) in enumerate(LEGS):
        np.testing.assert_allclose(moved.joints[:, ankle], motion.joints[:, ankle] + shifts[:, foot], atol=2e-3)
        np.testing.assert_allclose(moved.joints[:, hip], motion.joints[:, hip], atol=1e-9)
        np.testing.assert_allclose(moved.turns[:, ankle], motion.turns[:, ankle], atol=1e-9)
        bend = motion.joints[:, knee, 2] - (motion.joints[:, hip, 2] + motion.joints[:, ankle, 2]) / 2
        again = moved.joints[:, knee, 2] - (moved.joints[:, hip, 2] + moved.joints[:, ankle, 2]) / 2
        assert (again[bend > 0.02] > 0).all()  # no knee bends the other way
    np.testing.assert_allclose(moved.turns[:, 12:], motion.turns[:, 12:], atol=1e-9)


def test_a_straight_arm_bends_at_the_elbow_as_elbows_do(motion):
    """Forwards: of a body at rest, whose arms are stretched out to the sides, hands that come nearer."""
    straight = motion.with_rotations(np.broadcast_to(np.eye(3), motion.rotations.shape).copy())
    nearer = np.tile([[-0.1, 0, 0], [0.1, 0, 0]], (len(motion), 1, 1))
    moved = move_ends(straight, ARMS, nearer)
    for side, (shoulder, elbow, wrist) in enumerate(ARMS):
        np.testing.assert_allclose(moved.joints[:, wrist], straight.joints[:, wrist] + nearer[:, side], atol=2e-3)
        fore = moved.joints[:, wrist] - moved.joints[:, elbow]
        upper = moved.joints[:, elbow] - moved.joints[:, shoulder]
        assert (fore[:, 2] > 0.05).all() and (upper[:, 2] < -0.05).all()


def test_a_thigh_swings_and_takes_the_shin_along(motion):
    level = np.random.default_rng(1).normal(0, 0.03, (len(motion), 2, 3)) * [1, 0, 1]
    moved = move_ends(motion, THIGHS, level)
    for side, (hip, knee, ankle) in enumerate(LEGS):
        thigh, aim = (moved.joints[:, knee], motion.joints[:, knee] + level[:, side]) - motion.joints[:, hip]
        np.testing.assert_allclose(np.cross(thigh, aim), 0, atol=1e-9)
        np.testing.assert_allclose(moved.turns[:, knee], motion.turns[:, knee], atol=1e-9)
        shins = moved.joints[:, ankle] - moved.joints[:, knee], motion.joints[:, ankle] - motion.joints[:, knee]
        np.testing.assert_allclose(*shins, atol=1e-9)


def test_what_is_out_of_reach_is_reached_for(motion):
    moved = move_ends(motion, LEGS, np.tile([0, -1.0, 0], (len(motion), 2, 1)))
    hip, knee, ankle = LEGS[0]
    away = np.linalg.norm(moved.joints[:, ankle] - moved.joints[:, hip], axis=1)
    length = np.linalg.norm(motion.offsets[knee]) + np.linalg.norm(motion.offsets[ankle])
    assert np.isfinite(moved.joints).all()
    np.testing.assert_allclose(away, 0.999 * length, rtol=1e-4)


def test_nothing_to_move_leaves_all_as_it_is(motion):
    np.testing.assert_allclose(move_ends(motion, LEGS, np.zeros((len(motion), 2, 3))).joints, motion.joints, atol=1e-9)
