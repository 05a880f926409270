"""3DPW (von Marcard et al., ECCV 2018): the official sequence files, or SPIN's npz of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from model.errors import BadData
from training.images.datasets.base import (
    DatasetPerson,
    SampleSet,
    SmplParameters,
    limbs_to_coco,
    middle_of_hips,
    read_npz,
    text,
)
from training.images.datasets.joint_sets import LIMBS_IN_SMPL
from training.safe_pickle import plain, read_plain_pickle

_BOX_SCALE = 1.2  # SPIN's: the crop's side over the longer side of the box around the 2D joints
_GENDERS = {"m": "male", "f": "female", "n": "neutral"}
_SHAPE_COUNT = 10
_SPLITS = ("train", "validation", "test")


def read_3dpw(path: Path, images: Path | None = None, split: str = "test") -> SampleSet:
    """Reads one split in either layout.

    Args:
        path: the folder with `sequenceFiles` and `imageFiles`, as 3DPW is unpacked; or SPIN's `3dpw_test.npz`.
        images: the folder that holds `imageFiles`; where it is not given, the one of `path`.
        split: "train", "validation" or "test"; an npz holds one split, which is taken to be this.

    Raises:
        BadData: a file is missing or holds something else.
    """
    if path.is_dir():
        return _read_official(path, images or path, split)
    return _read_npz(path, images or path.parent, split)


def _read_npz(path: Path, images: Path, split: str) -> SampleSet:
    shapes: dict[str, tuple[int | None, ...]] = {"imgname": (), "center": (2,), "scale": (), "gender": ()}
    data = read_npz(path, shapes | {"pose": (72,), "shape": (None,)})
    if not (data["scale"] > 0).all():
        raise BadData(f"{path}: `scale` must be above 0.")
    samples = []
    for row, name in enumerate(text(name) for name in data["imgname"]):
        x, y = data["center"][row].tolist()
        smpl = _parameters(data["pose"][row], data["shape"][row], text(data["gender"][row]), f"{path}, row {row}")
        groups = {"sequence": Path(name).parent.name}
        samples.append(DatasetPerson(images / name, (x, y), 200 * float(data["scale"][row]), groups, smpl=smpl))
    return SampleSet("3DPW", f"The {split} split in SPIN's npz, its crops", samples)


def _read_official(folder: Path, images: Path, split: str) -> SampleSet:
    if split not in _SPLITS:
        raise BadData(f"3DPW has no split '{split}', only {', '.join(_SPLITS)}.")
    place = folder / "sequenceFiles" / split
    files = sorted(place.glob("*.pkl"))
    if not files:
        raise BadData(f"{place} holds no sequence: unpack 3DPW's sequenceFiles.zip and imageFiles.zip into {folder}.")
    samples: list[DatasetPerson] = []
    invalid = unseen = 0
    for file in files:
        for sample in _sequence(file, images):
            if isinstance(sample, DatasetPerson):
                samples.append(sample)
            elif sample == "invalid":
                invalid += 1
            else:
                unseen += 1
    notes = []
    if invalid:
        notes.append(f"{invalid:,} persons in frames whose camera pose 3DPW calls invalid are left out, as it asks.")
    if unseen:
        notes.append(f"{unseen:,} persons without a single 2D joint have no crop and are left out.")
    protocol = f"The {split} split, all frames with a valid camera, crops of 1.2 times the box of the 2D joints"
    return SampleSet("3DPW", protocol, samples, notes)


def _sequence(file: Path, images: Path) -> Iterator[DatasetPerson | str]:
    """The samples of one sequence, person by person, "invalid" or "unseen" for each one without."""
    content = read_plain_pickle(file)
    try:
        data = {key: plain(content[key]) for key in _KEYS}
    except KeyError as error:
        raise BadData(f"{file} lacks {error}, which 3DPW's sequence files have.") from None
    except (TypeError, ValueError) as error:
        raise BadData(f"{file} cannot be read ({error}): unpack 3DPW's sequenceFiles.zip again.") from None
    cameras = _array(file, "cam_poses", data["cam_poses"], (None, 4, 4))
    camera = _array(file, "cam_intrinsics", data["cam_intrinsics"], (3, 3))
    focal, middle = float(camera[[0, 1], [0, 1]].mean()), camera[:2, 2]
    name, frames = text(data["sequence"]), len(cameras)
    per_person = [data[key] for key in ("poses", "betas", "poses2d", "jointPositions", "campose_valid", "genders")]
    if not all(isinstance(values, list) and len(values) == len(per_person[0]) for values in per_person):
        raise BadData(f"{file} does not have a list of the same number of persons under all keys.")
    for person in zip(*per_person, strict=True):
        poses = _array(file, "poses", person[0], (frames, 72))
        betas = _array(file, "betas", person[1], None).reshape(-1)
        seen = _array(file, "poses2d", person[2], (frames, 3, 18))
        joints = _array(file, "jointPositions", person[3], (frames, 72))
        valid = _array(file, "campose_valid", person[4], (frames,))
        gender = text(person[5])
        for frame in range(frames):
            points = seen[frame].T[seen[frame, 2] > 0]
            if not valid[frame] or len(points) == 0:
                yield "unseen" if valid[frame] else "invalid"
                continue
            low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
            turn = cameras[frame, :3, :3]
            pose = poses[frame].copy()
            pose[:3] = (Rotation.from_matrix(turn) * Rotation.from_rotvec(pose[:3])).as_rotvec()
            limbs = (joints[frame].reshape(24, 3) @ turn.T + cameras[frame, :3, 3])[list(LIMBS_IN_SMPL)]
            ahead = bool((limbs[:, 2] > 0).all())  # or else they cannot be seen
            x, y = ((low + high) / 2).tolist()
            yield DatasetPerson(
                image=images / "imageFiles" / name / f"image_{frame:05d}.jpg",
                centre=(x, y),
                side=_BOX_SCALE * max(2.0, float((high - low).max())),
                groups={"sequence": name},
                focal_length=focal,
                joints=limbs.astype(np.float32),
                smpl=_parameters(pose, betas, gender, str(file)),
                # The projected joints: those of the file were found by a network.
                joints_2d=limbs_to_coco(focal * limbs[:, :2] / limbs[:, 2:] + middle) if ahead else None,
                principal_point=(float(middle[0]), float(middle[1])),
                translation=middle_of_hips(limbs).astype(np.float32) if ahead else None,
            )


_KEYS = (
    "sequence", "poses", "betas", "poses2d", "jointPositions", "cam_poses", "cam_intrinsics", "campose_valid",
    "genders",
)  # fmt: skip


def _array(file: Path, key: str, value: Any, shape: tuple[int | None, ...] | None) -> np.ndarray:
    """Finite numbers of a shape, in which None stands for any length."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadData(f"{file}: `{key}` does not hold numbers.") from None
    fits = shape is None or (
        array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape))
    )
    if not fits or not np.isfinite(array).all():
        raise BadData(f"{file}: `{key}` must be finite numbers of shape {shape}, and has shape {array.shape}.")
    return array


def _parameters(pose: np.ndarray, shape: np.ndarray, gender: str, where: str) -> SmplParameters:
    if len(shape) < _SHAPE_COUNT:
        raise BadData(f"{where}: the body shape has {len(shape)} numbers, but SMPL's has {_SHAPE_COUNT}.")
    if gender not in _GENDERS:
        raise BadData(f"{where}: the gender is {gender!r}, but 3DPW's are 'm' and 'f'.")
    first = shape[:_SHAPE_COUNT].astype(np.float32)
    return SmplParameters(pose.reshape(24, 3).astype(np.float32), first, _GENDERS[gender])
