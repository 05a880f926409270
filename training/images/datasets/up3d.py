"""UP-3D (Lassner et al., CVPR 2017), as `up-3d.zip` unpacks: SMPL bodies fitted to photos, with 2D joints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from model.errors import BadData
from training.images.datasets.base import DatasetPerson, SampleSet, SmplParameters, limbs_to_coco
from training.safe_pickle import plain, read_plain_pickle

_CROP = 1.2  # times the longer side of the box around the 2D joints, as SPIN crops
_SPLITS = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}
_FEWEST = 6  # joints
_SIZES = {"pose": 72, "betas": 10, "rt": 3, "f": 1}


def read_up3d(folder: Path, images: Path | None = None, split: str = "train") -> SampleSet:
    """Reads one split.

    The camera's principal point is the middle of the picture; its rotation `rt` is turned into the body's.

    Args:
        folder: holds `train.txt`, `val.txt` and `test.txt`, and `00000_image.png`, `00000_body.pkl` and
            `00000_joints.npy` for each number.
        images: the folder of the pictures, where it is another one.
        split: "train", "validation" or "test".

    Raises:
        BadData: a file is missing or broken; the message names it.
    """
    if split not in _SPLITS:
        raise BadData(f"UP-3D has no split '{split}', only {', '.join(_SPLITS)}.")
    listing = folder / _SPLITS[split]
    try:
        lines = listing.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(
            f"{listing} cannot be read ({error}): give the folder that UP-3D's up-3d.zip unpacks to."
        ) from None
    samples, few = [], 0
    for line in lines:
        name = line.strip().lstrip("/")
        number = name.removesuffix("_image.png")
        if not number.isdigit() or number == name:
            raise BadData(f"{listing} names {line!r}, but UP-3D's lists name images as in /00042_image.png.")
        person = _person(folder, (images or folder) / name, number)
        samples += [person] if person else []
        few += person is None
    if not samples:
        raise BadData(f"{listing} names nobody with at least {_FEWEST} joints.")
    notes = (f"{few:,} people with fewer than {_FEWEST} joints are left out.",) if few else ()
    return SampleSet("UP-3D", f"The {split} split, crops of {_CROP} times the box of the 2D joints", samples, notes)


def _person(folder: Path, image: Path, number: str) -> DatasetPerson | None:
    pixels = _joints(folder / f"{number}_joints.npy")
    known = pixels[2] > 0
    if known.sum() < _FEWEST:
        return None
    file = folder / f"{number}_body.pkl"
    content = read_plain_pickle(file)
    body = {}
    for key, size in _SIZES.items():
        try:
            body[key] = np.asarray(plain(content[key]), dtype=np.float64).ravel()
        except (KeyError, TypeError, ValueError) as error:
            raise BadData(f"{file} has no numbers called {key} ({error}): unpack up-3d.zip again.") from None
        if len(body[key]) != size or not np.isfinite(body[key]).all():
            raise BadData(f"{file}: `{key}` must be {size} finite numbers: unpack up-3d.zip again.")
    if body["f"][0] <= 0:
        raise BadData(f"{file}: the focal length `f` must be above 0.")
    pose = body["pose"].reshape(24, 3).copy()
    pose[0] = (Rotation.from_rotvec(body["rt"]) * Rotation.from_rotvec(pose[0])).as_rotvec()
    points = pixels[:2, known]
    low, high = points.min(axis=1), points.max(axis=1)
    x, y = ((low + high) / 2).tolist()
    width, height = _size(image)
    return DatasetPerson(
        image=image,
        centre=(x, y),
        side=_CROP * max(2.0, float((high - low).max())),
        groups={},
        focal_length=float(body["f"][0]),
        principal_point=(width / 2, height / 2),
        smpl=SmplParameters(pose.astype(np.float32), body["betas"].astype(np.float32), "neutral"),
        joints_2d=limbs_to_coco(np.where(known, pixels[:2], np.nan).T[:12]),
    )


def _joints(file: Path) -> np.ndarray:
    """(3, 14) x, y and whether it is known, in LSP's order."""
    try:
        values = np.load(file, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise BadData(f"{file} cannot be read ({error}): unpack up-3d.zip again.") from None
    fits = isinstance(values, np.ndarray) and values.ndim == 2 and len(values) >= 3 and values.shape[1] == 14
    if not fits or values.dtype.kind not in "fiu" or not np.isfinite(values[:3]).all():
        raise BadData(f"{file} must hold x, y and confidence of LSP's 14 joints: unpack up-3d.zip again.")
    joints: np.ndarray = values[:3].astype(np.float64)
    return joints


def _size(image: Path) -> tuple[int, int]:
    try:
        with Image.open(image) as header:  # reads no pixels
            return header.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadData(f"{image} cannot be read as an image ({error}): unpack up-3d.zip again.") from None
