"""Limbs inside others: they are found, they get out where they are seen, and limbs elsewhere stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.contact import Solids
from model.body.evidence import Seen
from model.body.fitting import BodyFit
from model.body.keypoints import Keypoints
from model.body.limits import AXES
from model.body.refinement import refine
from model.body.refinement_task import RefinedBody
from model.body.rig import Rig
from model.body.skeleton import joint_positions, to_global
from model.joints import COCO_JOINTS, COCO_ROOT, JOINTS, SMPL_JOINT_NAMES

FOCAL = 1000.0
PLACE = np.array([0.0, 0.0, 4.0])
AWAY = np.array([[0.0, 0.0, 1.0]])
SHOULDER, ELBOW, WRIST, HIP, KNEE, ANKLE = (
    SMPL_JOINT_NAMES.index(f"left_{name}") for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)


def posed(rig: Rig, turns: dict[int, Rotation]) -> BodyFit:
    """Somebody who faces the camera, arms down, with these joints turned."""
    rotations = np.tile(np.eye(3), (JOINTS, 1, 1))
    rotations[0] = np.diag([1.0, -1.0, -1.0])
    for joint, turn in ({SHOULDER: Rotation.from_rotvec([0, 0, -1.2])} | turns).items():
        rotations[joint] = turn.as_matrix()
    shape = np.zeros(rig.shape_count)
    joints = rig.regressor_of(COCO_JOINTS) @ rig.pose(rotations, shape, np.zeros(3))
    return BodyFit(rotations, shape, -joints[list(COCO_ROOT)].mean(axis=0), 0.01)


def with_arm(rig: Rig, bend: float, forward: float = 0.0) -> BodyFit:
    """Her left forearm across the belly: in the arms' plane, or turned forward."""
    down = Rotation.from_rotvec([0, 0, -1.2]) * Rotation.from_rotvec([2 * np.pi / 3, 0, 0])
    return posed(
        rig, {SHOULDER: Rotation.from_rotvec([-forward, 0, 0]) * down, ELBOW: Rotation.from_rotvec(bend * AXES[2, 0])}
    )


def with_hand_in_thigh(rig: Rig) -> BodyFit:
    """Her left arm hangs into the thigh, which is a little aside, before its middle."""
    down = Rotation.from_rotvec([-0.05, 0, 0]) * Rotation.from_rotvec([0, 0, -1.62])
    return posed(rig, {SHOULDER: down, HIP: Rotation.from_rotvec([0, 0, 0.15])})


def skeleton(rig: Rig, fit: BodyFit) -> tuple[np.ndarray, np.ndarray]:
    """(1, 22, 3, 3) joints' rotations in the camera's axes, and (1, 22, 3) their places."""
    joints, straighten = rig.skeleton(fit.shape)
    world = to_global(fit.rotations)
    return world[None], joint_positions(joints, world @ straighten, fit.translation)[None]


def out(rig: Rig, fit: BodyFit, confidence: float = 1.0) -> np.ndarray:
    """(4, P) metres from the limbs' points to where they are out."""
    solids = Solids(rig, fit.shape[None], AWAY, np.full((1, 17), confidence))
    return solids.inside(*skeleton(rig, fit)).out[0]


def seen(rig: Rig, fit: BodyFit) -> Seen:
    """All of COCO's joints, where they are."""
    joints = rig.regressor_of(COCO_JOINTS) @ rig.pose(fit.rotations, fit.shape, fit.translation) + PLACE
    pixels = FOCAL * joints[None, :, :2] / joints[None, :, 2:]
    return Seen(pixels, np.ones((1, 17)), np.array([FOCAL]), np.zeros((1, 2)))


def refined(rig: Rig, fit: BodyFit) -> RefinedBody:
    (body,) = refine(rig, Keypoints.of(rig, COCO_JOINTS), [fit], PLACE[None], seen(rig, fit))
    return body


@pytest.fixture(scope="module")
def stuck(rig: Rig) -> BodyFit:
    return with_arm(rig, 1.5)


def test_a_forearm_in_a_belly_is_found(rig: Rig, stuck: BodyFit) -> None:
    """It goes out towards the camera, which the belly faces, by about half of how thick the body is there."""
    left, *others = out(rig, stuck)
    assert -0.2 < left.min() < -0.08
    assert (np.array(others) == 0).all()


def test_it_comes_out_where_it_is_seen(rig: Rig, stuck: BodyFit) -> None:
    body = refined(rig, stuck)
    assert np.abs(out(rig, body.fit)).max() < 0.02 < np.abs(out(rig, stuck)).max()
    before, after = (skeleton(rig, fit)[1][0, WRIST] for fit in (stuck, body.fit))
    assert after[2] < before[2] - 0.08  # nearer to the camera
    joints = body.joints + body.translation
    off = np.linalg.norm(FOCAL * joints[:, :2] / joints[:, 2:] - seen(rig, stuck).joints[0], axis=1)
    assert off.mean() < 2 and off.max() < 8  # pixels, of which a metre has 250


@pytest.mark.parametrize(("bend", "forward"), [(0.0, 0.0), (0.4, 0.0), (1.5, 1.2)])
def test_arms_that_are_out_stay_as_they_are(rig: Rig, bend: float, forward: float) -> None:
    """Hanging beside the trunk, and crossed before it."""
    fit = with_arm(rig, bend, forward)
    assert (out(rig, fit) == 0).all()
    np.testing.assert_allclose(refined(rig, fit).fit.rotations, fit.rotations, atol=1e-3)


def test_changes_are_those_of_a_small_swing(rig: Rig, stuck: BodyFit) -> None:
    """Of the elbow about the camera's axes: the Jacobian is what a swing of a thousandth does."""
    solids = Solids(rig, stuck.shape[None], np.array([[0.0, 0.6, 0.8]]), np.ones((1, 17)))
    world, places = skeleton(rig, stuck)
    inside = solids.inside(world, places)
    changes = solids.changes(inside.points, places)[0].reshape(JOINTS, 3, 4, -1)
    for axis in range(3):
        turn = Rotation.from_rotvec(1e-3 * np.eye(3)[axis]).as_matrix()
        lever = inside.points[0, 0] - places[0, ELBOW]
        moved = (lever @ turn.T - lever) @ [0.0, 0.6, 0.8]
        np.testing.assert_allclose(changes[ELBOW, axis, 0], moved / 1e-3, atol=1e-3)
        assert (changes[ELBOW, axis, 1:] == 0).all()


def test_a_hand_in_a_thigh_comes_out_behind_unless_it_was_seen(rig: Rig) -> None:
    """The way there is longer: who was hardly seen is hidden."""
    fit = with_hand_in_thigh(rig)
    before, behind = (out(rig, fit, confidence)[0] for confidence in (1.0, 0.2))
    assert before.min() < -0.03 and behind.max() > 0.03
    assert before.max() <= 0 <= behind.min()


def test_a_hand_that_would_have_to_go_far_stays(rig: Rig, stuck: BodyFit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.body.contact._FARTHEST", 0.05)
    assert (out(rig, stuck) == 0).all()


def test_shanks_come_out_of_each_other(rig: Rig) -> None:
    """Crossed in one plane, the left one a little behind: each goes half of the way, and stays where it is seen."""
    inwards, ahead = Rotation.from_rotvec([0, 0, -0.2]), Rotation.from_rotvec([0.04, 0, 0])
    fit = posed(rig, {HIP: ahead * inwards, HIP + 1: inwards.inv()})
    _, _, left, right = out(rig, fit)
    assert left.max() > 0.01 and right.min() < -0.01
    assert left.min() >= 0 >= right.max()
    body = refined(rig, fit)
    assert np.abs(out(rig, body.fit)).max() < 0.02 < np.abs(out(rig, fit)).max()
    before, after = (skeleton(rig, each)[1][0, [ANKLE, ANKLE + 1], 2] for each in (fit, body.fit))
    assert np.diff(after - before) < -0.01
    joints = body.joints + body.translation
    assert np.linalg.norm(FOCAL * joints[:, :2] / joints[:, 2:] - seen(rig, fit).joints[0], axis=1).max() < 4
