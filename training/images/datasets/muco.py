"""MuCo-3DHP, composed and annotated as 3DMPPE offers it: `MuCo-3DHP.json`. 2D and 3D joints with the camera."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model.errors import BadData
from model.interfaces import CROP_SCALE
from training.images.datasets.base import (
    DatasetPerson,
    SampleSet,
    limbs_to_coco,
    middle_of_hips,
    read_json,
)

_JOINTS = 21
_LIMBS = (10, 9, 8, 11, 12, 13, 4, 3, 2, 5, 6, 7)  # LSP's order
_PELVIS = 14
_APART = 0.5  # metres


def read_muco(annotations: Path, images: Path | None = None) -> SampleSet:
    """Reads the whole set, which is for training.

    The people are pasted into each picture; as 3DMPPE does, of those who stand within half a metre of one another, seen
    from the camera, only the one nearest to the camera is taken, since the others may be hidden altogether.

    Args:
        annotations: `MuCo-3DHP.json`: `images` with `file_name`, `f` and `c`; `annotations` with `bbox`,
            `keypoints_img` (21, 2) pixels, `keypoints_cam` (21, 3) millimetres, `keypoints_vis` (21).
        images: the folder that the file names start from; where it is not given, the file's.

    Raises:
        BadData: the file is missing or another one.
    """
    content = read_json(annotations)
    people: dict[object, list[DatasetPerson]] = defaultdict(list)
    depths: dict[object, list[np.ndarray]] = defaultdict(list)
    try:
        pictures = {picture["id"]: picture for picture in content["images"]}
        for annotation in content["annotations"]:
            picture = pictures[annotation["image_id"]]
            where = f"annotation {annotation.get('id')}"
            pixels = _numbers(annotation["keypoints_img"], (_JOINTS, 2), where)
            places = _numbers(annotation["keypoints_cam"], (_JOINTS, 3), where) / 1000
            shown = _numbers(annotation["keypoints_vis"], (_JOINTS,), where) > 0
            x, y, width, height = _numbers(annotation["bbox"], (4,), where).tolist()
            focal, point = _numbers(picture["f"], (2,), where), _numbers(picture["c"], (2,), where)
            limbs = places[list(_LIMBS)].astype(np.float32)
            if max(width, height) <= 0 or focal.min() <= 0 or places[:, 2].min() <= 0:
                raise ValueError(f"{where}: box and focal length must be above 0, and joints before the camera")
            visible = limbs_to_coco(shown[list(_LIMBS), None].astype(np.float32))[:, 0] > 0  # NaN is not
            person = DatasetPerson(
                image=(images or annotations.parent) / str(picture["file_name"]),
                centre=(x + width / 2, y + height / 2),
                side=CROP_SCALE * max(width, height),
                groups={},
                focal_length=float(focal.mean()),
                principal_point=(float(point[0]), float(point[1])),
                joints=limbs,
                joints_2d=limbs_to_coco(pixels[list(_LIMBS)]),
                visible=visible,
                translation=middle_of_hips(limbs),
            )
            people[annotation["image_id"]].append(person)
            depths[annotation["image_id"]].append(places[_PELVIS])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadData(
            f"{annotations} is not in 3DMPPE's layout of MuCo-3DHP ({type(error).__name__}: {error}): give its "
            "MuCo-3DHP.json."
        ) from None
    samples = [people[picture][row] for picture in people for row in _in_view(depths[picture])]
    if not samples:
        raise BadData(f"{annotations} holds nobody.")
    left_out = sum(map(len, people.values())) - len(samples)
    notes = (f"{left_out:,} people who stand behind others are left out.",) if left_out else ()
    return SampleSet("MuCo-3DHP", "Everyone who stands clear of others, the file's boxes", samples, notes)


def _in_view(pelvises: Sequence[np.ndarray]) -> list[int]:
    """The nearest person, and those who are clear of everyone nearer and farther."""
    places = np.stack(pelvises)  # (P, 3)
    nearest = int(places[:, 2].argmin())
    across = np.linalg.norm(places[:, None, :2] - places[None, :, :2], axis=-1)
    np.fill_diagonal(across, np.inf)
    return [row for row in range(len(places)) if row == nearest or across[row].min() >= _APART]


def _numbers(value: object, shape: tuple[int, ...], where: str) -> np.ndarray:
    array = np.array(value, dtype=np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{where}: expected finite numbers of shape {shape}, not {array.shape}")
    return array
