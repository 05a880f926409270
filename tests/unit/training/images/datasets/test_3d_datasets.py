"""Readers of image data sets in 3D, each on a miniature of its official format; what is broken gets a sentence."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from model.errors import BadData
from model.joints import COCO_JOINTS
from tests.support.dataset_files import check_camera, dump, limb, place_of, project
from training.images.datasets.joint_sets import LIMBS
from training.images.datasets.mpi_inf_3dhp import read_mpi_inf_3dhp
from training.images.datasets.muco import read_muco
from training.images.datasets.up3d import read_up3d

# MuCo-3DHP

MUCO_NAMES = (
    "Head_top", "Thorax", "R_Shoulder", "R_Elbow", "R_Wrist", "L_Shoulder", "L_Elbow", "L_Wrist", "R_Hip", "R_Knee",
    "R_Ankle", "L_Hip", "L_Knee", "L_Ankle", "Pelvis", "Spine", "Head", "R_Hand", "L_Hand", "R_Toe", "L_Toe",
)  # fmt: skip
CAMERA = (1500.0, (1030.0, 1020.0))


def muco_places(names: tuple[str, ...], shift: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    return np.array([place_of(limb(name)) if limb(name) in LIMBS else [0.0, 0, 3] for name in names]) + shift


def muco(*shifts: tuple[float, float, float], **changes: Any) -> dict[str, Any]:
    people = []
    for number, shift in enumerate(shifts):
        places = muco_places(MUCO_NAMES, shift)
        visible = [1] * 21
        visible[MUCO_NAMES.index("R_Knee")] = 0
        people.append(
            {
                "id": number, "image_id": 3, "bbox": [800, 700, 300, 500], "keypoints_vis": visible,
                "keypoints_img": project(places, *CAMERA).tolist(), "keypoints_cam": (1000 * places).tolist(),
                **changes,
            }
        )  # fmt: skip
    picture = {"id": 3, "file_name": "augmented_set/1.jpg", "f": [1500.0] * 2, "c": list(CAMERA[1])}
    return {"images": [{**picture, "width": 2048, "height": 2048}], "annotations": people}


def test_muco(tmp_path: Path) -> None:
    file = dump(tmp_path / "MuCo-3DHP.json", muco((0, 0, 0), (0.2, 0, 2), (-1.5, 0, 1), (1.5, 0, 2)))
    data = read_muco(file)
    assert len(data.samples) == 3 and "1 people" in data.notes[0]  # the second stands behind the first
    person = data.samples[0]
    assert person.image == tmp_path / "augmented_set" / "1.jpg" and person.side == 625
    check_camera(person)
    assert person.visible is not None and person.visible.sum() == 11
    assert not person.visible[COCO_JOINTS.index("right_knee")]


@pytest.mark.parametrize(
    "content",
    [
        [], {}, muco((0, 0, 0), keypoints_cam=[[0, 0, 0]] * 20), muco((0, 0, 0), bbox=[0, 0, -1, -1]),
        muco((0, 0, -9)), muco((0, 0, 0), image_id=8), muco((0, 0, 0), keypoints_img=[[None, 0]] * 21), muco(),
    ],
)  # fmt: skip
def test_other_muco_files(tmp_path: Path, content: object) -> None:
    with pytest.raises(BadData, match=r"MuCo-3DHP\.json"):
        read_muco(dump(tmp_path / "MuCo-3DHP.json", content))


# MPI-INF-3DHP

MPI_NAMES = (
    "spine3", "spine4", "spine2", "spine", "pelvis", "neck", "head", "head_top", "left_clavicle", "left_shoulder",
    "left_elbow", "left_wrist", "left_hand", "right_clavicle", "right_shoulder", "right_elbow", "right_wrist",
    "right_hand", "left_hip", "left_knee", "left_ankle", "left_foot", "left_toe", "right_hip", "right_knee",
    "right_ankle", "right_foot", "right_toe",
)  # fmt: skip


def mpi_inf(folder: Path, frames: int = 11, cameras: int = 14, **changes: Any) -> Path:
    place = folder / "S1" / "Seq1"
    place.mkdir(parents=True, exist_ok=True)
    cells: dict[str, Any] = {}
    for key, axes in (("annot2", 2), ("annot3", 3)):
        cells[key] = np.empty((14, 1), object)
        for camera in range(14):
            places = np.repeat(muco_places(MPI_NAMES)[None], frames, axis=0)
            values = 1000 * places if axes == 3 else project(places, 1500 + camera, (1030.0, 1020.0 + camera))
            cells[key][camera, 0] = values.reshape(frames, -1)
    savemat(place / "annot.mat", {**cells, **changes})
    lines = ["Skeletool Camera Calibration File V1.0"]
    for camera in range(cameras):
        focal = 1500 + camera
        matrix = [focal, 0, 1030, 0, 0, focal, 1020 + camera, 0, 0, 0, 1, 0, 0, 0, 0, 1]
        lines += [f"name          {camera}", "  sensor      10 10", "  size        2048 2048", "  animated    0"]
        lines += ["  intrinsic   " + " ".join(map(str, matrix)) + " ", "  extrinsic   " + "1 " * 16, "  radial      0"]
    (place / "camera.calibration").write_text("\n".join(lines))
    return folder


def test_mpi_inf_3dhp(tmp_path: Path) -> None:
    data = read_mpi_inf_3dhp(mpi_inf(tmp_path), tmp_path / "frames")
    assert len(data.samples) == 2 * 8  # frames 0 and 10, eight cameras
    last = data.samples[-1]
    assert last.image == tmp_path / "frames/S1/Seq1/imageFrames/video_8/frame_000011.jpg"
    assert last.focal_length == 1508 and last.principal_point == (1030, 1028) and last.groups["subject"] == "S1"
    for person in data.samples:
        check_camera(person)


def test_other_mpi_inf_3dhp_files(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"holds no S1/Seq1/annot\.mat"):
        read_mpi_inf_3dhp(tmp_path)
    with pytest.raises(BadData, match=r"calibration lacks the cameras 6, 7, 8"):
        read_mpi_inf_3dhp(mpi_inf(tmp_path, cameras=6))
    with pytest.raises(BadData, match=r"annot\.mat: `annot2` has no 28 joints of camera 0"):
        read_mpi_inf_3dhp(mpi_inf(tmp_path, annot2=np.zeros((3, 7))))
    calibration = mpi_inf(tmp_path) / "S1" / "Seq1" / "camera.calibration"
    calibration.write_text(calibration.read_text().replace("intrinsic   1500", "intrinsic   x"))
    with pytest.raises(BadData, match=r"camera\.calibration cannot be read"):
        read_mpi_inf_3dhp(tmp_path)
    (tmp_path / "S1" / "Seq1" / "annot.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    with pytest.raises(BadData, match=r"annot\.mat"):
        read_mpi_inf_3dhp(tmp_path)


# UP-3D


def up3d(folder: Path, **changes: Any) -> Path:
    rng = np.random.default_rng(0)
    body = {"pose": rng.normal(0, 0.3, 72), "betas": rng.normal(size=10), "trans": np.zeros(3), "f": 5000.0}
    body |= {"rt": np.array([0.1, 0.2, 0.3]), "t": np.array([0.0, 0.1, 20]), **changes}
    (folder / "00042_body.pkl").write_bytes(pickle.dumps(body, 2))
    joints = np.stack([np.arange(14) * 10.0, np.arange(14) * 7.0, np.arange(14) != 3])
    np.save(folder / "00042_joints.npy", joints)
    cv2.imwrite(str(folder / "00042_image.png"), np.zeros((120, 200, 3), np.uint8))
    (folder / "train.txt").write_text("/00042_image.png\n")
    return folder


def test_up3d(tmp_path: Path) -> None:
    (person,) = read_up3d(up3d(tmp_path)).samples
    assert person.image == tmp_path / "00042_image.png"
    assert person.focal_length == 5000 and person.principal_point == (100, 60)
    assert person.centre == (65, 45.5) and person.side == pytest.approx(1.2 * 130)
    assert person.joints_2d is not None and person.smpl is not None and person.smpl.gender == "neutral"
    for row, name in enumerate(LIMBS):
        found = person.joints_2d[COCO_JOINTS.index(name.replace(" ", "_"))]
        assert np.isnan(found).all() if row == 3 else found.tolist() == [10 * row, 7 * row]
    pose = np.random.default_rng(0).normal(0, 0.3, 72).reshape(24, 3)
    turned = Rotation.from_rotvec([0.1, 0.2, 0.3]).as_matrix() @ Rotation.from_rotvec(pose[0]).as_matrix()
    np.testing.assert_allclose(Rotation.from_rotvec(person.smpl.pose[0]).as_matrix(), turned, atol=1e-6)
    np.testing.assert_allclose(person.smpl.pose[1:], pose[1:], atol=1e-6)


def _spoil_list(folder: Path) -> None:
    (folder / "train.txt").write_text("../../etc/passwd\n")


def _spoil_joints(folder: Path) -> None:
    np.save(folder / "00042_joints.npy", np.zeros((3, 13)))


def _spoil_pickle(folder: Path) -> None:
    (folder / "00042_body.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_spoil_list, r"train\.txt names"),
        (_spoil_joints, r"00042_joints\.npy must hold"),
        (_spoil_pickle, r"asks for `os\.system`"),
        (lambda folder: up3d(folder, f=-1.0), r"00042_body\.pkl: the focal length"),
        (lambda folder: up3d(folder, pose=np.zeros(69)), r"00042_body\.pkl: `pose` must be 72"),
        (lambda folder: (folder / "00042_image.png").unlink(), r"00042_image\.png cannot be read"),
        (lambda folder: (folder / "train.txt").unlink(), r"train\.txt cannot be read"),
    ],
)
def test_other_up3d_files(tmp_path: Path, spoil: Callable[[Path], object], sentence: str) -> None:
    spoil(up3d(tmp_path))
    with pytest.raises(BadData, match=sentence):
        read_up3d(tmp_path)
