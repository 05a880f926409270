"""Hands posed by their joints: what was posed comes back, hands do what hands can, and the rest stays."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit
from model.body.hand_posing import HandPoser
from model.body.hands import FINGERS, WRISTS
from model.body.rig import Rig
from model.body.skeleton import to_global
from model.joints import JOINTS
from tests.support.finger_joints import joints_of

SIDES = ("left", "right")


@pytest.fixture(scope="module")
def poser(worn: Rig) -> HandPoser:
    return HandPoser(worn)


def fit_of(worn: Rig, fingers: np.ndarray | None = None, seed: int = 0) -> BodyFit:
    """Somebody in some pose whose wrists are straight."""
    turns = Rotation.from_rotvec(np.random.default_rng(seed).normal(0, 0.4, (JOINTS, 3))).as_matrix()
    turns[list(WRISTS)] = np.eye(3)
    return BodyFit(turns, np.zeros(worn.shape_count), np.zeros(3), 0.0, fingers)


@pytest.mark.parametrize("hand", [0, 1])
@pytest.mark.parametrize("curl", [0.3, 1.0, 2.0])
def test_what_was_posed_comes_back_whatever_its_size_and_place(
    worn: Rig, poser: HandPoser, hand: int, curl: float
) -> None:
    """A hand that is more or less relaxed, on a wrist that is bent and twisted."""
    assert worn.hands is not None
    true = fit_of(worn, Rotation.from_rotvec(curl * worn.hands.relaxed).as_matrix())
    true.rotations[WRISTS[hand]] = Rotation.from_euler("xyz", (50, 20, -30), degrees=True).as_matrix()
    joints = joints_of(worn, true, hand)
    found = poser.pose(fit_of(worn), SIDES[hand], 240 * joints + [3, 2, 5])
    assert found is not None
    wrist = WRISTS[hand]
    np.testing.assert_allclose(to_global(found.rotations)[wrist], to_global(true.rotations)[wrist], atol=1e-6)
    again = joints_of(worn, found, hand)
    np.testing.assert_allclose(again[0], joints[0], atol=1e-6)  # the forearm points where it did
    off = np.linalg.norm(again - joints, axis=1)
    # Metres: relaxed fingers do not bend about quite the hinges that posed ones do, thumbs least.
    assert off[5:].max() < 0.005 and off.max() < 0.012
    turned = [each for each in range(JOINTS) if not np.allclose(found.rotations[each], fit_of(worn).rotations[each])]
    assert set(turned) <= {wrist, wrist - 2}


def test_the_other_hand_stays_as_it_is(worn: Rig, poser: HandPoser) -> None:
    assert worn.hands is not None
    flat = np.tile(np.eye(3), (FINGERS, 1, 1))
    found = poser.pose(fit_of(worn), "left", joints_of(worn, fit_of(worn, flat), 0))
    assert found is not None and found.fingers is not None
    np.testing.assert_allclose(found.fingers[15:], worn.hands.relaxed_rotations[15:])
    assert np.abs(found.fingers[:12] - np.eye(3)).max() < 1e-6
    both = poser.pose(found, "right", joints_of(worn, fit_of(worn, flat), 1))
    assert both is not None and both.fingers is not None
    np.testing.assert_array_equal(both.fingers[:15], found.fingers[:15])
    assert [each.hands_seen for each in (fit_of(worn), found, both)] == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_twist_is_shared_with_the_elbow(worn: Rig, poser: HandPoser) -> None:
    """By hand: a palm that is turned about the forearm by 80 degrees turns the elbow by 40 and the wrist by 40."""
    flat = np.tile(np.eye(3), (FINGERS, 1, 1))
    true = fit_of(worn, flat)
    true.rotations[20] = Rotation.from_euler("x", 80, degrees=True).as_matrix()
    found = poser.pose(fit_of(worn), "left", joints_of(worn, true, 0))
    assert found is not None
    half = Rotation.from_euler("x", 40, degrees=True).as_matrix()
    np.testing.assert_allclose(found.rotations[20], half, atol=1e-6)
    np.testing.assert_allclose(found.rotations[18], fit_of(worn).rotations[18] @ half, atol=1e-6)


@pytest.mark.parametrize("turn", [("z", 110), ("y", -100), ("x", 150)])
def test_a_wrist_that_cannot_turn_like_that_stays(worn: Rig, poser: HandPoser, turn: tuple[str, float]) -> None:
    true = fit_of(worn, np.tile(np.eye(3), (FINGERS, 1, 1)))
    true.rotations[20] = Rotation.from_euler(*turn, degrees=True).as_matrix()
    assert poser.pose(fit_of(worn), "left", joints_of(worn, true, 0)) is None


def test_fingers_bend_no_farther_than_fingers_do(worn: Rig, poser: HandPoser) -> None:
    """Bent back at the knuckle by a right angle in what was seen, and by at most 25 degrees on the body."""
    assert worn.hands is not None
    fingers = np.tile(np.eye(3), (FINGERS, 1, 1))
    back = -np.pi / 2 * worn.hands.relaxed[0] / np.linalg.norm(worn.hands.relaxed[0])
    fingers[0] = Rotation.from_rotvec(back).as_matrix()
    found = poser.pose(fit_of(worn), "left", joints_of(worn, fit_of(worn, fingers), 0))
    assert found is not None and found.fingers is not None
    angle = np.degrees(Rotation.from_matrix(found.fingers[0]).magnitude())
    assert 20 < angle < 40  # with what it spreads
