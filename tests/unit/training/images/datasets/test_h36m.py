"""Human3.6M's protocol 2 on a miniature npz in SPIN's layout, and Human3.6M's regressor in both of its orders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import BadData
from training.images.datasets.h36m import read_h36m, read_h36m_training
from training.images.datasets.joint_sets import LSP_14, read_h36m_regressor

NAMES = [
    "images/S9_Directions_1.60457274_000001.jpg",
    "images/S9_Directions.54138969_000001.jpg",  # another camera
    "images/S11_Walking_Dog_2.60457274_000006.jpg",
    "images/S8_Directions_1.60457274_000001.jpg",  # a training subject
]


def arrays(**changes: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    joints = np.concatenate([rng.normal(0, 0.5, (4, 24, 3)), np.ones((4, 24, 1))], axis=2)
    joints[:, [19, 20, 21, 22, 23], 3] = 0  # the face is not measured
    centre, scale = rng.uniform(300, 700, (4, 2)), rng.uniform(1.5, 3, 4)
    return {"imgname": np.array(NAMES), "center": centre, "scale": scale, "S": joints, **changes}


def write(folder: Path, **changes: np.ndarray) -> Path:
    np.savez(folder / "h36m_valid_protocol2.npz", **arrays(**changes))
    return folder / "h36m_valid_protocol2.npz"


def test_protocol_2_is_read(tmp_path: Path) -> None:
    data, truth = read_h36m(write(tmp_path), tmp_path / "h36m"), arrays()
    assert [sample.image for sample in data.samples] == [tmp_path / "h36m" / NAMES[0], tmp_path / "h36m" / NAMES[2]]
    assert [dict(sample.groups) for sample in data.samples] == [
        {"subject": "S9", "action": "Directions"},
        {"subject": "S11", "action": "Walking_Dog"},
    ]
    assert "2 rows" in data.notes[0]
    first = data.samples[0]
    assert first.joints is not None and first.pelvis is not None
    np.testing.assert_allclose(first.joints[:13], truth["S"][0, :13, :3], atol=1e-6)
    np.testing.assert_allclose(first.joints[13], truth["S"][0, 18, :3], atol=1e-6)  # the head
    np.testing.assert_allclose(first.pelvis, truth["S"][0, 14, :3], atol=1e-6)
    assert first.centre == pytest.approx(truth["center"][0])
    assert first.side == pytest.approx(200 * truth["scale"][0])
    x, y, width, height = first.box
    assert (x + width / 2, y + height / 2) == pytest.approx(first.centre) and width * 1.25 == pytest.approx(first.side)


def test_bytes_as_names(tmp_path: Path) -> None:
    names = np.array([name.encode() for name in NAMES])
    assert read_h36m(write(tmp_path, imgname=names), tmp_path).samples[0].image == tmp_path / NAMES[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"S": np.ones((4, 17, 3))}, "`S` has shape"),
        ({"S": 1000 * arrays()["S"]}, "metres"),
        ({"S": arrays()["S"] * [1, 1, 1, 0]}, "14 joints"),
        ({"S": arrays()["S"] * np.nan}, "NaN"),
        ({"scale": np.zeros(4)}, "`scale`"),
        ({"center": np.ones((3, 2))}, "`center`"),
        ({"imgname": np.array(["a.jpg"] * 4)}, "row 0"),
        ({"imgname": np.array(NAMES[1:2] * 4)}, "60457274"),
        ({"imgname": np.array(NAMES, dtype=object)}, "cannot be read"),
        ({"imgname": np.zeros(0)}, "no sample"),
    ],
)
def test_other_files_get_a_sentence(tmp_path: Path, changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(BadData, match=message) as error:
        read_h36m(write(tmp_path, **changes), tmp_path)
    assert "h36m_valid_protocol2.npz" in str(error.value)


def test_missing_files_and_keys_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="not there"):
        read_h36m(tmp_path / "none.npz", tmp_path)
    np.savez(tmp_path / "some.npz", imgname=np.array(NAMES))
    with pytest.raises(BadData, match="center"):
        read_h36m(tmp_path / "some.npz", tmp_path)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(BadData, match=r"text\.npz cannot be read"):
        read_h36m(tmp_path / "text.npz", tmp_path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(BadData, match=r"array\.npy cannot be read"):
        read_h36m(tmp_path / "array.npy", tmp_path)


# Human3.6M's joints on a body that faces us, its left at +x: pelvis, right leg, left leg, spine, neck, jaw, head, arms.
X = [0, -0.1, -0.11, -0.12, 0.1, 0.11, 0.12, 0, 0, 0, 0, 0.2, 0.4, 0.6, -0.2, -0.4, -0.6]
NAMES_17 = [
    "pelvis", "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle", "spine", "neck", "jaw",
    "head", "left shoulder", "left elbow", "left wrist", "right shoulder", "right elbow", "right wrist",
]  # fmt: skip
TEMPLATE = torch.tensor([[x, 0.01 * i, 0.0] for i, x in enumerate(X)])


@pytest.mark.parametrize("left_first", [False, True])
def test_the_regressor_is_sorted_by_what_is_left(tmp_path: Path, left_first: bool) -> None:
    order = [0, 4, 5, 6, 1, 2, 3, *range(7, 17)] if left_first else list(range(17))
    np.save(tmp_path / "J.npy", np.eye(17)[order])
    lsp, pelvis = read_h36m_regressor(tmp_path / "J.npy", TEMPLATE)
    assert [NAMES_17[row.argmax()] for row in lsp] == list(LSP_14)
    assert pelvis.argmax(dim=1).tolist() == [0]


@pytest.mark.parametrize(
    "array", [np.eye(16), np.eye(17) * 2, np.eye(17) * np.nan, np.eye(17, dtype=int), np.array([None] * 17)]
)
def test_other_regressors_get_a_sentence(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "J.npy", array)
    with pytest.raises(BadData, match=r"J\.npy"):
        read_h36m_regressor(tmp_path / "J.npy", TEMPLATE)


def test_a_missing_regressor_and_an_archive_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"J\.npy is not there"):
        read_h36m_regressor(tmp_path / "J.npy", TEMPLATE)
    np.savez(tmp_path / "J.npz", a=np.eye(17))
    with pytest.raises(BadData, match="single npy"):
        read_h36m_regressor(tmp_path / "J.npz", TEMPLATE)


def training(**changes: np.ndarray) -> dict[str, np.ndarray]:
    names = [f"images/{s}_Walking.55011271_000001.jpg" for s in ("S1", "S5", "S9", "S8")]
    part = np.concatenate([np.random.default_rng(1).uniform(0, 1000, (4, 24, 2)), np.ones((4, 24, 1))], axis=2)
    part[0, 4, 2] = 0  # the left knee
    return arrays(imgname=np.array(names), part=part) | changes


def test_training_subjects_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "h36m_train.npz", **training())
    data, truth = read_h36m_training(tmp_path, tmp_path / "frames"), training()
    assert [dict(sample.groups)["subject"] for sample in data.samples] == ["S1", "S5", "S8"]
    first = data.samples[0]
    assert first.image == tmp_path / "frames" / truth["imgname"][0] and first.smpl is None
    assert first.focal_length == 1148.63 and first.joints_2d is not None and first.joints is not None
    np.testing.assert_allclose(first.joints_2d[16], truth["part"][0, 0, :2], rtol=1e-5)  # the right ankle
    assert np.isnan(first.joints_2d[[0, 1, 2, 3, 4, 13]]).all() and not np.isnan(first.joints_2d[14]).any()

    rng = np.random.default_rng(2)
    bodies = {"pose": rng.normal(size=(4, 72)), "shape": rng.normal(size=(4, 10))}  # MoSh's, where somebody has them
    np.savez(tmp_path / "h36m_train.npz", **training(**bodies))
    smpl = read_h36m_training(tmp_path).samples[2].smpl
    assert smpl is not None and smpl.gender == "neutral"
    np.testing.assert_allclose(smpl.pose.ravel(), bodies["pose"][3], rtol=1e-5)


def test_other_training_files_get_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "h36m_train.npz"
    np.savez(file, **arrays())
    with pytest.raises(BadData, match="part"):
        read_h36m_training(file)
    np.savez(file, **training(imgname=np.array(["images/S9_Walking.55011271_000001.jpg"] * 4)))
    with pytest.raises(BadData, match="holds no image of S1"):
        read_h36m_training(file)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(BadData, match=r"h36m_train\.npz cannot be read"):
        read_h36m_training(file)
