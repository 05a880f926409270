"""Legs bent anew: ankles get where they should, feet point where they pointed, and bones keep their lengths."""

from __future__ import annotations

import numpy as np
import pytest

from model.body.legs import LEGS, move_ankles
from tests.support.walker import walker


@pytest.fixture(scope="module")
def motion():
    return walker(1.0)[0]


def test_ankles_get_where_they_should(motion):
    shifts = np.random.default_rng(0).normal(0, 0.03, (len(motion), 2, 3)) + np.array([0, 0.05, 0])
    moved = move_ankles(motion, shifts)
    for foot, (hip, knee, ankle) in enumerate(LEGS):
        np.testing.assert_allclose(moved.joints[:, ankle], motion.joints[:, ankle] + shifts[:, foot], atol=2e-3)
        np.testing.assert_allclose(moved.joints[:, hip], motion.joints[:, hip], atol=1e-9)
        np.testing.assert_allclose(moved.turns[:, ankle], motion.turns[:, ankle], atol=1e-9)
        bend = motion.joints[:, knee, 2] - (motion.joints[:, hip, 2] + motion.joints[:, ankle, 2]) / 2
        again = moved.joints[:, knee, 2] - (moved.joints[:, hip, 2] + moved.joints[:, ankle, 2]) / 2
        assert (again[bend > 0.02] > 0).all()  # no knee bends the other way
    np.testing.assert_allclose(moved.turns[:, 12:], motion.turns[:, 12:], atol=1e-9)


def test_what_is_out_of_reach_is_reached_for(motion):
    moved = move_ankles(motion, np.tile([0, -1.0, 0], (len(motion), 2, 1)))
    hip, knee, ankle = LEGS[0]
    away = np.linalg.norm(moved.joints[:, ankle] - moved.joints[:, hip], axis=1)
    length = np.linalg.norm(motion.offsets[knee]) + np.linalg.norm(motion.offsets[ankle])
    assert np.isfinite(moved.joints).all()
    np.testing.assert_allclose(away, 0.999 * length, rtol=1e-4)


def test_nothing_to_move_leaves_all_as_it_is(motion):
    np.testing.assert_allclose(move_ankles(motion, np.zeros((len(motion), 2, 3))).joints, motion.joints, atol=1e-9)
