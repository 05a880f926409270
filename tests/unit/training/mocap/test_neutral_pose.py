"""Skeletons whose bones all lie along one axis at rest: the same motion must come out as from a T-pose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.errors import BadData
from model.joints import SMPL_JOINT_NAMES
from tests.support.bvh_files import lifelike_bvh_frames, write_bvh, write_bvh_along_bones
from tests.support.smpl_world import smpl_world
from training.mocap.bvh import read_bvh
from training.mocap.retarget import to_smpl

# Degrees. Of feet a resting pose tells how their soles are pitched; here that is SMPL's own.
ALLOWED = {"ankle": 8.0, "foot": 8.0, "knee": 3.0}
LIMBS = {"hip": (0, -1, 0), "knee": (0, -1, 0), "shoulder": (1, 0, 0), "elbow": (1, 0, 0)}


def degrees_off(ours: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """By joint, how far its world rotation is off at most."""
    one, other = smpl_world(ours), smpl_world(expected)
    return {name: float(np.degrees((one[name].inv() * other[name]).magnitude()).max()) for name in SMPL_JOINT_NAMES}


@pytest.mark.parametrize("mirrored", [False, True], ids=["LAFAN1", "Bandai-Namco"])
def test_the_motion_tells_what_the_rest_does_not(tmp_path: Path, mirrored: bool) -> None:
    frames = lifelike_bvh_frames(60)
    expected = to_smpl(read_bvh(write_bvh(tmp_path / "standing.bvh", frames)))
    ours = to_smpl(read_bvh(write_bvh_along_bones(tmp_path / "along.bvh", frames, mirrored)))
    for name, off in degrees_off(ours, expected).items():
        assert off < ALLOWED.get(name.split("_")[-1], 1.5), (name, off)
    for side, sign in (("left", 1), ("right", -1)):  # limbs point exactly where the file's do
        for part, along in LIMBS.items():
            bone = np.multiply(along, (sign, 1, 1))
            name = f"{side}_{part}"
            np.testing.assert_allclose(
                smpl_world(ours)[name].apply(bone), smpl_world(expected)[name].apply(bone), atol=1e-5, err_msg=name
            )


@pytest.mark.parametrize("number", range(4))
def test_one_frame_says_where_limbs_point_and_nearly_how_they_twist(tmp_path: Path, number: int) -> None:
    frames = lifelike_bvh_frames(4)[number : number + 1]
    expected = to_smpl(read_bvh(write_bvh(tmp_path / "standing.bvh", frames)))
    ours = to_smpl(read_bvh(write_bvh_along_bones(tmp_path / "along.bvh", frames)))
    off = degrees_off(ours, expected)
    assert max(off[name] for name in ("pelvis", "spine3", "head")) < 0.1
    assert max(off[f"{side}_{part}"] for side in ("left", "right") for part in LIMBS) < 30, off


def test_a_still_t_pose_is_one(tmp_path: Path) -> None:
    """No joint bends, so what is known is that none turns in the mean."""
    (ours,) = to_smpl(read_bvh(write_bvh_along_bones(tmp_path / "along.bvh", [{}])))
    assert np.degrees(np.abs(ours[1:]).max()) < 14  # the feet point outwards by 13
    np.testing.assert_allclose(ours[0], [np.pi / 2, 0, 0], atol=1e-6)


def test_a_world_with_z_up_is_seen_by_the_heads(tmp_path: Path) -> None:
    up = Rotation.from_euler("x", 90, degrees=True)
    frames = lifelike_bvh_frames(20)
    expected = to_smpl(read_bvh(write_bvh_along_bones(tmp_path / "y.bvh", frames)))
    ours = to_smpl(read_bvh(write_bvh_along_bones(tmp_path / "z.bvh", frames, axes=up)))
    np.testing.assert_allclose(ours[:, 1:], expected[:, 1:], atol=1e-6)
    vertical = [0, 0, 1]  # where people face is open, what is up is not
    leaning = [Rotation.from_rotvec(poses[:, 0]).inv().apply(vertical) for poses in (ours, expected)]
    np.testing.assert_allclose(leaning[0], leaning[1], atol=1e-6)


def test_left_and_right_exchanged_are_noticed(tmp_path: Path) -> None:
    path = write_bvh_along_bones(tmp_path / "along.bvh", lifelike_bvh_frames(10))
    path.write_text(path.read_text().replace("Left", "L!").replace("Right", "Left").replace("L!", "Right"))
    with pytest.raises(BadData, match=r"along\.bvh: the (left|right) foot points backwards.*exchanged"):
        to_smpl(read_bvh(path))


def test_no_body_at_all_gets_a_sentence(tmp_path: Path) -> None:
    path = write_bvh(tmp_path / "line.bvh", [{}])
    lines = path.read_text().splitlines()
    lines = [line.split("OFFSET")[0] + "OFFSET 0 0.2 0" if "OFFSET" in line else line for line in lines]
    path.write_text("\n".join(lines))
    with pytest.raises(BadData, match=r"line\.bvh: both hips are in one place"):
        to_smpl(read_bvh(path))


def test_frames_of_nan_do_not_spoil_the_others(tmp_path: Path) -> None:
    frames = lifelike_bvh_frames(10)
    path = write_bvh_along_bones(tmp_path / "along.bvh", frames)
    expected = to_smpl(read_bvh(path))
    lines = path.read_text().splitlines()
    spoilt = [*lines[:-10], *(line for line in lines[-10:] for line in (line, "nan " * len(line.split())))]
    path.write_text("\n".join(spoilt))
    ours = to_smpl(read_bvh(path))
    np.testing.assert_allclose(ours[::2], expected, atol=1e-9)
    assert np.isnan(ours[1::2]).all()
    path.write_text("\n".join([*lines[:-10], *spoilt[-1:]]))
    with pytest.raises(BadData, match=r"along\.bvh holds no frame of numbers"):
        to_smpl(read_bvh(path))
