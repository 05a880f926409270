"""A film's fingers: as they were seen, on smooth ways between, relaxed where nobody saw them for a while."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit
from model.body.hands import WRISTS
from model.body.motion import SkeletonMotion
from model.body.rig import Rig
from model.body.skeleton import TURN_UP
from model.body.suit import find_worn
from model.joints import JOINTS
from model.video.hands import with_hands
from tests.support.finger_joints import curled, joints_of

RATE, COUNT = 30, 61
TWIST = Rotation.from_euler("x", 60, degrees=True).as_matrix()


@pytest.fixture(scope="module")
def worn() -> Rig:
    found = find_worn(13_718)
    assert found is not None and found.hands is not None
    return found


@pytest.fixture(scope="module")
def still(worn: Rig) -> SkeletonMotion:
    """Two seconds in the T-pose."""
    rotations = np.tile(np.eye(3), (COUNT, JOINTS, 1, 1))
    return SkeletonMotion(worn, np.zeros(worn.shape_count), np.arange(COUNT) / RATE, rotations, np.zeros((COUNT, 3)))


def curl(time: float | np.ndarray) -> float | np.ndarray:
    """How far the left hand is closed."""
    return 1.2 + np.sin(2 * np.pi * 0.7 * time)


def seen_left(worn: Rig, index: int, noise: float = 0.0) -> np.ndarray:
    """What a network sees of a frame, in pixels: the left hand alone, its palm turned, off by so much of a hand."""
    turns = np.tile(np.eye(3), (JOINTS, 1, 1))
    turns[WRISTS[0]] = TWIST
    body = BodyFit(turns, np.zeros(worn.shape_count), np.zeros(3), 0.0, curled(worn, curl(index / RATE)))
    joints = joints_of(worn, body, 0) + np.random.default_rng(index).normal(0, 0.19 * noise, (21, 3))
    return np.stack([300 * joints * TURN_UP, np.full((21, 3), np.nan)])


def off(found: np.ndarray, true: np.ndarray) -> float:
    """Degrees between rotations, at most."""
    return float(
        np.degrees(Rotation.from_matrix((np.swapaxes(found, -1, -2) @ true).reshape(-1, 3, 3)).magnitude()).max()
    )


def test_fingers_go_through_what_was_seen_and_end_relaxed(worn: Rig, still: SkeletonMotion) -> None:
    """Seen five times a second in the first second: all frames until then are near, and a second later hands hang."""
    assert worn.hands is not None
    seen = [seen_left(worn, index) if index <= 30 and index % 6 == 0 else None for index in range(COUNT)]
    found = with_hands(still, seen)
    fingers = found.fingers
    for index in range(2, 29):  # four fingers: a thumb bends about no one hinge
        assert off(fingers[index, :12], curled(worn, curl(index / RATE))[:12]) < 15
    assert off(found.turns[2:29, WRISTS[0]], TWIST) < 15
    assert np.ptp(Rotation.from_matrix(fingers[:30, 1]).magnitude()) > 0.4  # radians
    np.testing.assert_array_equal(fingers[-1, :15], worn.hands.relaxed_rotations[:15])
    np.testing.assert_array_equal(found.rotations[-1], still.rotations[-1])
    right = np.broadcast_to(worn.hands.relaxed_rotations[15:], (COUNT, 15, 3, 3))
    np.testing.assert_array_equal(fingers[:, 15:], right)
    steps = Rotation.from_matrix(np.swapaxes(fingers[:-1, :15], -1, -2) @ fingers[1:, :15]).magnitude()
    assert np.degrees(steps).max() < 12  # a frame: no hand snaps open or shut
    assert found.hands_seen is not None
    np.testing.assert_array_equal(found.hands_seen[:, 0], np.arange(COUNT) < 30 + RATE)
    assert not found.hands_seen[:, 1].any()


def test_a_hand_that_is_seen_relaxed_counts_as_seen(worn: Rig, still: SkeletonMotion) -> None:
    """In all frames near a sighting, whatever the pose, and at other times as in the frame that is nearest."""
    seen = [seen_left(worn, index, 0.0) if index % 6 == 0 else None for index in range(COUNT)]
    found = with_hands(still, seen)
    assert found.hands_seen is not None and found.hands_seen[:, 0].all()
    twice = found.at(np.linspace(0, 2, 2 * COUNT - 1)).hands_seen
    assert twice is not None
    np.testing.assert_array_equal(twice[::2], found.hands_seen)
    one = with_hands(still, [seen_left(worn, 0), *[None] * (COUNT - 1)]).at(np.array([0.97, 0.99])).hands_seen
    assert one is not None and one[:, 0].tolist() == [True, False]


def test_noise_is_smoothed(worn: Rig, still: SkeletonMotion) -> None:
    """Joints are off by 3 % of a hand, which turns a bone of a finger by some 15 degrees in each frame."""
    seen = [seen_left(worn, index, 0.03) if index % 6 == 0 else None for index in range(COUNT)]
    fingers = Rotation.from_matrix(with_hands(still, seen).fingers[:, 1]).as_rotvec()
    assert np.degrees(np.abs(np.diff(fingers, 2, axis=0)).mean()) < 1


def test_nothing_seen_changes_nothing(still: SkeletonMotion) -> None:
    assert with_hands(still, [None] * COUNT) is still


def test_a_film_of_one_frame(worn: Rig, still: SkeletonMotion) -> None:
    one = still.at(np.zeros(1))
    found = with_hands(one, [seen_left(worn, 0)])
    assert off(found.fingers[0, :12], curled(worn, 1.2)[:12]) < 20


def test_a_short_film_seen_once_keeps_its_hand(worn: Rig, still: SkeletonMotion) -> None:
    """It opens by a third at most in a sixth of a second, and never further than relaxed."""
    five = still.at(np.arange(5) / RATE)
    found = with_hands(five, [seen_left(worn, 0), None, None, None, None])
    assert off(found.fingers[0, :12], curled(worn, 1.2)[:12]) < 20
    twists = Rotation.from_matrix(found.turns[:, WRISTS[0]]).magnitude()
    assert np.all(np.diff(twists) < 0) and twists[-1] > 0.67 * twists[0]
