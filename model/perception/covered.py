"""A photo with somebody painted over: in it networks see who stands behind her, for whom they otherwise take her."""

from __future__ import annotations

import cv2
import numpy as np

_CLOTHES = 0.012  # of the outline's height, beyond it
_AROUND = 0.1  # of that height: standard deviation of what the colours are the mean of
_COARSE = 4.0  # pixels that this is at most where they are worked out: large photos would take minutes


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
    outline = np.zeros((height, width), np.uint8)
    for triangle in corners:
        cv2.fillConvexPoly(outline, triangle, 1, shift=4)
    beyond = 2 * round(_CLOTHES * tall) + 1
    cover = cv2.dilate(outline, cv2.getStructuringElement(cv2.MORPH_RECT, (beyond, beyond)))
    painted = image.copy()
    painted[cover > 0] = _colours_about(image, cover, _AROUND * tall)[cover > 0]
    return painted


def _colours_about(image: np.ndarray, cover: np.ndarray, sigma: float) -> np.ndarray:
    """(H, W, 3) uint8: the mean colours of what is not covered, near each pixel, or of all where nothing is near."""
    height, width = cover.shape
    scale = min(1.0, _COARSE / max(sigma, 1.0))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shown = 1 - cover
    left = cv2.resize(255 * shown, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    coarse = cv2.resize(image * shown[..., None], size, interpolation=cv2.INTER_AREA).astype(np.float32)
    spread = max(1.0, sigma * scale)
    weights = cv2.GaussianBlur(left, (0, 0), spread)[..., None]
    colours = cv2.GaussianBlur(coarse, (0, 0), spread)
    about = np.where(weights > 1e-2, colours / np.maximum(weights, 1e-2), image.mean(axis=(0, 1)))
    answer: np.ndarray = cv2.resize(
        np.rint(about).clip(0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return answer
