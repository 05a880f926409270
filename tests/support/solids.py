"""Squares and cubes whose pictures can be worked out by hand."""

from __future__ import annotations

import numpy as np

QUAD = np.array([[0, 1, 2], [0, 2, 3]])
CUBE = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4],
     [1, 5, 7], [1, 7, 3]]
)  # fmt: skip


def unproject(pixels: list, depth: float | list, focal: float = 100.0) -> np.ndarray:
    """Points that a camera with its principal point at (0, 0) sees at these pixels."""
    depths = np.broadcast_to(np.array(depth, float), len(pixels))
    return np.c_[np.array(pixels, float) * depths[:, None] / focal, depths]


def cube(at: tuple[float, float, float], side: float = 1.0) -> np.ndarray:
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) - 0.5
    return corners * side + np.array(at)
