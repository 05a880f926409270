"""Limbs turn to be as deep as is told, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.depth import heed_depths
from model.body.evidence import Seen
from model.body.fitter import BodyFitter
from model.body.fitting import BodyFit
from model.body.limits import beyond
from model.body.rig import Rig
from model.body.skeleton import joint_positions, to_global
from model.joints import COCO_JOINTS, JOINTS, SMPL_JOINT_NAMES

FACING = (np.pi, 0.0, 0.0)  # the camera, upright: from y up to y down
PLACE = np.array([[0.0, 0.0, 4.0]])
BOTH = [name for name in COCO_JOINTS if name in SMPL_JOINT_NAMES]
FOCAL, MIDDLE = 800.0, np.array([320.0, 320.0])


def body(rig: Rig, root: tuple[float, float, float] = FACING, **turns: tuple[float, float, float]) -> BodyFit:
    """A T-pose with some joints turned by degrees about x, y and z."""
    vectors = np.zeros((JOINTS, 3))
    vectors[0] = root
    for name, turn in turns.items():
        vectors[SMPL_JOINT_NAMES.index(name)] = np.radians(turn)
    return BodyFit(Rotation.from_rotvec(vectors).as_matrix(), np.zeros(rig.shape_count), np.zeros(3), 0.0)


def places(rig: Rig, fit: BodyFit) -> dict[str, np.ndarray]:
    joints, straighten = rig.skeleton(fit.shape[None])
    found = joint_positions(joints[0], to_global(fit.rotations) @ straighten[0], fit.translation)
    return dict(zip(SMPL_JOINT_NAMES, found, strict=True))


def depths_of(rig: Rig, fit: BodyFit) -> np.ndarray:
    """(1, 17) what a perfect network would see of this body's depths; nothing of the face."""
    where = places(rig, fit)
    return np.array([[where[name][2] if name in where else np.nan for name in COCO_JOINTS]])


def bone(rig: Rig, fit: BodyFit, start: str, end: str) -> np.ndarray:
    where = places(rig, fit)
    found: np.ndarray = where[end] - where[start]
    return found


def legs(hips: float, knees: float) -> dict[str, tuple[float, float, float]]:
    both = {"hip": hips, "knee": knees}
    return {f"{side}_{joint}": (turn, 0.0, 0.0) for side in ("left", "right") for joint, turn in both.items()}


# Who kneels, and who looks like that from the front: the thighs point back, and the shins go on.
AHEAD, BEHIND = legs(-60, 120), legs(60, 0)


def test_thighs_that_point_away_turn_to_the_camera_if_they_are_seen_to(rig: Rig) -> None:
    truth, answer = body(rig, **AHEAD), body(rig, **BEHIND)
    (heeded,) = heed_depths(rig, [answer], PLACE, depths_of(rig, truth))
    for side in ("left", "right"):
        before, after, true = (bone(rig, fit, f"{side}_hip", f"{side}_knee") for fit in (answer, heeded, truth))
        assert before[2] > 0.3 and true[2] < -0.3 and after[2] < -0.15
        assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(true), abs=1e-6)
        assert after[:2] @ before[:2] > 0.99 * np.linalg.norm(after[:2]) * np.linalg.norm(before[:2])
    hips = [sum(places(rig, fit)[f"{side}_hip"] for side in ("left", "right")) for fit in (answer, heeded)]
    assert np.abs(hips[0] - hips[1]).max() < 1e-9


def test_knees_bend_as_hinges_afterwards(rig: Rig) -> None:
    (heeded,) = heed_depths(rig, [body(rig, **BEHIND)], PLACE, depths_of(rig, body(rig, **AHEAD)))
    assert np.degrees(np.abs(beyond(heeded.rotations)[:2]).max()) < 1


def test_who_is_as_deep_as_is_told_stays_as_she_is(rig: Rig) -> None:
    answer = body(rig, **AHEAD)
    (heeded,) = heed_depths(rig, [answer], PLACE, depths_of(rig, answer))
    assert np.abs(heeded.rotations - answer.rotations).max() < 1e-6


def test_limbs_become_as_deep_as_is_told_and_not_deeper_than_they_are_long(rig: Rig) -> None:
    answer = body(rig)
    depths = depths_of(rig, answer)
    depths[0, [COCO_JOINTS.index(name) for name in ("left_elbow", "left_wrist", "right_knee")]] += 0.15, 0.15, 2.0
    (heeded,) = heed_depths(rig, [answer], PLACE, depths)
    arm, thigh = bone(rig, heeded, "left_shoulder", "left_elbow"), bone(rig, heeded, "right_hip", "right_knee")
    was = bone(rig, answer, "left_shoulder", "left_elbow")
    assert arm[2] - was[2] == pytest.approx(0.15, abs=1e-3)
    assert 0.95 < thigh[2] / np.linalg.norm(thigh) < 0.98


def test_who_is_seen_to_face_another_way_is_turned_but_looks_where_she_did(rig: Rig) -> None:
    answer = body(rig)
    turned = Rotation.from_euler("y", 50, degrees=True) * Rotation.from_rotvec(FACING)
    (heeded,) = heed_depths(rig, [answer], PLACE, depths_of(rig, body(rig, root=tuple(turned.as_rotvec()))))
    for pair in ("hip", "shoulder"):
        across = bone(rig, heeded, f"right_{pair}", f"left_{pair}")
        assert np.degrees(np.arctan2(-across[2], across[0])) == pytest.approx(50, abs=12)
    head = SMPL_JOINT_NAMES.index("head")
    assert np.allclose(to_global(heeded.rotations)[head], to_global(answer.rotations)[head])


def test_bones_of_which_an_end_was_not_seen_point_where_they_did(rig: Rig) -> None:
    answer, depths = body(rig, **BEHIND), depths_of(rig, body(rig, **AHEAD))
    depths[0, COCO_JOINTS.index("left_knee")] = np.nan
    (heeded,) = heed_depths(rig, [answer], PLACE, depths)
    for start, end in (("hip", "knee"), ("knee", "ankle")):
        before, after = (bone(rig, fit, f"left_{start}", f"left_{end}") for fit in (answer, heeded))
        np.testing.assert_allclose(after, before, atol=1e-6)
    assert bone(rig, heeded, "right_hip", "right_knee")[2] < -0.15 < bone(rig, answer, "right_hip", "right_knee")[2]
    assert heed_depths(rig, [answer], PLACE, np.full((1, 17), np.nan))[0] is answer


def test_people_are_turned_each_as_if_alone(rig: Rig) -> None:
    fits = [body(rig, **BEHIND), body(rig), body(rig, left_hip=(-40, 0, 0))]
    truths = [body(rig, **AHEAD), body(rig), body(rig, left_hip=(50, 0, 0))]
    depths = np.concatenate([depths_of(rig, fit) for fit in truths])
    depths[1] = np.nan
    spots = np.array([[0.5, 0.2, 3.0], [0.0, 0.0, 4.0], [-1.0, 0.1, 5.0]])
    together = heed_depths(rig, fits, spots, depths)
    for index, fit in enumerate(fits):
        (alone,) = heed_depths(rig, [fit], spots[[index]], depths[[index]])
        assert np.allclose(alone.rotations, together[index].rotations, atol=1e-9)


def test_bodies_kneel_that_would_lie_without(rig: Rig) -> None:
    """Through all that is done to a body: by what is seen alone, in pixels, thighs may go either way."""
    fitter = BodyFitter(rig, rig, COCO_JOINTS)
    truth, answer = body(rig, **AHEAD), body(rig, **BEHIND)
    regressor = rig.regressor_of(COCO_JOINTS)
    meshes = [rig.pose(fit.rotations, fit.shape, fit.translation) for fit in (truth, answer)]
    meshes = [mesh - (regressor @ mesh)[[11, 12]].mean(axis=0) for mesh in meshes]
    joints = regressor @ meshes[0] + PLACE[0]
    pixels = FOCAL * joints[:, :2] / joints[:, 2:] + MIDDLE
    seen = Seen(pixels[None], np.ones((1, 17)), np.array([FOCAL]), MIDDLE[None])
    told = joints[None, :, 2] * FOCAL / PLACE[0, 2]
    for depths, nearer in ((None, False), (told, True)):
        (found,) = fitter.bodies(meshes[1][None].astype(np.float32), PLACE, seen, depths=depths)
        assert found is not None
        knees = found.joints[[13, 14], 2]
        assert (knees < -0.05).all() if nearer else (knees > 0.15).all()
