"""The rig that comes with the project, and bodies fitted to meshes of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit, fit
from model.body.rig import Rig
from model.joints import JOINTS, SMPL_JOINT_NAMES
from tests.support.poses import some_adult

STIFF = {"spine2": 0.06, "spine3": 0.06, "left_collar": 0.03, "right_collar": 0.03}  # others turn 0.25 about an axis
UPSIDE_DOWN = Rotation.from_rotvec([np.pi, 0, 0]).as_matrix()  # body frame to the camera's: y up to y down
OTHER_SIDE = [
    SMPL_JOINT_NAMES.index(name.replace("left", "LEFT").replace("right", "left").replace("LEFT", "right"))
    for name in SMPL_JOINT_NAMES
]


def people(rig: Rig, count: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Random rotations (22, 3, 3), shapes and translations, seen by a camera."""
    rng = np.random.default_rng(0)
    far = np.array([STIFF.get(name, 0.25) for name in SMPL_JOINT_NAMES[1:]])[:, None]
    return [
        (
            np.concatenate(
                [
                    UPSIDE_DOWN[None] @ Rotation.from_rotvec([rng.normal(0, 0.8, 3)]).as_matrix(),
                    Rotation.from_rotvec(rng.normal(0, far, (JOINTS - 1, 3))).as_matrix(),
                ]
            ),
            some_adult(rig, rng),
            rng.normal(0, 0.1, 3),
        )
        for _ in range(count)
    ]


def angles(found: BodyFit, rotations: np.ndarray) -> np.ndarray:
    """How far each joint is off, in degrees."""
    off: np.ndarray = (Rotation.from_matrix(rotations).inv() * Rotation.from_matrix(found.rotations)).magnitude()
    return np.degrees(off)


def test_the_zero_pose_is_a_t_pose(rig: Rig) -> None:
    at_rest = rig.pose(np.tile(np.eye(3), (JOINTS, 1, 1)), np.zeros(rig.shape_count), np.zeros(3))
    high, wide = np.ptp(at_rest[:, 1]), np.ptp(at_rest[:, 0])
    assert 1.5 < high < 1.9 and 0.9 < wide / high < 1.1
    hands = at_rest[np.abs(at_rest[:, 0]) > 0.65]
    assert np.ptp(hands[:, 1]) < 0.15  # arms are level


def test_it_recovers_what_made_the_mesh(rig: Rig) -> None:
    for rotations, shape, translation in people(rig, 6):
        (found,) = fit(rig, rig.pose(rotations, shape, translation)[None])
        assert found.residual < 1e-4
        assert angles(found, rotations).max() < 1.0
        assert np.abs(found.shape - shape)[:6].max() < 0.1
        assert np.allclose(found.translation, translation, atol=2e-3)


def test_noise_is_not_followed(rig: Rig) -> None:
    rng = np.random.default_rng(1)
    for rotations, shape, translation in people(rig, 3):
        truth = rig.pose(rotations, shape, translation)
        (found,) = fit(rig, (truth + rng.normal(0, 0.01, truth.shape))[None])
        assert np.median(angles(found, rotations)) < 6.0  # toes have few vertices
        smooth = np.linalg.norm(rig.pose(found.rotations, found.shape, found.translation) - truth, axis=1).mean()
        assert smooth < 0.008  # of noise that moves vertices by 16 mm
        assert 0.013 < found.residual < 0.019


def test_the_mirrored_body_has_the_mirrored_pose(rig: Rig) -> None:
    """Meshes of the mirrored parameters: what one side did the other does."""
    rotations, shape, translation = people(rig, 1)[0]
    vector = Rotation.from_matrix(rotations).as_rotvec()[OTHER_SIDE] * [1, -1, -1]
    mirrored = Rotation.from_rotvec(vector).as_matrix()
    pair = [rig.pose(rotations, shape, translation), rig.pose(mirrored, shape, translation * [-1, 1, 1])]
    one, other = fit(rig, np.stack(pair))
    again = Rotation.from_rotvec(other.pose[OTHER_SIDE] * [1, -1, -1]).as_matrix()
    assert angles(one, again).max() < 1.0


def test_it_turns_with_the_mesh(rig: Rig) -> None:
    rotations, shape, translation = people(rig, 1)[0]
    mesh = rig.pose(rotations, shape, translation)
    turn = Rotation.from_rotvec([0.4, 2.0, -1.0]).as_matrix()
    one, other = fit(rig, np.stack([mesh, mesh @ turn.T + 3.0]))
    assert np.allclose(other.rotations[1:], one.rotations[1:], atol=0.01)
    assert np.allclose(other.rotations[0], turn @ one.rotations[0], atol=0.01)


def test_a_known_shape_stays(rig: Rig) -> None:
    rotations, shape, translation = people(rig, 1)[0]
    mesh = rig.pose(rotations, shape, translation)
    (found,) = fit(rig, mesh[None], shape)
    assert (found.shape == shape).all() and angles(found, rotations).max() < 0.5
    (wrong,) = fit(rig, mesh[None], np.zeros(rig.shape_count))
    assert not wrong.shape.any() and wrong.residual > 0.005


def test_a_near_start_leads_to_the_same_body(rig: Rig) -> None:
    rotations, shape, translation = people(rig, 1)[0]
    mesh = rig.pose(rotations, shape, translation)
    (known,) = fit(rig, mesh[None])
    jolted = dataclasses.replace(known, rotations=known.rotations @ Rotation.from_rotvec([0.1, 0.1, 0]).as_matrix())
    (found,) = fit(rig, mesh[None], known.shape, [jolted])
    assert np.degrees(Rotation.from_matrix(known.rotations.transpose(0, 2, 1) @ found.rotations).magnitude()).max() < 1


def test_a_long_motion_does_not_drift(rig: Rig) -> None:
    """Each frame begins with the one before: rounding errors must not add up, nor the shape change."""
    rotations, shape, translation = people(rig, 1)[0]
    turn, bend = np.tile(np.eye(3), (2, JOINTS, 1, 1))
    turn[0] = Rotation.from_euler("y", 3, degrees=True).as_matrix()
    bend[18:20] = Rotation.from_euler("y", [[1], [-1]], degrees=True).as_matrix()
    truth = [rotations]
    while len(truth) < 50:
        truth.append(turn @ truth[-1] @ bend)
    found: list[BodyFit] = []
    for each in truth:
        found += fit(rig, rig.pose(each, shape, translation)[None], shape, found[-1:] or None)
    for body, each in zip(found, truth, strict=True):
        assert body.residual < 1e-3 and (body.shape == found[0].shape).all()
        assert angles(body, each).max() < 1.0
        assert np.allclose(body.rotations @ body.rotations.transpose(0, 2, 1), np.eye(3), atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 0.01, 100.0])
def test_what_is_no_body_still_gets_one(rig: Rig, scale: float) -> None:
    """All vertices on one spot, a crumb, a giant: rotations stay rotations and shapes do not explode."""
    mesh = scale * np.random.default_rng(2).normal(0, 1, (rig.vertex_count, 3))
    (found,) = fit(rig, mesh[None])
    assert np.isfinite(found.residual) and np.abs(found.shape).max() < 20
    assert np.allclose(found.rotations @ found.rotations.transpose(0, 2, 1), np.eye(3), atol=1e-6)
    assert np.allclose(np.linalg.det(found.rotations), 1)


def test_broken_meshes_are_refused(rig: Rig) -> None:
    mesh = rig.template.copy()
    with pytest.raises(ValueError, match="13718 vertices"):
        fit(rig, mesh[None, :-1])
    mesh[7, 1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        fit(rig, mesh[None])
