"""The AMASS reader on miniature files that the test writes in the layout of both releases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import BadData
from training.mocap import read_mocap

UPRIGHT = np.float32(np.pi / 2)
"""The turn about x that takes a body, y up, into AMASS's world, z up."""


def write_clip(path: Path, frames: int = 3, **changes: np.ndarray | None) -> np.ndarray:
    """Writes an SMPL-H clip and returns its (T, 22, 3); `changes` replace keys, or drop them with None."""
    # One joint turns 0.5 rad (29 degrees) a frame, so that thinning keeps every frame.
    poses = np.random.default_rng(frames).normal(0, 0.1, (1, 156)).repeat(frames, axis=0)
    poses[:, 5] = 0.5 * np.arange(frames)
    poses[:, 0] = UPRIGHT
    content = {
        "poses": poses,
        "trans": np.zeros((frames, 3)),
        "betas": np.zeros(16),
        "dmpls": np.zeros((frames, 8)),
        "gender": np.array("female"),
        "mocap_framerate": np.array(120.0),
    }
    content.update(changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{key: value for key, value in content.items() if value is not None})
    return poses[:, :66].reshape(-1, 22, 3)


def test_reads_smplh_files_recursively_with_subjects_and_clips(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "CMU/02/02_01_poses.npz", frames=2)
    second = write_clip(tmp_path / "KIT/3/walk_poses.npz", frames=4)

    poses = read_mocap(tmp_path)

    assert poses.rotations.dtype == np.float32
    np.testing.assert_allclose(poses.rotations, np.concatenate([first, second]), atol=1e-6)
    assert poses.subjects.tolist() == ["CMU/02"] * 2 + ["KIT/3"] * 4
    assert poses.clips.tolist() == ["CMU/02/02_01_poses.npz"] * 2 + ["KIT/3/walk_poses.npz"] * 4


@pytest.mark.parametrize("start", ["", "CMU", "CMU/02"])
def test_subject_is_the_same_wherever_the_reading_starts(tmp_path: Path, start: str) -> None:
    write_clip(tmp_path / "CMU/02/02_01_poses.npz")
    assert set(read_mocap(tmp_path / start).subjects) == {"CMU/02"}


def test_reads_smplx_files(tmp_path: Path) -> None:
    """SMPL-X says `mocap_frame_rate`, is 165 wide, also has its parts apart, and holds object arrays."""
    body = np.random.default_rng(0).normal(0, 0.1, size=(1, 66))
    body[0, 0] = UPRIGHT
    smplx = {
        "mocap_framerate": None,
        "mocap_frame_rate": np.array(30),
        "surface_model_type": np.array("smplx"),
    }
    labels = np.array([None, "marker"], dtype=object)
    whole = np.concatenate([body, np.ones((1, 99))], axis=1)
    write_clip(tmp_path / "SOMA/a/1_stageii.npz", poses=whole, labels=labels, **smplx)
    write_clip(tmp_path / "SOMA/b/2_stageii.npz", poses=None, root_orient=body[:, :3], pose_body=body[:, 3:], **smplx)

    poses = read_mocap(tmp_path)

    np.testing.assert_allclose(poses.rotations, body.reshape(1, 22, 3).repeat(2, axis=0), atol=1e-6)


def test_fingers_jaw_and_eyes_go_to_bodies_that_have_them(tmp_path: Path) -> None:
    """By hand: columns 66 to 156 are SMPL-H's fingers; SMPL-X has jaw and eyes before them."""
    number = np.arange(165, dtype=np.float32) / 1000
    number[0] = UPRIGHT
    for subject, poses in {
        "h": number[None, :156],
        "x": number[None],
        "smpl": number[None, :72],
        "bare": number[None, :66],
    }.items():
        write_clip(tmp_path / f"AMASS/{subject}/1_poses.npz", poses=poses)
    x_parts = {"root_orient": (0, 3), "pose_body": (3, 66), "pose_jaw": (66, 69), "pose_eye": (69, 75)}
    x_parts["pose_hand"] = (75, 165)
    parts = {key: number[None, start:end] for key, (start, end) in x_parts.items()}
    write_clip(tmp_path / "AMASS/parts/1_stageii.npz", poses=None, **parts)
    write_clip(tmp_path / "AMASS/parts of h/1_poses.npz", poses=None, **{key: parts[key] for key in
               ("root_orient", "pose_body", "pose_hand")})  # fmt: skip

    def read(joints: int) -> dict[str, np.ndarray]:
        poses = read_mocap(tmp_path, joints)
        assert poses.rotations.shape[1:] == (joints, 3)
        return dict(zip((subject.split("/")[1] for subject in poses.subjects), poses.rotations.reshape(-1, 3 * joints)))

    for joints in (22, 52, 55):
        for found in read(joints).values():
            np.testing.assert_array_equal(found[:66], number[:66])
    smplh, smplx = read(52), read(55)
    np.testing.assert_array_equal(smplh["h"], number[:156])
    for subject in ("x", "parts", "parts of h"):
        np.testing.assert_array_equal(smplh[subject][66:], number[75:])  # its fingers, not its face
    np.testing.assert_array_equal(smplx["x"], number)
    np.testing.assert_array_equal(smplx["parts"], number)
    np.testing.assert_array_equal(smplx["h"][75:], number[66:156])
    assert not smplx["h"][66:75].any() and not smplx["parts of h"][66:75].any()
    for subject in ("smpl", "bare"):  # of SMPL's columns 66 to 72 are two stiff hands
        assert not smplh[subject][66:].any() and not smplx[subject][66:].any()


def test_a_frame_whose_fingers_are_nan_is_left_out_where_fingers_count(tmp_path: Path) -> None:
    poses = np.zeros((3, 156))
    poses[:, 5] = 0.5 * np.arange(3)
    poses[1, 100] = np.nan
    write_clip(tmp_path / "CMU/02/02_01_poses.npz", poses=poses)
    assert len(read_mocap(tmp_path)) == 3 and len(read_mocap(tmp_path, 52)) == 2


def test_the_same_poses_by_other_names(tmp_path: Path) -> None:
    """Of smplx, a row a joint; of GRAB; of Inter-X; of SMPL with its 24 joints."""
    number = np.arange(165, dtype=np.float32)[None] / 1000
    number[0, 0] = UPRIGHT
    joints = number.reshape(1, 55, 3)
    smplx = {
        "global_orient": joints[:, :1],
        "body_pose": joints[:, 1:22],
        "jaw_pose": joints[:, 22],
        "fps": np.array(30),
    }
    smplx |= {"leye_pose": joints[:, 23], "reye_pose": joints[:, 24]}
    hands = {"left_hand_pose": number[:, 75:120], "right_hand_pose": number[:, 120:]}
    named = {
        "a/smplx": smplx | hands,
        "b/pca": smplx | {name: hand[:, :6] for name, hand in hands.items()},
        "c/smpl": {"global_orient": number[:, :3], "body_pose": number[:, 3:72]},
        "d/grab": {"fullpose": number},
        "e/inter": {"root_orient": number[:, :3], "pose_body": joints[:, 1:22], "pose_lhand": joints[:, 25:40],
                    "pose_rhand": joints[:, 40:]},
        "f/joints": {"poses": joints},
    }  # fmt: skip
    for name, changes in named.items():
        write_clip(tmp_path / f"{name}_poses.npz", **{"poses": None, **changes})
    whole, pca, smpl, grab, inter, rows = read_mocap(tmp_path, 55).rotations.reshape(6, 165)
    for found in (whole, grab, rows):
        np.testing.assert_array_equal(found, number[0])
    for found in (pca, smpl, inter):
        np.testing.assert_array_equal(found[:66], number[0, :66])
        assert not found[66:75].any()
    np.testing.assert_array_equal(inter[75:], number[0, 75:])
    assert not pca[75:].any() and not smpl[75:].any()  # few numbers stand for fingers; two stiff hands


@pytest.mark.parametrize("name", ["shape.npz", "neutral_stagei.npz", "male_stagei.npz"])
def test_leaves_out_files_that_hold_a_body_shape_only(tmp_path: Path, name: str) -> None:
    write_clip(tmp_path / "CMU/02/02_01_poses.npz", frames=2)
    np.savez(tmp_path / "CMU/02" / name, betas=np.zeros(16))
    assert len(read_mocap(tmp_path)) == 2


def test_takes_a_clip_whole_that_was_thinned_already(tmp_path: Path) -> None:
    still = np.zeros((50, 156), dtype=np.float16)
    write_clip(tmp_path / "CMU/02/dense_poses.npz", poses=still)
    assert len(read_mocap(tmp_path)) == 1  # 50 frames at 120 Hz are less than half a second
    write_clip(tmp_path / "CMU/02/dense_poses.npz", poses=still, frame=np.arange(50), mocap_framerate=None)
    assert len(read_mocap(tmp_path)) == 50


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"poses": None}, "neither `poses` nor"),
        ({"poses": None, "root_orient": np.zeros((2, 3))}, "neither `poses` nor"),
        ({"poses": None, "root_orient": np.zeros((2, 3)), "pose_body": np.zeros((3, 63))}, "`pose_body`"),
        ({"poses": np.zeros((3, 48))}, r"shape \(3, 48\)"),  # MANO, a hand alone
        ({"poses": np.zeros(156)}, r"shape \(156,\)"),
        ({"poses": np.zeros((3, 24, 3, 3))}, r"shape \(3, 24, 3, 3\)"),  # matrices
        ({"poses": np.full((3, 156), 20.0)}, "in degrees"),
        ({"poses": np.zeros((0, 156))}, "no frame"),
        ({"poses": np.zeros((3, 156), dtype=int)}, "int64"),
        ({"poses": np.full((3, 156), None)}, "cannot be read"),  # an object array: would need pickle
        ({"poses": np.full((3, 156), np.nan)}, r"most of its 3 frames .*3 NaN or infinity"),
        ({"poses": np.full((3, 156), -np.inf)}, "NaN or infinity"),
        ({"mocap_framerate": None}, "no `mocap_framerate`"),
        ({"mocap_framerate": np.array(0.0)}, "`mocap_framerate` is"),
        ({"mocap_framerate": np.array("fast")}, "`mocap_framerate` is"),
    ],
)
def test_names_the_broken_file(tmp_path: Path, changes: dict[str, np.ndarray | None], sentence: str) -> None:
    write_clip(tmp_path / "CMU/01/good_poses.npz")
    write_clip(tmp_path / "CMU/02/bad_poses.npz", **changes)
    with pytest.raises(BadData, match=sentence) as raised:
        read_mocap(tmp_path)
    assert "bad_poses.npz" in str(raised.value)


@pytest.mark.parametrize("content", ["empty", "text", "cut", "flipped", "npy", "pickle"])
def test_names_the_corrupt_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "CMU/02/bad_poses.npz"
    write_clip(path, frames=100)
    whole = path.read_bytes()
    if content == "npy":
        with path.open("wb") as file:
            np.save(file, np.zeros((3, 156)))
    else:
        middle = len(whole) // 3
        path.write_bytes(
            {
                "empty": b"",
                "text": b"<html>404</html>",
                "cut": whole[: len(whole) // 2],
                "flipped": whole[:middle] + bytes(64) + whole[middle + 64 :],  # the archive's checksum tells
                "pickle": b"\x80\x04N.",
            }[content]
        )
    with pytest.raises(BadData, match=r"bad_poses\.npz") as raised:
        read_mocap(tmp_path)
    assert "unsafe" not in str(raised.value)  # as numpy advises


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_single_frame_that_is_not_finite_is_left_out(tmp_path: Path, value: float) -> None:
    rotations = write_clip(tmp_path / "CMU/02/02_01_poses.npz", frames=5)
    poses = np.zeros((5, 156))
    poses[:, :66] = rotations.reshape(5, 66)
    poses[1, 65] = value
    write_clip(tmp_path / "CMU/02/02_01_poses.npz", frames=5, poses=poses)
    np.testing.assert_allclose(read_mocap(tmp_path).rotations, rotations[[0, 2, 3, 4]], atol=1e-6)
