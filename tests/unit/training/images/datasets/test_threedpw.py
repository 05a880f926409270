"""3DPW on miniature files: the official pickles, and SPIN's npz of the same people."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from model.errors import BadData
from training.images.datasets.base import SampleSet
from training.images.datasets.joint_sets import LIMBS_IN_COCO, LIMBS_IN_SMPL
from training.images.datasets.threedpw import read_3dpw

FRAMES, PEOPLE = 4, 2
FOCAL = 1961.9


def sequence(**changes: Any) -> dict[str, Any]:
    """What an official file holds, with keys that are not needed too."""
    rng = np.random.default_rng(0)
    cameras = np.tile(np.eye(4), (FRAMES, 1, 1))
    cameras[:, :3, :3] = Rotation.random(FRAMES, random_state=1).as_matrix()
    cameras[:, :3, 3] = rng.normal(size=(FRAMES, 3)) + np.array([0, 0, 6])
    seen = [
        np.concatenate([rng.uniform(100, 900, (FRAMES, 2, 18)), np.ones((FRAMES, 1, 18))], 1) for _ in range(PEOPLE)
    ]
    seen[0][1, 2, 5:] = 0  # some joints unseen
    seen[1][3, 2] = 0  # nobody seen
    valid = [np.ones(FRAMES, np.int64), np.array([1, 0, 1, 1])]
    return {
        "sequence": "downtown_walking_00",
        "genders": ["m", "f"],
        "poses": [rng.normal(0, 0.4, (FRAMES, 72)) for _ in range(PEOPLE)],
        "betas": [rng.normal(size=300), rng.normal(size=(10, 1))],
        "poses2d": seen,
        "jointPositions": [rng.normal(0, 0.5, (FRAMES, 72)) for _ in range(PEOPLE)],
        "cam_poses": cameras,
        "cam_intrinsics": np.array([[FOCAL, 0, 540], [0, FOCAL, 960], [0, 0, 1]]),
        "campose_valid": valid,
        "img_frame_ids": np.arange(FRAMES),
        "texture_maps": [],
        **changes,
    }


def write(folder: Path, **changes: Any) -> Path:
    place = folder / "sequenceFiles" / "test"
    place.mkdir(parents=True, exist_ok=True)
    (place / "downtown_walking_00.pkl").write_bytes(pickle.dumps(sequence(**changes), 2))
    return folder


@pytest.fixture
def official(tmp_path: Path) -> SampleSet:
    return read_3dpw(write(tmp_path))


def test_people_and_frames(official: SampleSet, tmp_path: Path) -> None:
    names = [sample.image.relative_to(tmp_path).as_posix() for sample in official.samples]
    expected = [0, 1, 2, 3, 0, 2]  # the second person: frame 1 invalid, frame 3 unseen
    assert names == [f"imageFiles/downtown_walking_00/image_{frame:05d}.jpg" for frame in expected]
    assert [sample.smpl.gender for sample in official.samples if sample.smpl] == ["male"] * 4 + ["female"] * 2
    assert {sample.focal_length for sample in official.samples} == {FOCAL}
    assert {sample.groups["sequence"] for sample in official.samples} == {"downtown_walking_00"}
    assert any(note.startswith("1 persons in frames") for note in official.notes)
    assert any("without a single 2D joint" in note for note in official.notes)


def test_the_crop_is_around_the_seen_joints(official: SampleSet) -> None:
    points = sequence()["poses2d"][0][1, :2, :5]  # of frame 1 only five are seen
    low, high = points.min(axis=1), points.max(axis=1)
    assert official.samples[1].centre == pytest.approx((low + high) / 2)
    assert official.samples[1].side == pytest.approx(1.2 * (high - low).max())


def test_pose_and_joints_are_in_the_cameras_axes(official: SampleSet) -> None:
    data = sequence()
    for index, (person, frame) in enumerate([(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 2)]):
        sample, turn = official.samples[index], data["cam_poses"][frame, :3, :3]
        assert sample.smpl is not None and sample.joints is not None
        root = Rotation.from_rotvec(sample.smpl.pose[0]).as_matrix()
        world = Rotation.from_rotvec(data["poses"][person][frame, :3]).as_matrix()
        np.testing.assert_allclose(root, turn @ world, atol=1e-5)
        np.testing.assert_allclose(sample.smpl.pose[1:].ravel(), data["poses"][person][frame, 3:], atol=1e-6)
        where = data["jointPositions"][person][frame].reshape(24, 3)[list(LIMBS_IN_SMPL)]
        where = where @ turn.T + data["cam_poses"][frame, :3, 3]
        np.testing.assert_allclose(sample.joints, where, atol=1e-5)
        assert sample.joints_2d is not None and sample.translation is not None
        seen = FOCAL * where[:, :2] / where[:, 2:] + [540, 960]
        np.testing.assert_allclose(sample.joints_2d[list(LIMBS_IN_COCO)], seen, rtol=1e-5)
        np.testing.assert_allclose(sample.translation, where[[2, 3]].mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(sample.smpl.shape, data["betas"][person].ravel()[:10], atol=1e-6)


def spin_npz(folder: Path, samples: SampleSet, **changes: np.ndarray) -> Path:
    """The official samples as SPIN's preprocessing saves them."""
    rows = [(sample, sample.smpl) for sample in samples.samples if sample.smpl]
    arrays = {
        "imgname": np.array([f"imageFiles/{s.groups['sequence']}/{s.image.name}" for s, _ in rows]),
        "center": np.array([s.centre for s, _ in rows]),
        "scale": np.array([s.side / 200 for s, _ in rows]),
        "pose": np.array([smpl.pose.ravel() for _, smpl in rows]),
        "shape": np.array([smpl.shape for _, smpl in rows]),
        "gender": np.array([smpl.gender[0] for _, smpl in rows]),
    }
    np.savez(folder / "3dpw_test.npz", **{**arrays, **changes})
    return folder / "3dpw_test.npz"


def test_spins_npz_gives_the_same_people(official: SampleSet, tmp_path: Path) -> None:
    other = read_3dpw(spin_npz(tmp_path, official))
    assert len(other.samples) == len(official.samples)
    for one, two in zip(official.samples, other.samples, strict=True):
        assert one.smpl is not None and two.smpl is not None
        assert two.image == one.image and two.groups == one.groups and two.smpl.gender == one.smpl.gender
        assert two.centre == pytest.approx(one.centre) and two.side == pytest.approx(one.side)
        np.testing.assert_allclose(two.smpl.pose, one.smpl.pose, atol=1e-6)
        assert two.joints is None
    elsewhere = read_3dpw(tmp_path / "3dpw_test.npz", tmp_path / "far")
    assert elsewhere.samples[0].image.is_relative_to(tmp_path / "far" / "imageFiles")


def test_smpl_poses_the_camera_pose_as_the_turned_world_pose(tmp_path: Path) -> None:
    """The mesh in the camera's axes is the world's mesh, turned; its limbs are where `jointPositions` has them."""
    pytest.importorskip("smplx", reason="needs the extra smpl")
    from tests.unit.training.bodies.test_smpl import smpl_arrays
    from training.bodies.smpl import SmplBody
    from training.images.datasets.smpl_truth import SmplTruth
    from training.rotations import axis_angle_to_matrix

    arrays, _ = smpl_arrays()
    numbers = {key: value for key, value in arrays.items() if value.dtype != object}
    np.savez(tmp_path / "SMPL_MALE.npz", **numbers)
    np.savez(tmp_path / "SMPL_FEMALE.npz", **{**numbers, "v_template": numbers["v_template"] * 0.9})
    data, positions = sequence(), []
    for person, gender in enumerate(("MALE", "FEMALE")):
        body = SmplBody(tmp_path / f"SMPL_{gender}.npz")
        pose = torch.from_numpy(data["poses"][person]).float().reshape(FRAMES, 24, 3)
        shape = torch.from_numpy(data["betas"][person].ravel()[:10]).float().expand(FRAMES, -1)
        world = body.pose(axis_angle_to_matrix(pose), shape)
        joints = torch.zeros(FRAMES, 24, 3)
        limbs = (torch.from_numpy(body.joint_regressor) @ world)[:, 5:]  # COCO's twelve limbs, pairs left and right
        joints[:, [16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8]] = limbs
        positions.append(joints.reshape(FRAMES, 72).double().numpy())
    read = read_3dpw(write(tmp_path, jointPositions=positions))
    truth = SmplTruth(tmp_path)
    for sample in read.samples:
        assert sample.smpl is not None and sample.joints is not None
        _, limbs = truth.pose(sample.smpl)
        np.testing.assert_allclose(limbs - limbs.mean(0), sample.joints - sample.joints.mean(0), atol=1e-4)


@pytest.mark.parametrize(("vertices", "joints"), [(6890, 52), (10475, 55)])
def test_only_smpls_own_joints_have_its_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vertices: int, joints: int
) -> None:
    """SMPL-H has SMPL's mesh, but fingers where SMPL has two stiff hands."""
    from training.images.datasets import smpl_truth

    class Other:
        vertex_count, joint_count = vertices, joints

    monkeypatch.setattr(smpl_truth, "load_smpl", lambda *_: Other())
    (tmp_path / "SMPL_MALE.npz").touch()
    (tmp_path / "SMPL_FEMALE.npz").touch()
    sample = read_3dpw(write(tmp_path)).samples[0]
    assert sample.smpl is not None
    with pytest.raises(BadData, match=r"SMPL_\w+\.npz has SMPL-H's or SMPL-X's joints"):
        smpl_truth.SmplTruth(tmp_path).pose(sample.smpl)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"poses": [np.zeros((FRAMES, 66))] * 2}, "`poses`"),
        ({"poses": [np.full((FRAMES, 72), np.nan)] * 2}, "finite"),
        ({"poses": ["a", "b"]}, "numbers"),
        ({"betas": [np.zeros(4)] * 2}, "body shape"),
        ({"genders": ["x", "f"]}, "gender"),
        ({"genders": ["m"]}, "number of persons"),
        ({"cam_poses": np.zeros((FRAMES, 3, 4))}, "`cam_poses`"),
        ({"campose_valid": [np.array([None] * FRAMES)] * 2}, "numbers"),
    ],
)
def test_other_contents_get_a_sentence(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadData, match=message) as error:
        read_3dpw(write(tmp_path, **changes))
    assert "downtown_walking_00.pkl" in str(error.value)


def test_missing_things_get_a_sentence(tmp_path: Path, official: SampleSet) -> None:
    with pytest.raises(BadData, match="holds no sequence"):
        read_3dpw(tmp_path, split="validation")
    with pytest.raises(BadData, match="no split"):
        read_3dpw(tmp_path, split="all")
    with pytest.raises(BadData, match=r"none\.npz is not there"):
        read_3dpw(tmp_path / "none.npz")
    data = sequence()
    del data["jointPositions"]
    (tmp_path / "sequenceFiles/test/downtown_walking_00.pkl").write_bytes(pickle.dumps(data, 2))
    with pytest.raises(BadData, match="jointPositions"):
        read_3dpw(tmp_path)
    for changes in ({"scale": np.zeros(6)}, {"gender": np.array(["?"] * 6)}, {"shape": np.zeros((6, 3))}):
        with pytest.raises(BadData, match=r"3dpw_test\.npz"):
            read_3dpw(spin_npz(tmp_path, official, **changes))
