"""How large somebody's head is beside her body, by her silhouette: children's are larger.

BlazePose draws everybody's joints about as an adult's, children's too, but its silhouette follows the picture, hair and
hats included.
"""

from __future__ import annotations

import cv2
import numpy as np

from model.body.silhouette import Silhouette
from model.joints import BLAZEPOSE_COCO, BLAZEPOSE_LANDMARKS, COCO_JOINTS

_ACROSS, _UP, _CELL = 0.3, 0.42, 0.007
"""Of the body's size: what is looked at beside and above the eyes, and how finely."""
_ROWS = 12  # above the eyes, in which the head is widest
_ARMS, _BELOW = 0.45, 0.1  # of the body's size: so near to the eyes, and not so far below, arms are taken for the head
_DEEP_TRUNK, _DEEP_THIGH, _DEEP_SHANK = 0.5, 0.8, 0.85  # of their length: what points to the camera tells no size
_SURE_FACE = 0.6  # mean height of the face's peaks
_FEWEST = 6.0  # pixels of the silhouette that a head is wide
_NECK = 0.12  # of the body's size, from the shoulders to the eyes: less points to the camera

_FACE = [BLAZEPOSE_COCO[COCO_JOINTS.index(name)] for name in ("left_eye", "right_eye", "left_ear", "right_ear")]
_HANDS = [index for index, name in enumerate(BLAZEPOSE_LANDMARKS) if name.split("_")[1:] and name.split("_")[1] in (
    "elbow", "wrist", "pinky", "index")]  # fmt: skip


def head_size(landmarks: np.ndarray, depths: np.ndarray, rays: np.ndarray, silhouette: Silhouette) -> float | None:
    """The logarithm of a head's size by that of trunk and a leg.

    Args:
        landmarks: (33, 3) BlazePose's: x, y in photo pixels and confidence.
        depths: (17,) photo pixels that COCO's joints are away from the camera; NaN of what was not seen.
        rays: (33, 2) of the landmarks, x / z and y / z.
        silhouette: the same person's.

    Returns:
        None where her head is not seen by itself, or her body not whole: nothing tells its size.
    """
    points = np.column_stack([landmarks[list(BLAZEPOSE_COCO), :2], depths])  # (17, 3)
    if not np.isfinite(points).all() or landmarks[list(BLAZEPOSE_COCO)][:5, 2].mean() <= _SURE_FACE:
        return None
    shoulders, hips = points[[5, 6]].mean(axis=0), points[[11, 12]].mean(axis=0)
    trunk, thighs, shanks = shoulders - hips, points[[13, 14]] - points[[11, 12]], points[[15, 16]] - points[[13, 14]]
    size = 0.0
    for limb, deepest in ((trunk[None], _DEEP_TRUNK), (thighs, _DEEP_THIGH), (shanks, _DEEP_SHANK)):
        length = np.linalg.norm(limb, axis=1).mean()
        if np.abs(limb[:, 2]).max() >= deepest * length:
            return None
        size += float(length)
    eyes = landmarks[_FACE, :2].mean(axis=0)
    neck = eyes - shoulders[:2]
    if np.linalg.norm(neck) <= _NECK * size:
        return None
    arms = landmarks[_HANDS, :2] - eyes
    raised = arms @ neck > -_BELOW * size * np.linalg.norm(neck)
    if (raised & (np.linalg.norm(arms, axis=1) < _ARMS * size)).any():
        return None
    # From the photo's pixels to the mask's, about the eyes.
    scale = np.ptp(rays[:, 1]) / max(float(np.ptp(landmarks[:, 1])), 1e-6)
    axes = silhouette.to_mask[:, :2] * (scale * size)
    middle = silhouette.to_mask[:, :2] @ rays[_FACE].mean(axis=0) + silhouette.to_mask[:, 2]
    return _size_in(silhouette.mask, middle, axes @ (neck / np.linalg.norm(neck)))


def _size_in(mask: np.ndarray, eyes: np.ndarray, up: np.ndarray) -> float | None:
    """The logarithm of the size of the head above the eyes (2,) in a mask, in which the body's size is up's (2,)."""
    above, aside = np.arange(0, _UP, _CELL), np.arange(-_ACROSS, _ACROSS + _CELL / 2, _CELL)
    places = eyes - 0.5 + above[:, None, None] * up + aside[:, None] * np.array([-up[1], up[0]])
    x, y = np.moveaxis(places, 2, 0).astype(np.float32)
    seen = cv2.remap(mask.astype(np.float32), x, y, cv2.INTER_LINEAR, borderValue=np.nan)
    _, pieces = cv2.connectedComponents((np.nan_to_num(seen) > 0.5).astype(np.uint8))
    piece = pieces[0, len(aside) // 2]
    head = pieces == piece
    beside = cv2.dilate(head.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if piece == 0 or np.isnan(seen[beside]).any() or head[:, [0, -1]].any() or head[-1].any():
        return None
    width = head[:_ROWS].sum(axis=1).max() * _CELL
    if width * np.linalg.norm(up) < _FEWEST:
        return None
    return float(0.5 * (np.log(width) + np.log(np.sqrt(head.sum()) * _CELL)))
