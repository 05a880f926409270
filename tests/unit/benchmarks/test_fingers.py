"""Rendered films' hands: joints lie where the mesh's are, move, and are compared as they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.fingers import _off, hand_joints, moving_hands
from model.body.fitting import BodyFit
from model.body.hands import load_hands
from model.body.rig import Rig
from model.body.rig_file import find_rig
from tests.support.finger_joints import joints_of
from weights import path as shipped


@pytest.fixture(scope="module")
def rig() -> Rig:
    bare = find_rig(13_718)
    assert bare is not None
    return replace(bare, hands=load_hands(shipped("anny-hands")))


def test_joints_are_those_of_the_posed_body(rig: Rig) -> None:
    motion = moving_hands(rig, 1)
    assert motion.seen_fingers is not None
    body = BodyFit(motion.rotations[7], motion.shape, np.zeros(3), 0.0, motion.seen_fingers[7])
    for hand in (0, 1):
        true = joints_of(rig, body, hand)
        np.testing.assert_allclose(hand_joints(motion)[7, hand], true[1:] - true[0], atol=1e-6)


def test_hands_are_before_the_body_and_move(rig: Rig) -> None:
    """Forearms lead to where she faces, fingers close and open."""
    for seed in range(3):
        motion = moving_hands(rig, seed)
        forearms = motion.joints[:, [20, 21]] - motion.joints[:, [18, 19]]
        assert (forearms @ motion.rotations[0, 0, :, 2] > 0).all()
        reach = np.linalg.norm(hand_joints(motion)[:, :, 3::4], axis=-1)  # (N, 2, 5) from the wrist to the tips
        assert (np.ptp(reach, axis=0).max(axis=-1) > 0.02).all()


def test_off_by_a_turn_alone_is_nothing_after_the_best_rotation(rig: Rig) -> None:
    joints = hand_joints(moving_hands(rig, 0))[0, 0]
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    as_it_is, turned = _off(joints @ turn.T, joints)
    assert as_it_is == pytest.approx(1000 * np.linalg.norm(joints @ turn.T - joints, axis=1).mean())
    assert turned == pytest.approx(0, abs=1e-6)
