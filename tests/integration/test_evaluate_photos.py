"""Evaluation on photos and footage end to end by its command: the shipped networks on a drawn person."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import weights
from tests.support.evaluation_report import report_of
from tests.support.render import draw_person
from training.bodies.anny import AnnyBody
from training.evaluate import main
from training.images.datasets.joint_sets import LIMBS_IN_COCO, LIMBS_IN_SMPL
from training.rotations import axis_angle_to_matrix

pytestmark = pytest.mark.usefixtures("loads_once")

SIZE, FOCAL, PLACE = (480, 640), 700.0, (0.1, 0.0, 3.2)


@dataclass(frozen=True)
class Photo:
    """A drawn person, and what is true of her."""

    image: np.ndarray
    joints: np.ndarray
    """(17, 3) camera frame, metres, in place."""
    pixels: np.ndarray
    """(17, 2)."""

    @property
    def box(self) -> list[float]:
        low, high = self.pixels.min(axis=0) - 20, self.pixels.max(axis=0) + 20
        return [*low.tolist(), *(high - low).tolist()]


@pytest.fixture(scope="module")
def photo(body: AnnyBody) -> Photo:
    pose = torch.zeros(1, 22, 3)
    pose[0, 0] = torch.tensor([torch.pi / 2, 0, 0])
    pose[0, 16, 2], pose[0, 17, 2] = -0.9, 0.7  # arms down
    pose[0, 1, 0], pose[0, 4, 0] = -0.5, 0.5  # a step with the left leg
    vertices = body.pose(axis_angle_to_matrix(pose), body.mean_shape()[None])[0]
    vertices = vertices @ torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # to the camera's axes
    regressor = torch.from_numpy(body.joint_regressor)
    vertices = vertices - (regressor @ vertices)[[11, 12]].mean(dim=0) + torch.tensor(PLACE)
    joints = (regressor @ vertices).numpy()
    rest = (vertices - torch.tensor(PLACE)).numpy()
    image = draw_person(vertices.numpy(), body.faces, rest, FOCAL, SIZE)
    return Photo(image, joints, FOCAL * joints[:, :2] / joints[:, 2:] + np.array(SIZE) / 2)


@pytest.fixture(scope="module")
def shipped() -> str:
    return str(weights.path("anny-tiny"))


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def test_photos_by_the_command(photo: Photo, shipped: str, tmp_path: Path) -> None:
    save(tmp_path / "one.png", photo.image)
    save(tmp_path / "two.png", photo.image)
    keypoints = np.concatenate([photo.pixels, np.full((17, 1), 2)], axis=1)
    away = {"id": 2, "image_id": 1, "bbox": [0, 0, 60, 90], "keypoints": [30, 40, 2] * 17}  # where nobody is
    here = {"id": 1, "image_id": 1, "bbox": photo.box, "keypoints": keypoints.ravel().tolist()}
    coco = {"images": [{"id": 1, "file_name": "one.png"}], "annotations": [away, here]}
    (tmp_path / "keypoints.json").write_text(json.dumps(coco))
    names = [f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in "lr"]
    entry = {"image": "two.png", "joint_names": names, "K": [[FOCAL, 0, 240], [0, FOCAL, 320], [0, 0, 1]]}
    entry |= {"joints_cam_m": photo.joints[5:].tolist(), "joints_2d_px": photo.pixels[5:].tolist()}
    (tmp_path / "joints3d.json").write_text(json.dumps([entry]))
    data = ["--photos", str(tmp_path), "--seen-by", "backbone", "landmarks"]
    main([*data, "--checkpoint", shipped, "--output", str(tmp_path / "out"), "--device", "cpu"])
    tables = report_of(tmp_path / "out")
    row = next(cells for name, cells in tables["photos"].items() if name == "one.png")
    found, pck = (next(v for k, v in row.items() if k.endswith(end)) for end in ("found", "PCK@0.1"))
    assert row["people"] == 2 and found == 1
    assert 40 < pck <= 50  # nearly all of hers, and none of the one who is missing
    errors = [value for key, value in tables["limbs_3d"]["two.png"].items() if key != "name"]
    assert 0 < errors[0] < 90 and 0 < errors[1] < 160  # millimetres; the mean pose is at 190 and 300
    both, raw, backbone, landmarks = errors[::2]  # PA-MPJPE
    assert abs(backbone - landmarks) > 1 and raw != both
    assert min(abs(both - backbone), abs(both - landmarks)) < 0.5  # hands that are seen turn wrists of the first alone
    assert len(list((tmp_path / "out" / "photos").rglob("*.jpg"))) == 2 * 4


def test_footage_and_photos_in_one_table(photo: Photo, shipped: str, tmp_path: Path) -> None:
    """A film in which nobody moves, before a camera at the world's origin; the photo without annotations."""
    film, output = tmp_path / "footage" / "videos" / "cam.mp4", tmp_path / "out"
    film.parent.mkdir(parents=True)
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"mp4v"), 10, SIZE)
    for _ in range(4):
        writer.write(np.ascontiguousarray(photo.image[..., ::-1]))
    writer.release()
    camera = np.array([[FOCAL, 0, 239.5], [0, FOCAL, 319.5], [0, 0, 1]])
    np.savez(
        tmp_path / "footage" / "truth.npz", joints=np.stack([photo.joints[5:]] * 4), K=camera[None],
        dist=np.zeros((1, 5)), R=np.eye(3)[None], t=np.zeros((1, 3)),
    )  # fmt: skip
    save(tmp_path / "photos" / "one.png", photo.image)
    data = ["--footage", str(tmp_path / "footage"), "--photos", str(tmp_path / "photos"), "--every", "3"]
    main([*data, "--checkpoint", shipped, "--output", str(output), "--device", "cpu", "--max-people", "1"])
    summary = report_of(output)["summary"]
    photos, _, footage, raw = summary.values()
    assert [name.split(": ")[0] for name in summary] == ["photos", "photos", "footage", "footage"]
    assert list(summary)[3].endswith("raw") and 0 < raw["PA-MPJPE"] < 90
    assert footage["found, %"] == 100 and 0 < footage["PA-MPJPE"] < 90 and 0 < footage["MPJPE"] < 160
    assert photos["PCK@0.05"] is None
    rows = report_of(output / "footage")["scores"]
    assert [row["frames"] for row in rows.values()] == [2, 2, 2, 2]  # the camera's, and all
    assert all(row["2D seen, px"] < 15 and row["2D projected, px"] < 15 for row in rows.values())


def test_h36m_by_the_command(photo: Photo, shipped: str, tmp_path: Path) -> None:
    name = "images/S9_Walking_1.60457274_000001.jpg"
    save(tmp_path / name, photo.image)
    points = np.zeros((1, 24, 4))
    points[0, :12, :3], points[..., 3] = photo.joints[list(LIMBS_IN_COCO)], 1
    points[..., :3] -= photo.joints[[11, 12]].mean(axis=0)
    x, y, width, height = photo.box
    centre, scale = [[x + width / 2, y + height / 2]], [1.1 * max(width, height) / 200]
    np.savez(tmp_path / "p2.npz", imgname=np.array([name]), center=np.array(centre), scale=np.array(scale), S=points)
    main(["--h36m", str(tmp_path / "p2.npz"), "--checkpoint", shipped, "--output", str(tmp_path / "out")])
    rows = report_of(tmp_path / "out")["scores"]
    assert [name.split(", ")[1:] for name in rows] == [[], ["raw"]]
    for row in rows.values():
        assert row["joints"] == 12 and row["PA-MPJPE"] < 90 and row["PA-MPJPE"] < row["MPJPE"] < 160
    assert "not the field's protocol" in (tmp_path / "out/report.md").read_text()
    assert len(list((tmp_path / "out").glob("*.png"))) == 2 * 2


def test_3dpw_by_the_command(photo: Photo, shipped: str, tmp_path: Path) -> None:
    """The official layout, without SMPL's files: its camera stands on its head in the world."""
    save(tmp_path / "imageFiles/walk/image_00000.jpg", photo.image)
    turn = np.diag([1.0, -1, -1])
    joints = np.zeros((24, 3))
    joints[list(LIMBS_IN_SMPL)] = photo.joints[list(LIMBS_IN_COCO)] @ turn  # world = turn^-1 camera
    seen = np.concatenate([photo.pixels.T, np.ones((1, 17))])
    camera = np.eye(4)
    camera[:3, :3] = turn
    content = {
        "sequence": "walk", "genders": ["f"], "poses": [np.zeros((1, 72))], "betas": [np.zeros(10)],
        "poses2d": [np.concatenate([seen, seen[:, :1]], axis=1)[None]], "jointPositions": [joints.reshape(1, 72)],
        "cam_poses": camera[None], "cam_intrinsics": np.diag([FOCAL, FOCAL, 1]), "campose_valid": [np.ones(1)],
    }  # fmt: skip
    (tmp_path / "sequenceFiles/test").mkdir(parents=True)
    (tmp_path / "sequenceFiles/test/walk.pkl").write_bytes(pickle.dumps(content, 2))
    main(["--3dpw", str(tmp_path), "--checkpoint", shipped, "--output", str(tmp_path / "out")])
    rows = report_of(tmp_path / "out")["scores"]
    assert [name.split(", ")[1:] for name in rows] == [[], ["raw"]]
    for row in rows.values():
        assert row["joints"] == 12 and row["PA-MPJPE"] < 90 and row["PA-MPJPE"] < row["MPJPE"] < 160
