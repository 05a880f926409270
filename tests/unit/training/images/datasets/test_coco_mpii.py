"""Readers of image data sets in 2D, each on a miniature of its official format; what is broken gets a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.errors import BadData
from model.joints import COCO_JOINTS
from tests.support.dataset_files import FACE, dump
from training.images.datasets.coco import read_coco
from training.images.datasets.mpii import read_mpii

# COCO


def coco(**changes: Any) -> dict[str, Any]:
    points = np.stack([np.arange(17) * 10, np.arange(17) * 5 + 3, np.full(17, 2)], axis=1)
    points[3] = 0  # not annotated
    points[4, 2] = 1  # hidden
    few = points.copy()
    few[5:, :] = 0
    person = {"id": 1, "image_id": 9, "bbox": [10, 20, 60, 90], "keypoints": points.ravel().tolist(), "iscrowd": 0}
    return {
        "images": [{"id": 9, "file_name": "000000000009.jpg", "width": 640, "height": 480}],
        "annotations": [person, {**person, "keypoints": few.ravel().tolist()}, {**person, "iscrowd": 1}],
        **changes,
    }


def test_coco(tmp_path: Path) -> None:
    data = read_coco(dump(tmp_path / "person_keypoints_train2017.json", coco()), tmp_path / "train2017")
    (person,) = data.samples  # neither the crowd nor who has four joints
    assert person.image == tmp_path / "train2017" / "000000000009.jpg" and "1 people" in data.notes[0]
    assert person.box == pytest.approx((-5, 20, 90, 90)) and person.centre == (40, 65)
    assert person.joints_2d is not None and person.visible is not None
    np.testing.assert_allclose(person.joints_2d[9], [90.5, 48.5])  # the middle of the pixel that COCO counts from 0
    assert np.isnan(person.joints_2d[3]).all() and not np.isnan(person.joints_2d[4]).any()
    assert not person.visible[[3, 4]].any() and person.visible.sum() == 15
    assert person.joints is None and person.smpl is None and person.focal_length is None


@pytest.mark.parametrize(
    "changes", [{"annotations": []}, {"annotations": [{"image_id": 9}]}, {"images": [{"id": 9}]}, {"images": 5}]
)
def test_other_coco_files(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BadData, match=r"c\.json"):
        read_coco(dump(tmp_path / "c.json", coco(**changes)))


def test_animals_of_seventeen_joints_are_nobody(tmp_path: Path) -> None:
    person = coco()["annotations"][0]
    kinds = [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]
    dog, bird = {**person, "category_id": 2}, {**person, "category_id": 2, "keypoints": [1, 1, 2]}
    file = coco(categories=kinds, annotations=[dog, {**person, "category_id": 1}, bird, person])
    assert len(read_coco(dump(tmp_path / "c.json", file)).samples) == 2  # one says nothing of what she is
    with pytest.raises(BadData, match=r"c\.json has no category `person`, only dog"):
        read_coco(dump(tmp_path / "c.json", coco(categories=kinds[1:], annotations=[dog])))


# MPII

MPII_NAMES = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "thorax", "neck", "head",
    "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
)  # fmt: skip


def mpii(**changes: Any) -> dict[str, Any]:
    joints = [[100 + 10 * row, 50 + row] for row in range(16)]
    known = [1] * 16
    joints[15], known[15] = [-1, -1], 0
    entry = {"image": "015601864.jpg", "center": [594, 257], "scale": 3.0, "joints": joints, "joints_vis": known}
    return {**entry, **changes}


def test_mpii(tmp_path: Path) -> None:
    lost = mpii(joints_vis=[0] * 16)
    data = read_mpii(dump(tmp_path / "annot" / "train.json", [mpii(), lost, mpii(center=[-1, -1], scale=-1)]))
    (person,) = data.samples
    assert person.image == tmp_path / "images" / "015601864.jpg" and "2 people" in data.notes[0]
    assert person.centre == (593.5, 256.5 + 45) and person.side == 1.25 * 200 * 3
    assert person.joints_2d is not None
    for row, name in enumerate(MPII_NAMES):
        if name in COCO_JOINTS and name != "left_wrist":
            np.testing.assert_allclose(person.joints_2d[COCO_JOINTS.index(name)], [99.5 + 10 * row, 49.5 + row])
    assert np.isnan(person.joints_2d[[*FACE, COCO_JOINTS.index("left_wrist")]]).all()


@pytest.mark.parametrize(
    "content",
    [{}, [], [5], [{"image": "a.jpg"}], [mpii(joints=[[0, 0]] * 15)], [mpii(image=4)], [mpii(center=["a", 1])]],
)
def test_other_mpii_files(tmp_path: Path, content: object) -> None:
    with pytest.raises(BadData, match=r"train\.json"):
        read_mpii(dump(tmp_path / "train.json", content))
