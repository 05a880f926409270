"""COCO's keypoints: `person_keypoints_*.json`. 2D joints alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.errors import BadData
from model.interfaces import CROP_SCALE
from training.images.datasets.base import DatasetPerson, SampleSet, read_json

_FEWEST = 6  # joints: people of fewer say little of a pose
_VISIBLE = 2  # COCO's flag of a joint that is seen; 1 is hidden, 0 not annotated


@dataclass(frozen=True)
class CocoPerson:
    """One person of the file who is no crowd and has at least one joint."""

    file_name: str
    size: tuple[int, int] | None
    """The image's width and height, if the file says."""
    box: tuple[float, float, float, float]
    """x, y, width, height in pixels."""
    keypoints: np.ndarray
    """(17, 3) x, y in the file's pixels, and COCO's flag."""


def read_coco(annotations: Path, images: Path | None = None) -> SampleSet:
    """Reads a split, such as `annotations/person_keypoints_train2017.json`.

    COCO's coordinates count pixels from 0: half a pixel is added, to say where in the picture their middles are.

    Args:
        annotations: the file.
        images: the folder of its images, such as `train2017`.

    Raises:
        BadData: the file is missing or another one.
    """
    samples, few = [], 0
    for person in read_people(annotations):
        flags = person.keypoints[:, 2]
        if (flags > 0).sum() < _FEWEST:
            few += 1
            continue
        x, y, width, height = person.box
        samples.append(
            DatasetPerson(
                image=(images or annotations.parent) / person.file_name,
                centre=(x + width / 2, y + height / 2),
                side=CROP_SCALE * max(width, height),
                size=person.size,
                groups={},
                joints_2d=np.where(flags[:, None] > 0, person.keypoints[:, :2] + 0.5, np.nan).astype(np.float32),
                visible=flags == _VISIBLE,
            )
        )
    if not samples:
        raise BadData(f"{annotations} holds nobody with at least {_FEWEST} joints.")
    notes = (f"{few:,} people with fewer than {_FEWEST} joints are left out.",) if few else ()
    return SampleSet(
        "COCO", f"Everyone with at least {_FEWEST} joints who is no crowd, the file's boxes", samples, notes
    )


def read_people(path: Path) -> list[CocoPerson]:
    """All people of a file in COCO's keypoint format, in the order of their annotations.

    Animals of other data sets have 17 keypoints, too: annotations of categories other than `person` are left out.

    Raises:
        BadData: the file is missing or holds something else, or knows categories and no `person`.
    """
    content, people = read_json(path), []
    try:
        names = {category["id"]: str(category["name"]) for category in content.get("categories", ())}
        others = {number for number, name in names.items() if name.lower() != "person"}
        if names and len(others) == len(names):
            raise BadData(f"{path} has no category `person`, only {', '.join(names.values())}.")
        images = {image["id"]: (_name(image["file_name"]), _size(image)) for image in content["images"]}
        for annotation in content["annotations"]:
            if annotation.get("category_id") in others:
                continue
            points = np.array(annotation["keypoints"], dtype=np.float64).reshape(17, 3)
            box = np.array(annotation["bbox"], dtype=np.float64).reshape(4)
            if not (np.isfinite(points).all() and np.isfinite(box).all() and box[2:].max() > 0):
                raise ValueError(f"annotation {annotation.get('id')} has no finite keypoints and box")
            if annotation.get("iscrowd") or not (points[:, 2] > 0).any():
                continue
            x, y, width, height = box.tolist()
            people.append(CocoPerson(*images[annotation["image_id"]], (x, y, width, height), points))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadData(
            f"{path} is not in COCO's keypoint format ({type(error).__name__}: {error}): it needs `images` and "
            "`annotations` with `bbox` and 17 `keypoints`."
        ) from None
    return people


def _size(image: dict[str, int]) -> tuple[int, int] | None:
    return (image["width"], image["height"]) if "width" in image and "height" in image else None


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no file name")
    return value
