"""Human3.6M in the layout of SPIN's preprocessing: `h36m_train.npz`, `h36m_valid_protocol2.npz` and extracted frames.

HMR, GraphCMR, METRO and others train and evaluate on it. `h36m_official.py` makes it out of the official files.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from model.errors import BadData
from training.images.datasets.base import (
    DatasetPerson,
    SampleSet,
    SmplParameters,
    limbs_to_coco,
    npz_keys,
    read_npz,
    text,
)
from training.images.datasets.h36m_official import FRONTAL, NPZ_NAME, SUBJECTS, TRAINING_NPZ, TRAINING_SUBJECTS

_NAME = re.compile(r"(S\d+)_(.+)\.(\d{8})_\d+\.\w+$")  # S9_Directions_1.60457274_000001.jpg
_LSP_IN_S = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18)
_PELVIS_IN_S = 14
_LARGEST = 5.0  # metres from the root: beyond, it must be millimetres
# Focal length and principal point of the four cameras, pixels, as Human3.6M gives them (both axes' focal lengths are
# within 0.2 %; the lenses' distortion, up to some pixels in the corners, is left out).
_CAMERAS = {
    "54138969": (1144.42, (512.54, 515.45)),
    "55011271": (1148.63, (508.85, 508.06)),
    "58860488": (1148.97, (519.82, 501.40)),
    "60457274": (1145.14, (514.97, 501.88)),
}


def read_h36m(annotations: Path, images: Path | None = None) -> SampleSet:
    """Reads protocol 2: subjects S9 and S11, frontal camera, the frames that the file holds (each fifth in SPIN's).

    The crop is the file's; in SPIN's 0.9 times the longer side of the official box.

    Args:
        annotations: npz with `imgname`, `center`, `scale` and `S` (N, 24, 4), metres in the camera frame.
            A folder stands for the npz in it.
        images: the folder that `imgname` starts from; where it is not given, the one of the npz.

    Raises:
        BadData: the file is another one, or nothing in it belongs to protocol 2.
    """
    annotations = _file(annotations, NPZ_NAME)
    data = read_npz(annotations, {"imgname": (), "center": (2,), "scale": (), "S": (24, 4)})
    names = [text(name) for name in data["imgname"]]
    samples = []
    for row, name in enumerate(names):
        subject, action, camera = _parts(annotations, row, name)
        if subject in SUBJECTS and camera == FRONTAL:
            place = (images or annotations.parent) / name
            samples.append(_person(annotations, data, row, place, {"subject": subject, "action": action}))
    if not samples:
        raise BadData(f"{annotations} holds no image of S9 or S11 by camera {FRONTAL}, which protocol 2 asks for.")
    left_out = len(names) - len(samples)
    notes = (f"{left_out:,} rows of other subjects or cameras are no part of protocol 2.",) if left_out else ()
    return SampleSet("Human3.6M", "Protocol 2: S9 and S11, frontal camera, the given crops", samples, notes)


def read_h36m_training(annotations: Path, images: Path | None = None) -> SampleSet:
    """Reads the training subjects S1, S5, S6, S7 and S8, all four cameras.

    Args:
        annotations: npz with the keys of `read_h36m` and `part` (N, 24, 3), the joints in pixels and whether they are
            known; `pose` (N, 72) and `shape` (N, 10), SMPL's parameters from MoSh, are used where they are there. A
            folder stands for the npz in it.
        images: see `read_h36m`.

    Raises:
        BadData: the file is another one, or holds no training subject.
    """
    annotations = _file(annotations, TRAINING_NPZ)
    shapes: dict[str, tuple[int | None, ...]] = {"imgname": (), "center": (2,), "scale": (), "S": (24, 4)}
    bodies = {"pose": (72,), "shape": (10,)}
    with_bodies = bodies.keys() <= npz_keys(annotations)
    data = read_npz(annotations, shapes | {"part": (24, 3)} | (bodies if with_bodies else {}))
    samples = []
    for row, name in enumerate(text(name) for name in data["imgname"]):
        subject, action, camera = _parts(annotations, row, name)
        if subject not in TRAINING_SUBJECTS or camera not in _CAMERAS:
            continue
        place = (images or annotations.parent) / name
        person = _person(annotations, data, row, place, {"subject": subject, "action": action})
        part = data["part"][row][list(_LSP_IN_S[:12])]
        focal, point = _CAMERAS[camera]
        smpl = None
        if with_bodies:
            pose, shape = (data[key][row].astype(np.float32) for key in bodies)
            smpl = SmplParameters(pose.reshape(24, 3), shape, "neutral")
        samples.append(
            replace(
                person,
                focal_length=focal,
                principal_point=point,
                joints_2d=limbs_to_coco(np.where(part[:, 2:] > 0, part[:, :2], np.nan)),
                smpl=smpl,
            )
        )
    if not samples:
        raise BadData(f"{annotations} holds no image of {', '.join(TRAINING_SUBJECTS)}: is it {TRAINING_NPZ}?")
    return SampleSet("Human3.6M", "S1, S5, S6, S7 and S8, four cameras, the given crops", samples)


def _file(path: Path, name: str) -> Path:
    if path.is_dir() and not (path / name).is_file():
        split = "train" if name == TRAINING_NPZ else "test"
        raise BadData(
            f"{path} is a folder without {name}. Make that out of Human3.6M's official files: "
            f"python -m training.images.datasets.h36m_official --split {split} {path} path/to/output"
        )
    return path / name if path.is_dir() else path


def _parts(annotations: Path, row: int, name: str) -> tuple[str, str, str]:
    """Subject, action and camera."""
    parts = _NAME.search(name)
    if parts is None:
        raise BadData(
            f"{annotations}: row {row} is called {name!r}, but SPIN's preprocessing calls images as in "
            "S9_Directions_1.60457274_000001.jpg."
        )
    subject, action, camera = parts.groups()
    return subject, re.sub(r"_\d+$", "", action), camera


def _person(
    annotations: Path, data: dict[str, np.ndarray], row: int, image: Path, groups: dict[str, str]
) -> DatasetPerson:
    points = data["S"][row].astype(np.float32)
    used = [*_LSP_IN_S, _PELVIS_IN_S]
    if not (points[used, 3] > 0).all() or np.abs(points[used, :3]).max() > _LARGEST:
        raise BadData(
            f"{annotations}: `S` in row {row} ({image.name}) must hold all 14 joints and the pelvis, in metres."
        )
    if not data["scale"][row] > 0:
        raise BadData(f"{annotations}: `scale` in row {row} ({image.name}) must be above 0.")
    return DatasetPerson(
        image=image,
        centre=(float(data["center"][row, 0]), float(data["center"][row, 1])),
        side=200 * float(data["scale"][row]),
        groups=groups,
        joints=points[list(_LSP_IN_S), :3],
        pelvis=points[_PELVIS_IN_S, :3],
    )
