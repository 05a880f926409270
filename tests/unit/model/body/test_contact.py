"""Arms inside trunks: they are found, they get out where they are seen, and arms elsewhere stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.contact import Trunks
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
SHOULDER, ELBOW, WRIST = (SMPL_JOINT_NAMES.index(f"left_{name}") for name in ("shoulder", "elbow", "wrist"))


def with_arm(rig: Rig, bend: float, forward: float = 0.0) -> BodyFit:
    """Somebody who faces the camera, the left forearm across the belly: in the arms' plane, or turned forward."""
    rotations = np.tile(np.eye(3), (JOINTS, 1, 1))
    rotations[0] = np.diag([1.0, -1.0, -1.0])
    down = Rotation.from_rotvec([0, 0, -1.2]) * Rotation.from_rotvec([2 * np.pi / 3, 0, 0])
    rotations[SHOULDER] = (Rotation.from_rotvec([-forward, 0, 0]) * down).as_matrix()
    rotations[ELBOW] = Rotation.from_rotvec(bend * AXES[2, 0]).as_matrix()
    shape = np.zeros(rig.shape_count)
    joints = rig.regressor_of(COCO_JOINTS) @ rig.pose(rotations, shape, np.zeros(3))
    return BodyFit(rotations, shape, -joints[list(COCO_ROOT)].mean(axis=0), 0.01)


def skeleton(rig: Rig, fit: BodyFit) -> tuple[np.ndarray, np.ndarray]:
    """(1, 22, 3, 3) joints' rotations in the camera's axes, and (1, 22, 3) their places."""
    joints, straighten = rig.skeleton(fit.shape)
    world = to_global(fit.rotations)
    return world[None], joint_positions(joints, world @ straighten, fit.translation)[None]


def out(rig: Rig, fit: BodyFit) -> np.ndarray:
    """(2, P) metres from the arms' points to where they are out."""
    trunks = Trunks(rig, fit.shape[None], np.array([[0.0, 0.0, 1.0]]))
    return trunks.inside(*skeleton(rig, fit)).out[0]


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
    left, right = out(rig, stuck)
    assert -0.2 < left.min() < -0.08
    assert (right == 0).all()


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
    trunks = Trunks(rig, stuck.shape[None], np.array([[0.0, 0.6, 0.8]]))
    world, places = skeleton(rig, stuck)
    inside = trunks.inside(world, places)
    changes = trunks.changes(inside.points, places)[0].reshape(JOINTS, 3, 2, -1)
    for axis in range(3):
        turn = Rotation.from_rotvec(1e-3 * np.eye(3)[axis]).as_matrix()
        lever = inside.points[0, 0] - places[0, ELBOW]
        moved = (lever @ turn.T - lever) @ [0.0, 0.6, 0.8]
        np.testing.assert_allclose(changes[ELBOW, axis, 0], moved / 1e-3, atol=1e-3)
        assert (changes[ELBOW, axis, 1] == 0).all()
