"""The limits of knees and elbows: worked by hand on single turns, and the same on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.limits import AXES, HINGES, beyond, turned
from model.joints import JOINTS, SMPL_JOINT_NAMES

# Of SMPL's joints, the other side's.
OTHER_SIDE = [
    SMPL_JOINT_NAMES.index(name.replace("left", "?").replace("right", "left").replace("?", "right"))
    for name in SMPL_JOINT_NAMES
]


def pose(**degrees: tuple[float, float, float]) -> np.ndarray:
    """(22, 3, 3) the T-pose but for some joints, which are turned by rotation vectors."""
    turns = np.zeros((JOINTS, 3))
    for name, turn in degrees.items():
        turns[SMPL_JOINT_NAMES.index(name)] = np.radians(turn)
    return Rotation.from_rotvec(turns).as_matrix()


def found(values: np.ndarray, name: str) -> np.ndarray:
    """(3,) degrees of a joint."""
    return np.degrees(values[HINGES.index(SMPL_JOINT_NAMES.index(name))])


@pytest.mark.parametrize(
    ("joint", "turn", "expected"),
    [
        ("left_knee", (90, 0, 0), (0, 0, 0)),  # the heel to the seat
        ("right_knee", (90, 0, 0), (0, 0, 0)),
        ("left_knee", (-30, 0, 0), (-30, 0, 0)),  # forwards
        ("right_knee", (-30, 0, 0), (-30, 0, 0)),
        ("left_knee", (0, 0, 20), (0, 12, 0)),  # aside, 8 are allowed
        ("left_knee", (0, 30, 0), (0, 0, -20)),  # the shin's twist: it points down, 10 are allowed
        ("left_elbow", (0, -90, 0), (0, 0, 0)),  # the forearm straight ahead
        ("right_elbow", (0, 90, 0), (0, 0, 0)),
    ],
)
def test_single_turns(joint: str, turn: tuple, expected: tuple) -> None:
    np.testing.assert_allclose(found(beyond(pose(**{joint: turn})), joint), expected, atol=1e-6)


def test_elbows_that_bend_backwards_are_told() -> None:
    """Both by as much, and more than those that bend as far ahead."""
    backwards = beyond(pose(left_elbow=(0, 60, 0), right_elbow=(0, -60, 0)))
    for name in ("left_elbow", "right_elbow"):
        assert found(backwards, name)[0] < -40


@pytest.mark.parametrize(("name", "up"), [("left_knee", -1), ("right_knee", 1)])
def test_a_twist_stays_a_twist_however_far_a_hinge_bends(name: str, up: int) -> None:
    """About the thigh, in which hinges are told; both knees turn their toes the same way, seen from inside."""
    twist, bend = (Rotation.from_rotvec(turn, degrees=True) for turn in ((0, 5 * up, 0), (100, 0, 0)))
    rotations = pose()
    rotations[SMPL_JOINT_NAMES.index(name)] = (twist * bend).as_matrix()
    np.testing.assert_allclose(found(turned(rotations), name), (100, 0, 5), atol=1e-6)


def test_mirrored_poses_are_as_far_beyond() -> None:
    turns = np.random.default_rng(0).normal(0, 0.6, (50, JOINTS, 3))
    mirrored = turns[:, OTHER_SIDE] * (1, -1, -1)
    matrices = [Rotation.from_rotvec(each.reshape(-1, 3)).as_matrix() for each in (turns, mirrored)]
    one, other = (beyond(each.reshape(50, JOINTS, 3, 3)) for each in matrices)
    rows = [HINGES.index(OTHER_SIDE[joint]) for joint in HINGES]
    assert (one != 0).any(axis=(0, 2)).all()
    np.testing.assert_allclose(np.abs(one[:, rows]), np.abs(other), atol=1e-9)


def test_small_swings_in_the_parents_axes_add_to_what_joints_are_turned() -> None:
    """So that a step of Gauss-Newton may take the identity for the Jacobian: to the degree on bent hinges."""
    bent = pose(left_knee=(80, 0, 0), right_elbow=(0, 70, -30))
    swing = Rotation.from_rotvec((0.02, -0.03, 0.01)).as_matrix()
    change = turned(swing @ bent) - turned(bent)
    np.testing.assert_allclose(change, AXES @ (0.02, -0.03, 0.01), atol=0.008)
