"""What nobody saw of a body rests: it stands, sits and lies as the rest of the body says, and what was seen stays."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.evidence import Seen
from model.body.fitting import BodyFit
from model.body.relaxed import relax
from model.body.rig import Rig
from model.body.skeleton import joint_positions, to_global
from model.joints import COCO_JOINTS, JOINTS, SMPL_JOINT_NAMES

FACING = Rotation.from_euler("x", 180, degrees=True)  # the camera, upright: from y up to y down
ARMS, LEGS = ("elbow", "wrist"), ("knee", "ankle")
DOWN = (0.0, 1.0, 0.0)


def body(rig: Rig, root: Rotation = FACING, **turns: tuple[float, float, float]) -> BodyFit:
    """A T-pose with some joints turned by degrees about x, y and z, one name for both sides."""
    vectors = np.zeros((JOINTS, 3))
    for name, turn in turns.items():
        for side, mirror in (("", 1), ("left_", 1), ("right_", -1)):
            if side + name in SMPL_JOINT_NAMES:
                vectors[SMPL_JOINT_NAMES.index(side + name)] = np.radians(turn) * (1, mirror, mirror)
    rotations = Rotation.from_rotvec(vectors).as_matrix()
    rotations[0] = root.as_matrix()
    return BodyFit(rotations, np.zeros(rig.shape_count), np.array([0.2, -0.1, 0.3]), 0.0)


def unseen(*parts: str) -> Seen:
    """One person whose named joints were not seen on either side."""
    confidence = np.array([0.0 if name.split("_")[-1] in parts else 0.7 for name in COCO_JOINTS])
    return Seen(np.full((1, 17, 2), 100.0), confidence[None], np.array([500.0]), np.array([[100.0, 100.0]]))


def places(rig: Rig, fit: BodyFit) -> dict[str, np.ndarray]:
    joints, straighten = rig.skeleton(fit.shape[None])
    found = joint_positions(joints[0], to_global(fit.rotations) @ straighten[0], fit.translation)
    return dict(zip(SMPL_JOINT_NAMES, found, strict=True))


def direction(rig: Rig, fit: BodyFit, start: str, end: str) -> np.ndarray:
    where = places(rig, fit)
    bone: np.ndarray = where[end] - where[start]
    return bone / np.linalg.norm(bone)


def degrees(one: np.ndarray, other: object) -> float:
    return float(np.degrees(np.arccos(np.clip(one @ np.asarray(other), -1, 1))))


def test_what_was_seen_stays_and_so_does_who_was_not_seen_at_all(rig: Rig) -> None:
    fit = body(rig, hip=(-30, 0, 0), elbow=(0, -90, 0))
    nobody = unseen(*{name.split("_")[-1] for name in COCO_JOINTS})
    assert relax(rig, [fit], unseen())[0] is fit
    assert relax(rig, [fit], nobody)[0] is fit
    relaxed = relax(rig, [fit], unseen("knee", "ankle"))[0]
    before, after = places(rig, fit), places(rig, relaxed)
    for joint in ("head", "left_wrist", "right_elbow", "left_hip"):
        np.testing.assert_allclose(after[joint], before[joint], atol=1e-9)


@pytest.mark.parametrize("side", ["left", "right"])
def test_arms_that_nobody_saw_hang_a_little_off_the_body(rig: Rig, side: str) -> None:
    relaxed = relax(rig, [body(rig, elbow=(0, -90, 0))], unseen(*ARMS))[0]
    upper, lower = (direction(rig, relaxed, f"{side}_{a}", f"{side}_{b}") for a, b in (("shoulder", ARMS[0]), ARMS))
    assert degrees(upper, DOWN) < 25 and degrees(lower, DOWN) < 30
    outwards = 1 if side == "left" else -1  # who faces the camera has her left at its right
    assert outwards * upper[0] > 0.05
    assert lower[2] < upper[2] - 0.05  # forwards, towards the camera


def test_legs_that_the_network_bent_a_little_stand_and_those_of_who_sits_do_not(rig: Rig) -> None:
    hedged = body(rig, hip=(-20, 0, 0), knee=(25, 0, 0))
    sitting = body(rig, hip=(-85, 0, 0), knee=(85, 0, 0))
    stands, sits = (relax(rig, [fit], unseen(*LEGS))[0] for fit in (hedged, sitting))
    assert degrees(direction(rig, hedged, "left_hip", "left_knee"), DOWN) > 18
    assert degrees(direction(rig, stands, "left_hip", "left_knee"), DOWN) < 7
    assert degrees(direction(rig, stands, "left_knee", "left_ankle"), DOWN) < 7
    assert degrees(direction(rig, sits, "left_hip", "left_knee"), DOWN) > 75


def test_legs_below_hips_that_nobody_saw_stand_however_the_network_bent_them(rig: Rig) -> None:
    bent = body(rig, hip=(-80, 0, 0), knee=(80, 0, 0))
    stands = relax(rig, [bent], unseen("hip", "knee", "ankle"))[0]
    assert degrees(direction(rig, stands, "left_hip", "left_ankle"), DOWN) < 10
    sits = relax(rig, [bent], unseen("knee", "ankle"))[0]
    assert degrees(direction(rig, sits, "left_hip", "left_knee"), DOWN) > 60


def test_shins_hang_from_thighs_that_were_seen_level_and_knees_bend_no_way_but_theirs(rig: Rig) -> None:
    sitting = body(rig, hip=(-85, 0, 0), knee=(75, 0, 0))
    striding = body(rig, hip=(25, 0, 0), knee=(8, 0, 0))
    sits, strides = (relax(rig, [fit], unseen("ankle"))[0] for fit in (sitting, striding))
    assert degrees(direction(rig, sits, "left_knee", "left_ankle"), DOWN) < 5
    thigh, shin = direction(rig, strides, "left_hip", "left_knee"), direction(rig, strides, "left_knee", "left_ankle")
    assert degrees(thigh, DOWN) > 20  # behind her
    assert degrees(thigh, shin) < 5  # straight, not bent forwards


def test_legs_of_who_lies_are_in_line_with_her_trunk(rig: Rig) -> None:
    lying = body(rig, Rotation.from_euler("z", 90, degrees=True) * FACING, hip=(-20, 0, 0), knee=(20, 0, 0))
    relaxed = relax(rig, [lying], unseen(*LEGS))[0]
    trunk = direction(rig, relaxed, "neck", "pelvis")
    assert degrees(trunk, DOWN) > 80
    assert degrees(direction(rig, relaxed, "left_hip", "left_ankle"), trunk) < 12


def test_a_trunk_that_nobody_saw_stands_above_its_legs(rig: Rig) -> None:
    bent = body(rig, FACING * Rotation.from_euler("x", 50, degrees=True), hip=(-50, 0, 0), spine1=(20, 0, 0))
    relaxed = relax(rig, [bent], unseen("nose", "eye", "ear", "shoulder", *ARMS))[0]
    assert degrees(direction(rig, bent, "pelvis", "neck"), (0, -1, 0)) > 50
    assert degrees(direction(rig, relaxed, "pelvis", "neck"), (0, -1, 0)) < 10
    before, after = (direction(rig, fit, "left_hip", "left_ankle") for fit in (bent, relaxed))
    assert degrees(before, after) < 1e-3


def test_hips_that_nobody_saw_are_below_a_chest_that_stays(rig: Rig) -> None:
    bust = body(rig, spine3=(-30, 0, 0), spine1=(-10, 0, 0))
    relaxed = relax(rig, [bust], unseen("hip", *LEGS))[0]
    before, after = places(rig, bust), places(rig, relaxed)
    for joint in ("head", "left_shoulder", "right_wrist"):
        np.testing.assert_allclose(after[joint], before[joint], atol=1e-9)
    assert degrees(direction(rig, relaxed, "spine3", "pelvis"), DOWN) < 30


def test_above_shins_alone_she_stands_her_knees_where_they_were(rig: Rig) -> None:
    sitting = body(rig, hip=(-80, 0, 0), knee=(80, 0, 0))
    relaxed = relax(rig, [sitting], unseen("nose", "eye", "ear", "shoulder", "hip", *ARMS))[0]
    assert degrees(direction(rig, relaxed, "left_knee", "neck"), (0, -1, 0)) < 12
    before, after = places(rig, sitting), places(rig, relaxed)
    for name in ("knee", "ankle"):
        middle = [np.mean([where[f"left_{name}"], where[f"right_{name}"]], axis=0) for where in (before, after)]
        np.testing.assert_allclose(middle[1], middle[0], atol=0.02)
