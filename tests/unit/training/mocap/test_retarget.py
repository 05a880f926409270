"""Retargeting: SMPL's limbs must point where the file's own skeleton has them, by forward kinematics of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from model.errors import BadData
from tests.support.asf_amc_files import random_amc_frames, write_amc, write_asf
from tests.support.bvh_files import bvh_person, random_bvh_frames, write_bvh
from tests.support.smpl_world import smpl_world
from training.mocap import SMPL_JOINT_NAMES
from training.mocap.asf_amc import read_amc, read_asf
from training.mocap.bvh import read_bvh
from training.mocap.retarget import to_smpl
from training.mocap.skeleton import Motion
from training.rotations import mirror_pose

LEFT, RIGHT, DOWN = (1, 0, 0), (-1, 0, 0), (0, -1, 0)
# SMPL's joint, its limb in the T-pose, and between which joints the file has that limb: ASF's, BVH's.
LIMBS = [
    ("left_hip", DOWN, "lfemur ltibia", "LeftUpLeg LeftLeg"),
    ("right_hip", DOWN, "rfemur rtibia", "RightUpLeg RightLeg"),
    ("left_knee", DOWN, "ltibia lfoot", "LeftLeg LeftFoot"),
    ("right_knee", DOWN, "rtibia rfoot", "RightLeg RightFoot"),
    ("left_shoulder", LEFT, "lhumerus lradius", "LeftArm LeftForeArm"),
    ("right_shoulder", RIGHT, "rhumerus rradius", "RightArm RightForeArm"),
    ("left_elbow", LEFT, "lradius lwrist", "LeftForeArm LeftHand"),
    ("right_elbow", RIGHT, "rradius rwrist", "RightForeArm RightHand"),
    ("left_wrist", LEFT, "lhand lfingers", "LeftHand LeftHand end"),
    ("right_wrist", RIGHT, "rhand rfingers", "RightHand RightHand end"),
]
FEET = [
    ("left_ankle", "lfoot ltoes", "LeftFoot LeftToeBase"),
    ("right_ankle", "rfoot rtoes", "RightFoot RightToeBase"),
]
# Where the axes of the world's z-up frame are in files with y up: (x, y, z) there is (x, -z, y) here.
Y_UP_TO_Z_UP = Rotation.from_euler("x", 90, degrees=True)
Z_UP_FILE = Rotation.from_matrix([[0, 0, 1], [1, 0, 0], [0, 1, 0]])  # left is +y, up is +z, ahead is +x


def amc_motion(folder: Path, frames: list[dict[str, list[float]]]) -> Motion:
    return read_amc(write_amc(folder / "01_01.amc", frames), read_asf(write_asf(folder / "01.asf")))


def limb_of(motion: Motion, ends: str) -> np.ndarray:
    """(T, 3) unit vectors with z up, from the file's own forward kinematics."""
    start, end = ends.split(" ", 1)
    names = motion.skeleton.names
    positions = motion.positions()
    limb = positions[:, names.index(end)] - positions[:, names.index(start)]
    return limb / np.linalg.norm(limb, axis=1, keepdims=True)


def degrees_apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=-1) / 2, 0, 1))).max())


@pytest.mark.parametrize("file", ["asf", "bvh", "hanging arms", "arms up", "z up"])
def test_every_limb_points_as_in_the_files_own_skeleton(tmp_path: Path, file: str) -> None:
    if file == "asf":
        motion = amc_motion(tmp_path, random_amc_frames(20))
    else:
        arms = {"hanging arms": 80.0, "arms up": -45.0}.get(file, 0.0)
        axes = Z_UP_FILE if file == "z up" else None
        motion = read_bvh(write_bvh(tmp_path / "1.bvh", random_bvh_frames(20), arms=arms, axes=axes))
    to_z_up = Y_UP_TO_Z_UP * Z_UP_FILE.inv() if file == "z up" else Y_UP_TO_Z_UP

    world = smpl_world(to_smpl(motion))

    for joint, t_pose, asf, bvh in LIMBS:
        ends = asf if file == "asf" else bvh
        apart = degrees_apart(world[joint].apply(t_pose), to_z_up.apply(limb_of(motion, ends)))
        assert apart < 0.01, (joint, apart)
    for joint, asf, bvh in FEET:
        foot = to_z_up.apply(limb_of(motion, asf if file == "asf" else bvh))
        ours = world[joint].inv().apply(foot)  # straight ahead in SMPL's frame, with one pitch for all frames
        assert np.abs(ours[:, 0]).max() < 1e-4 and np.ptp(ours[:, 1]) < 1e-4 and ours[:, 2].min() > 0.85, joint


def test_a_t_pose_becomes_zero_and_stands_up(tmp_path: Path) -> None:
    (rotations,) = to_smpl(read_bvh(write_bvh(tmp_path / "1.bvh", [{}])))
    np.testing.assert_allclose(rotations[0], [np.pi / 2, 0, 0], atol=1e-6)  # y up to z up
    # Only the legs of this skeleton are not straight at rest, and its feet point outwards by 13 degrees.
    others = [j for j, name in enumerate(SMPL_JOINT_NAMES) if name.split("_")[-1] not in ("hip", "knee", "ankle")]
    np.testing.assert_allclose(rotations[others[1:]], 0, atol=1e-6)
    assert np.abs(rotations[1:]).max() < np.radians(14)


def test_hanging_arms_at_rest_hang_in_smpl(tmp_path: Path) -> None:
    (rotations,) = to_smpl(read_bvh(write_bvh(tmp_path / "1.bvh", [{}], arms=90)))
    joints = dict(zip(SMPL_JOINT_NAMES, rotations))
    np.testing.assert_allclose(joints["left_shoulder"], [0, 0, -np.pi / 2], atol=1e-6)
    np.testing.assert_allclose(joints["right_shoulder"], [0, 0, np.pi / 2], atol=1e-6)
    np.testing.assert_allclose(joints["left_elbow"], 0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:Gimbal lock")
@pytest.mark.parametrize("arms", [0.0, 90.0])
def test_a_bent_elbow_brings_the_hand_to_the_front(tmp_path: Path, arms: float) -> None:
    """By hand: an upper arm to the left, the elbow bent by 90 degrees about the vertical: the forearm points ahead."""
    bend = Rotation.from_euler("y", -90, degrees=True)
    lift = Rotation.from_euler("z", arms, degrees=True)
    frame = {"LeftArm": lift, "LeftForeArm": lift.inv() * bend * lift}
    rotations = to_smpl(read_bvh(write_bvh(tmp_path / "1.bvh", [frame], arms=arms)))
    world = smpl_world(rotations)
    # The body faces +z in a file with y up, which is -y once z is up.
    np.testing.assert_allclose(world["left_shoulder"].apply(LEFT), [[1, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(world["left_elbow"].apply(LEFT), [[0, -1, 0]], atol=1e-6)
    np.testing.assert_allclose(rotations[0, SMPL_JOINT_NAMES.index("left_elbow")], [0, -np.pi / 2, 0], atol=1e-6)


def test_a_bent_knee_of_slanted_legs_is_a_plain_bend(tmp_path: Path) -> None:
    """By hand: ASF's knee turns about its own x axis, across the slanted leg; SMPL's about x."""
    (rotations,) = to_smpl(amc_motion(tmp_path, [{"ltibia": [90.0], "rtibia": [30.0]}]))
    joints = dict(zip(SMPL_JOINT_NAMES, rotations))
    np.testing.assert_allclose(joints["left_knee"], [np.pi / 2, 0, 0], atol=1e-6)
    np.testing.assert_allclose(joints["right_knee"], [np.pi / 6, 0, 0], atol=1e-6)
    np.testing.assert_allclose(joints["left_hip"], [0, 0, np.radians(15)], atol=1e-6)  # apart, as at rest


@pytest.mark.parametrize("degrees", [10, 45, -100])
def test_a_rest_that_faces_between_the_axes_is_the_same_motion(tmp_path: Path, degrees: float) -> None:
    frames = random_bvh_frames(5)
    expected = to_smpl(read_bvh(write_bvh(tmp_path / "ahead.bvh", frames)))
    turned = write_bvh(tmp_path / "turned.bvh", frames, axes=Rotation.from_euler("y", degrees, degrees=True))
    np.testing.assert_allclose(to_smpl(read_bvh(turned)), expected, atol=1e-6)


def under_a_node(path: Path, degrees: float) -> Path:
    """The same file below a joint that turns about x in all frames, as some converters write a scene's node."""
    head, table = path.read_text().split("MOTION\n")
    node = "ROOT Reference\n{\nOFFSET 0 0 0\nCHANNELS 3 Xrotation Yrotation Zrotation\nJOINT Hips"
    count, step, *rows = table.splitlines()
    rows = [f"{degrees} 0 0 {row}" for row in rows]
    rows[1] = rows[1].replace(f"{degrees} 0 0", "nan 0 0")  # a spoilt frame
    other = path.with_name(f"node {path.name}")
    other.write_text("\n".join([f"{head.replace('ROOT Hips', node)}}}", "MOTION", count, step, *rows, ""]))
    return other


@pytest.mark.parametrize("degrees", [-90.0, 90.0, 180.0])
def test_a_scenes_turn_above_the_hips_lays_nobody_down(tmp_path: Path, degrees: float) -> None:
    path = write_bvh(tmp_path / "1.bvh", random_bvh_frames(8, radians=0.2))
    expected, found = (to_smpl(read_bvh(file)) for file in (path, under_a_node(path, degrees)))
    kept = [0, *range(2, 8)]
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[kept], expected[kept], atol=1e-6)


def test_who_lies_below_a_node_lies(tmp_path: Path) -> None:
    """By her own hips, or because the node goes along with her."""
    lying = write_bvh(tmp_path / "1.bvh", [{"Hips": Rotation.from_euler("x", -90, degrees=True)}] * 4)
    for degrees in (0.0, 90.0):
        (pose,) = to_smpl(read_bvh(under_a_node(lying, degrees)))[:1]
        up = smpl_world(pose[None])["pelvis"].apply([0.0, 1, 0])[0]
        np.testing.assert_allclose(up, [0, 1, 0] if degrees == 0 else [0, 0, 1], atol=1e-6)


def test_turning_left_turns_left(tmp_path: Path) -> None:
    """By hand: facing -y with z up, a quarter turn to the left faces +x."""
    motion = amc_motion(tmp_path, [{"root": [0, 17, 0, 0, 90, 0]}])
    pelvis = smpl_world(to_smpl(motion))["pelvis"]
    np.testing.assert_allclose(pelvis.apply([0, 0, 1]), [[1, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(pelvis.apply([0, 1, 0]), [[0, 0, 1]], atol=1e-6)


def test_a_mirrored_motion_becomes_the_mirrored_pose(tmp_path: Path) -> None:
    frames = random_bvh_frames(5)
    mirrored = []
    for frame in frames:
        swapped = {}
        for name, turn in frame.items():
            other = name.replace("Left", "L!").replace("Right", "Left").replace("L!", "Right")
            swapped[other] = Rotation.from_rotvec(turn.as_rotvec() * [1, -1, -1])
        mirrored.append(swapped)
    ours = to_smpl(read_bvh(write_bvh(tmp_path / "1.bvh", frames, arms=30)))
    theirs = to_smpl(read_bvh(write_bvh(tmp_path / "2.bvh", mirrored, arms=30)))
    np.testing.assert_allclose(mirror_pose(torch.from_numpy(ours)).numpy(), theirs, atol=1e-5)


def test_two_spine_joints_are_shared_by_smpls_three(tmp_path: Path) -> None:
    """By hand: 30 degrees at each of two joints are 20 at each of three."""
    frame = {name: Rotation.from_euler("x", 30, degrees=True) for name in ("Spine", "Spine2")}
    (rotations,) = to_smpl(read_bvh(write_bvh(tmp_path / "1.bvh", [frame], drop="Spine1")))
    for name in ("spine1", "spine2", "spine3"):
        np.testing.assert_allclose(rotations[SMPL_JOINT_NAMES.index(name)], [np.radians(20), 0, 0], atol=1e-5)


def test_a_spoilt_frame_is_nan_and_the_others_are_not(tmp_path: Path) -> None:
    path = write_bvh(tmp_path / "1.bvh", random_bvh_frames(3))
    lines = path.read_text().splitlines()
    lines[-2] = "-1.#IND0 " + lines[-2].split(" ", 1)[1]  # as old programs for Windows write NaN
    path.write_text("\n".join(lines))
    rotations = to_smpl(read_bvh(path))
    assert np.isnan(rotations[1]).all() and np.isfinite(rotations[[0, 2]]).all()


def test_refuses_left_and_right_exchanged(tmp_path: Path) -> None:
    swapped = {
        name: name.replace("Left", "L!").replace("Right", "Left").replace("L!", "Right") for name in bvh_person()
    }
    motion = read_bvh(write_bvh(tmp_path / "swapped.bvh", [{}], names=swapped))
    with pytest.raises(BadData, match=r"swapped\.bvh: the left foot points backwards"):
        to_smpl(motion)
