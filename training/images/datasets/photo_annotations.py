"""Annotated photos: COCO-style `keypoints.json`, and `joints3d.json` where 3D joints were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.errors import BadData
from training.images.datasets.base import read_json
from training.images.datasets.coco import read_people
from training.images.datasets.joint_sets import LIMBS
from training.images.datasets.plausible import LEGS, leg_length

KEYPOINTS, JOINTS_3D = "keypoints.json", "joints3d.json"
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png")
_SIDES = {"l": "left", "r": "right"}
_LARGEST = 100.0  # metres from the camera: beyond, it must be millimetres


@dataclass(frozen=True)
class AnnotatedPerson:
    """Where a person's joints are in a photo."""

    box: tuple[float, float, float, float]
    """x, y, width, height in pixels."""
    keypoints: np.ndarray
    """(17, 2) pixels, COCO's order."""
    annotated: np.ndarray
    """(17,) bool: which of them are known, seen or hidden."""

    @property
    def size(self) -> float:
        """The longer side of the box, pixels."""
        return max(self.box[2:])


@dataclass(frozen=True)
class Measured3D:
    """A person's limb joints as they were measured."""

    joints: np.ndarray
    """(12, 3) metres, camera frame, LSP's order."""
    joints_2d: np.ndarray
    """(12, 2) pixels."""
    focal_length: float
    """Pixels."""


@dataclass(frozen=True)
class AnnotatedPhoto:
    """One photo and what is known of it."""

    path: Path
    people: Sequence[AnnotatedPerson]
    measured: Measured3D | None
    size: tuple[int, int] | None
    """Width and height that the annotations are for, if they say so."""


def read_photos(folder: Path) -> list[AnnotatedPhoto]:
    """All photos of a folder in the order of their names, annotated or not.

    Raises:
        BadData: there is no photo, or an annotation file is not what it should be.
    """
    if not folder.is_dir():
        raise BadData(f"{folder} is not a folder: give one with photos, {KEYPOINTS} and maybe {JOINTS_3D}.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_ENDINGS)
    if not paths:
        raise BadData(f"{folder} holds no photo ({', '.join(IMAGE_ENDINGS)}).")
    people, sizes = _read_keypoints(folder / KEYPOINTS)
    measured = _read_joints_3d(folder / JOINTS_3D)
    missing = sorted((people.keys() | measured.keys()) - {path.name for path in paths})
    if missing:
        raise BadData(f"{folder} lacks {', '.join(missing)}, which its annotations name: copy them there.")
    return [
        AnnotatedPhoto(path, people.get(path.name, ()), measured.get(path.name), sizes.get(path.name)) for path in paths
    ]


def _read_keypoints(path: Path) -> tuple[dict[str, list[AnnotatedPerson]], dict[str, tuple[int, int]]]:
    """The people, and the size, of each image by its file name."""
    people: dict[str, list[AnnotatedPerson]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for person in read_people(path) if path.exists() else ():
        annotated = AnnotatedPerson(person.box, person.keypoints[:, :2], person.keypoints[:, 2] > 0)
        people.setdefault(person.file_name, []).append(annotated)
        if person.size:
            sizes[person.file_name] = person.size
    return people, sizes


def _read_joints_3d(path: Path) -> dict[str, Measured3D]:
    """By the image's file name."""
    found = {}
    entries = read_json(path) if path.exists() else []
    try:
        for entry in entries:
            names = [_limb(name) for name in entry["joint_names"]]
            order = [names.index(limb) for limb in LIMBS]
            joints = np.array(entry["joints_cam_m"], dtype=np.float32).reshape(len(names), 3)[order]
            pixels = np.array(entry["joints_2d_px"], dtype=np.float64).reshape(len(names), 2)[order]
            focal = float(entry["K"][0][0])
            if not (np.isfinite(joints).all() and np.isfinite(pixels).all() and focal > 0):
                raise ValueError(f"the joints of {entry['image']} are not finite")
            if np.abs(joints).max() > _LARGEST or not LEGS[0] <= leg_length(joints) <= LEGS[1]:
                raise ValueError(f"the joints of {entry['image']} are not in metres")
            found[entry["image"]] = Measured3D(joints, pixels, focal)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise BadData(
            f"{path} cannot be used ({type(error).__name__}: {error}): it is a list of `image`, `joint_names` with all "
            "limb joints (l_shoulder, r_shoulder, ...), `joints_cam_m`, `joints_2d_px` and `K`."
        ) from None
    return found


def _limb(name: str) -> str:
    """Makes "left hip" of "l_hip"."""
    side, _, joint = name.partition("_")
    return f"{_SIDES.get(side, side)} {joint}"
