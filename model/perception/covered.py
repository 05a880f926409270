"""A photo with somebody painted over: in it networks see who stands behind her, for whom they otherwise take her."""

from __future__ import annotations

import cv2
import numpy as np

_CLOTHES = 0.015  # of the outline's height, beyond it
_AROUND = 0.1  # of that height: standard deviation of what the colours are the mean of


def paint_over(image: np.ndarray, points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The image with what a mesh covers in the colours of what is about it.

    Args:
        image: (H, W, 3) uint8 RGB.
        points: (V, 2) x, y of its vertices, pixels.
        faces: (F, 3) of the mesh.
    """
    height, width = image.shape[:2]
    reach = 4.0 * max(height, width)  # far outside, where OpenCV's numbers would end
    corners = np.rint(16 * (points.clip(-reach, reach) - 0.5)).astype(np.int32)[faces]
    tall = min(float(np.ptp(points[:, 1])), float(height))
    cover = np.zeros((height, width), np.uint8)
    for triangle in corners:
        cv2.fillConvexPoly(cover, triangle, 1, shift=4)
    beyond = 2 * round(_CLOTHES * tall) + 1
    grown = cv2.dilate(cover, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (beyond, beyond)))
    left = (1 - grown).astype(np.float32)
    sigma = max(1.0, _AROUND * tall)
    colours = cv2.GaussianBlur(image * left[..., None], (0, 0), sigma)
    weights = cv2.GaussianBlur(left, (0, 0), sigma)[..., None]
    grey = image.mean(axis=(0, 1), dtype=np.float32)  # deep within, where nothing is near
    painted = np.where(weights > 1e-3, colours / np.maximum(weights, 1e-3), grey)
    answer: np.ndarray = np.where(grown[..., None] > 0, np.rint(painted).astype(np.uint8), image)
    return answer
