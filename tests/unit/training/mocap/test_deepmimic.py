"""DeepMimic's clips in SMPL's joints: forward kinematics of both skeletons must point the same way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.errors import BadData
from training.mocap import SMPL_JOINT_NAMES, SMPL_PARENTS
from training.mocap.deepmimic import read_deepmimic

# DeepMimic's humanoid: link -> parent, and the columns of its joint (a quaternion w, x, y, z, or an angle
# about z).
LINKS: dict[str, tuple[str | None, slice]] = {
    "root": (None, slice(4, 8)),
    "chest": ("root", slice(8, 12)),
    "neck": ("chest", slice(12, 16)),
    "right_hip": ("root", slice(16, 20)),
    "right_knee": ("right_hip", slice(20, 21)),
    "right_ankle": ("right_knee", slice(21, 25)),
    "right_shoulder": ("chest", slice(25, 29)),
    "right_elbow": ("right_shoulder", slice(29, 30)),
    "left_hip": ("root", slice(30, 34)),
    "left_knee": ("left_hip", slice(34, 35)),
    "left_ankle": ("left_knee", slice(35, 39)),
    "left_shoulder": ("chest", slice(39, 43)),
    "left_elbow": ("left_shoulder", slice(43, 44)),
}
DOWN, UP, AHEAD, RIGHT = (0, -1, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1)  # in DeepMimic's axes
# What points where at rest: DeepMimic's link and direction, SMPL's joint and direction.
DIRECTIONS = [
    ("root", UP, "pelvis", (0, 1, 0)),
    ("root", RIGHT, "pelvis", (-1, 0, 0)),
    ("root", AHEAD, "pelvis", (0, 0, 1)),
    ("chest", UP, "spine3", (0, 1, 0)),
    ("chest", RIGHT, "spine3", (-1, 0, 0)),
    ("neck", UP, "head", (0, 1, 0)),
    ("neck", AHEAD, "head", (0, 0, 1)),
    *(
        (f"{side}_{joint}", DOWN, f"{side}_{joint}", (0, -1, 0))
        for side in ("left", "right")
        for joint in ("hip", "knee")
    ),
    *((f"{side}_ankle", AHEAD, f"{side}_foot", (0, 0, 1)) for side in ("left", "right")),
    *((f"left_{joint}", DOWN, f"left_{joint}", (1, 0, 0)) for joint in ("shoulder", "elbow")),
    *((f"right_{joint}", DOWN, f"right_{joint}", (-1, 0, 0)) for joint in ("shoulder", "elbow")),
    # The inside of the elbow: with hanging arms it looks ahead, in the T-pose too.
    ("left_shoulder", AHEAD, "left_shoulder", (0, 0, 1)),
    ("right_elbow", AHEAD, "right_wrist", (0, 0, 1)),
]


def deepmimic_world(frame: np.ndarray, link: str) -> Rotation:
    parent, columns = LINKS[link]
    values = frame[columns]
    local = Rotation.from_quat(np.roll(values, -1)) if len(values) == 4 else Rotation.from_rotvec([0, 0, values[0]])
    return local if parent is None else deepmimic_world(frame, parent) * local


def smpl_world(rotations: np.ndarray, joint: str) -> Rotation:
    index = SMPL_JOINT_NAMES.index(joint)
    local = Rotation.from_rotvec(rotations[index])
    parent = SMPL_PARENTS[index]
    return local if parent < 0 else smpl_world(rotations, SMPL_JOINT_NAMES[parent]) * local


def random_frames(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    frames = np.zeros((count, 44))
    frames[:, 0] = 1.0  # a frame a second: thinning keeps them all
    for _, columns in LINKS.values():
        if columns.stop - columns.start == 4:
            turns = Rotation.from_rotvec(rng.normal(0, 0.8, (count, 3))).as_quat()
            frames[:, columns] = np.roll(turns, 1, axis=1)
        else:
            frames[:, columns] = rng.uniform(0, 2.5, (count, 1))
    return frames


def write(path: Path, frames: np.ndarray) -> Path:
    path.write_text(json.dumps({"Loop": "wrap", "Frames": frames.tolist()}))
    return path


def test_every_limb_points_as_in_deepmimics_own_skeleton(tmp_path: Path) -> None:
    frames = random_frames(20)
    poses = read_deepmimic(write(tmp_path / "humanoid3d_random.txt", frames), "DeepMimic/random")
    assert len(poses) == len(frames) and set(poses.subjects) == {"DeepMimic/random"}

    for frame, rotations in zip(frames, poses.rotations):
        for link, ours, joint, smpls in DIRECTIONS:
            x, y, z = deepmimic_world(frame, link).apply(ours)
            expected = np.array([x, -z, y])  # the same vector with z up
            angle = np.degrees(np.arccos(np.clip(smpl_world(rotations, joint).apply(smpls) @ expected, -1, 1)))
            assert angle < 0.1, (link, joint, angle)


def test_a_standing_body_faces_plus_x_with_its_left_at_plus_y(tmp_path: Path) -> None:
    """By hand: at rest DeepMimic faces x with y up and hanging arms; with z up its left is +y."""
    frame = np.zeros((1, 44))
    frame[:, [0, *(c.start for _, c in LINKS.values() if c.stop - c.start == 4)]] = 1
    (rotations,) = read_deepmimic(write(tmp_path / "humanoid3d_rest.txt", frame), "DeepMimic/rest").rotations

    np.testing.assert_allclose(smpl_world(rotations, "pelvis").apply([0, 0, 1]), [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(smpl_world(rotations, "pelvis").apply([1, 0, 0]), [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(smpl_world(rotations, "left_elbow").apply([1, 0, 0]), [0, 0, -1], atol=1e-6)
    np.testing.assert_allclose(smpl_world(rotations, "right_elbow").apply([-1, 0, 0]), [0, 0, -1], atol=1e-6)


def test_a_bent_elbow_brings_the_hand_to_the_front(tmp_path: Path) -> None:
    frame = np.zeros((1, 44))
    frame[:, [0, *(c.start for _, c in LINKS.values() if c.stop - c.start == 4)]] = 1
    frame[:, LINKS["left_elbow"][1]] = np.pi / 2
    frame[:, LINKS["right_knee"][1]] = -np.pi / 2
    (rotations,) = read_deepmimic(write(tmp_path / "humanoid3d_bent.txt", frame), "DeepMimic/bent").rotations

    np.testing.assert_allclose(smpl_world(rotations, "left_elbow").apply([1, 0, 0]), [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(smpl_world(rotations, "right_knee").apply([0, -1, 0]), [-1, 0, 0], atol=1e-6)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"Frames": []}', '{"Frames": [[1, 2], [3]]}', '{"Frames": 1}'])
def test_names_the_broken_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.txt").write_text(content)
    with pytest.raises(BadData, match=r"bad\.txt"):
        read_deepmimic(tmp_path / "bad.txt", "x")


@pytest.mark.parametrize(("column", "value"), [(20, np.nan), (0, 0.0), (16, 7.0)])
def test_refuses_numbers_that_are_no_pose(tmp_path: Path, column: int, value: float) -> None:
    frames = random_frames(2)
    frames[:, column] = value
    with pytest.raises(BadData, match=r"bad\.txt"):
        read_deepmimic(write(tmp_path / "bad.txt", frames), "x")


def test_refuses_another_character(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"\(2, 20\)"):
        read_deepmimic(write(tmp_path / "dog.txt", np.ones((2, 20))), "x")
