"""What colours somebody wears: they tell people apart whom where they are does not, such as two who cross."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from model.joints import COCO_JOINTS
from model.results import Person

_SEEN = 0.3
"""Confidence from which a joint tells where clothes are."""
_TRUNK = tuple(COCO_JOINTS.index(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip"))
_THIGHS = tuple(tuple(COCO_JOINTS.index(f"{side}_{joint}") for joint in ("hip", "knee")) for side in ("left", "right"))
_ACROSS, _DOWN = np.meshgrid(np.linspace(0.15, 0.85, 8), np.linspace(0.15, 0.85, 12))  # of a trunk, off its outline
_ALONG = np.linspace(0.15, 0.85, 24)  # of a thigh
_BINS = (4, 6, 6)  # of lightness and the two colours of Lab
_PARTS = 2  # trunk and thighs
_LOW, _HIGH = np.array([0.0, -60.0, -60.0]), np.array([100.0, 60.0, 60.0])


def clothing(image: np.ndarray, person: Person) -> np.ndarray | None:
    """How much of the trunk and of the thighs has each colour; None if no trunk is seen.

    Args:
        image: (H, W, 3) uint8 RGB, in which the person was seen.
        person: of it.

    Returns:
        (2, 4, 6, 6) shares by lightness and by Lab's two colours, with a sum of 1 each; zeros for thighs not seen.
    """
    joints, seen = person.keypoints_2d[:, :2], person.keypoints_2d[:, 2] >= _SEEN
    if not seen[list(_TRUNK)].all():
        return None
    left, right, left_hip, right_hip = (joints[joint] for joint in _TRUNK)
    across, down = _ACROSS.reshape(-1, 1), _DOWN.reshape(-1, 1)
    trunk = (1 - down) * ((1 - across) * left + across * right) + down * ((1 - across) * left_hip + across * right_hip)
    legs = [
        joints[hip] + _ALONG[:, None] * (joints[knee] - joints[hip])
        for hip, knee in _THIGHS
        if seen[hip] and seen[knee]
    ]
    return np.stack([_shares(image, trunk), _shares(image, np.concatenate([np.zeros((0, 2)), *legs]))])


def resemblance(some: Sequence[np.ndarray | None], others: Sequence[np.ndarray | None]) -> np.ndarray:
    """(N, M) 0..1, how alike each of some is dressed to each of others; NaN where nobody knows.

    Bhattacharyya's coefficient, in the mean of the parts that both show; 0.5 if there are none.
    """
    unknown = np.full((_PARTS, *_BINS), np.nan)
    one, other = (
        np.stack([unknown if each is None else each for each in group]).reshape(len(group), _PARTS, -1)
        for group in (some, others)
    )
    count = np.sign(one.sum(axis=2)) @ np.sign(other.sum(axis=2)).T  # parts that are not shown are zeros
    alike = np.sqrt(one).reshape(len(one), -1) @ np.sqrt(other).reshape(len(other), -1).T
    return np.where(count == 0, 0.5, alike / np.maximum(count, 1))


def _shares(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(4, 6, 6) of those of the points (N, 2), pixels, that lie in the image."""
    columns, rows = np.floor(points).astype(int).T
    within = (columns >= 0) & (rows >= 0) & (columns < image.shape[1]) & (rows < image.shape[0])
    if not within.any():
        return np.zeros(_BINS)
    pixels = image[rows[within], columns[within]]
    places = ((_lab(pixels) - _LOW) / (_HIGH - _LOW) * _BINS).astype(int).clip(0, np.array(_BINS) - 1)
    counts = np.zeros(_BINS)
    np.add.at(counts, tuple(places.T), 1)
    return counts / len(places)


def _lab(pixels: np.ndarray) -> np.ndarray:
    """CIE Lab (N, 3) of sRGB (N, 3) uint8: OpenCV would lay out tables for 0.1 s first, whatever it converts."""
    share = pixels.astype(np.float32) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    white = cv2.cvtColor(np.ones((1, 1, 3), np.float32), cv2.COLOR_RGB2XYZ)[0]
    x, y, z = (cv2.cvtColor(linear[None].astype(np.float32), cv2.COLOR_RGB2XYZ)[0] / white).T
    x, y, z = (np.where(each > 0.008856, np.cbrt(each), 7.787 * each + 16 / 116) for each in (x, y, z))
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1).round(2)  # grey has no colour at all
