"""The size of heads in silhouettes that were drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model.body.head import head_size
from model.body.silhouette import Silhouette
from model.joints import BLAZEPOSE_COCO, COCO_JOINTS

SIDE, FOCAL = 256, 500.0
# COCO's joints of a figure that faces us, pixels: trunk 60, thighs and shanks 45 long.
FIGURE = {
    "nose": (128, 46), "left_eye": (131, 42), "right_eye": (125, 42), "left_ear": (136, 42), "right_ear": (120, 42),
    "left_shoulder": (148, 70), "right_shoulder": (108, 70), "left_elbow": (156, 105), "right_elbow": (100, 105),
    "left_wrist": (158, 135), "right_wrist": (98, 135), "left_hip": (140, 130), "right_hip": (116, 130),
    "left_knee": (140, 175), "right_knee": (116, 175), "left_ankle": (140, 220), "right_ankle": (116, 220),
}  # fmt: skip


def size(head: float = 12.0, depths: np.ndarray | None = None, scale: float = 1.0, **moved: tuple[int, int]):
    """Of a figure whose head is a disk about the eyes of such a radius."""
    joints = np.array([{**FIGURE, **moved}[name] for name in COCO_JOINTS], float)
    landmarks = np.full((33, 3), 0.9)
    landmarks[:, :2] = (128, 150)
    landmarks[list(BLAZEPOSE_COCO), :2] = joints
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.rectangle(mask, (100, 66), (156, 225), 1, -1)
    cv2.rectangle(mask, (124, 42), (132, 70), 1, -1)
    cv2.circle(mask, (128, 42), round(head), 1, -1)
    for x, y in moved.values():
        cv2.line(mask, (156, 105), (x, y), 1, 6)
    rays = scale * (landmarks[:, :2] - SIDE / 2) / FOCAL
    to_mask = np.array([[FOCAL / scale, 0, SIDE / 2], [0, FOCAL / scale, SIDE / 2]])
    depth = np.zeros(17) if depths is None else depths
    return head_size(landmarks, depth, rays, Silhouette(mask.astype(float), to_mask))


def test_a_disk_is_measured() -> None:
    """Across it is twice its radius, above the eyes there is half of it; the body's size is 60 + 45 + 45 pixels."""
    for radius in (12.0, 18.0, 24.0):
        across, above = 2 * radius / 150, np.sqrt(np.pi * radius**2 / 2) / 150
        assert size(radius) == pytest.approx(0.5 * (np.log(across) + np.log(above)), abs=0.1)


def test_how_the_photo_is_scaled_does_not_matter() -> None:
    assert size(15, scale=0.2) == pytest.approx(size(15), abs=1e-9)


def test_what_is_not_a_head_alone_tells_nothing() -> None:
    assert size(15, left_wrist=(140, 20)) is None  # a raised arm
    assert size(60) is None  # as wide as what is looked at
    assert size(2) is None  # few pixels
    assert size(15, nose=(128, 46), left_eye=(131, 66), right_eye=(125, 66), left_ear=(136, 66)) is None  # bent over


def test_whose_body_is_not_seen_whole_or_points_to_the_camera_has_no_size() -> None:
    depths = np.zeros(17)
    depths[15] = np.nan
    assert size(15, depths) is None
    depths = np.zeros(17)
    depths[[5, 6]] = 80.0
    assert size(15, depths) is None
