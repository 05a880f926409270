"""Straight lines in a photo: walls, doors, posts and trees stand upright, and their lines meet where up is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from model.interfaces import Box

_LONGEST = 512
"""Pixels on the longer side of the picture that is searched."""
_SHORTEST = 0.04
"""Of that: lines of less are texture."""
_OFF = 0.7
"""Pixels of it by which a line's ends may be beside the edge that it follows."""
_AT_BARS = 4
"""Pixels of it from a bar within which a line is the bar's edge."""
_MOST = 150
"""Lines, the longest ones: bounds the time."""
_UPRIGHT = 0.2
"""Share of lines that are upright."""
_WEIGHT = 0.25
"""What each line counts: edges come in pairs and pieces."""
_CURVED = np.radians(0.7)
"""Standard deviation of upright lines from the vertical, by lenses and by builders."""


class Lines(NamedTuple):
    """Lines in a photo as the planes that they span with the camera."""

    normals: np.ndarray
    """(N, 3) unit vectors, camera frame; who is in a plane is across its normal."""
    deviations: np.ndarray
    """(N,) radians: how far a line may be off its edge."""

    def through(self, factor: float) -> Lines:
        """The same lines in a picture that was taken with a lens so many times as long."""
        normals = self.normals * [1.0, 1.0, 1 / factor]
        return Lines(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12), self.deviations)


def find_lines(
    image: np.ndarray,
    focal_length: float,
    principal_point: tuple[float, float],
    people: Sequence[Box],
    shown: Box | None = None,
) -> Lines:
    """Finds straight lines that are nobody's outline.

    Args:
        image: (H, W, 3) uint8 RGB.
        focal_length: pixels; principal_point: likewise.
        people: their boxes.
        shown: the box of the picture itself, if there are bars beside it: where they meet it is no line of the picture.
    """
    scale = min(1.0, _LONGEST / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    grey = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE).detect(grey)[0]
    ends = np.zeros((0, 2, 2)) if found is None else found.reshape(-1, 2, 2).astype(np.float64) + 0.5
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    middle = ends.mean(axis=1) / scale
    kept = length >= _SHORTEST * max(size)
    for x, y, width, height in people:
        kept &= ~((middle > (x, y)) & (middle < (x + width, y + height))).all(axis=1)
    if shown is not None:
        left, top, width, height = np.add(shown, np.array([1, 1, -2, -2]) * _AT_BARS / scale)
        kept &= ((middle > (left, top)) & (middle < (left + width, top + height))).all(axis=1)
    order = np.flatnonzero(kept)[np.argsort(-length[kept])][:_MOST]
    rays = np.ones((len(order), 2, 3))
    rays[..., :2] = (ends[order] / scale - principal_point) / focal_length
    normals = np.cross(rays[:, 0], rays[:, 1])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return Lines(normals, np.hypot(_CURVED, 2 * _OFF / length[order]))


def upright(grid: np.ndarray, lines: Lines, blur: float) -> np.ndarray:
    """(G,) log likelihood of lines, if up is along each of the grid's directions (G, 3).

    Args:
        blur: radians: standard deviation that makes the likelihood as smooth as the grid is fine.
    """
    # In single precision, which is twice as fast and as good here.
    deviation = np.hypot(lines.deviations, blur).astype(np.float32)
    off = grid.astype(np.float32) @ (lines.normals.astype(np.float32) / deviation[:, None]).T  # (G, N)
    # Of the sine of a line's angle, within -1 to 1: upright, or anything.
    found = _UPRIGHT / (np.sqrt(2 * np.pi) * deviation) * np.exp(-0.5 * np.square(off)) + (1 - _UPRIGHT) / 2
    total: np.ndarray = _WEIGHT * np.log(found).sum(axis=1, dtype=np.float64)
    return total
