"""A person drawn by formula: a shaded body before a plain background, for tests that need a photo with known truth."""

from __future__ import annotations

import cv2
import numpy as np

SKIN, SHIRT, TROUSERS = (205, 160, 135), (60, 110, 170), (70, 65, 75)


def draw_person(
    vertices: np.ndarray,
    faces: np.ndarray,
    template: np.ndarray,
    focal_length: float,
    size: tuple[int, int],
    canvas: np.ndarray | None = None,
) -> np.ndarray:
    """Draws a posed body with a pinhole camera, hidden faces hidden, lit from above left.

    Args:
        vertices: (V, 3) camera frame, metres, placed before the camera.
        faces: (F, 3).
        template: (V, 3) the resting body, y down, root at the origin: tells trousers from shirt and skin.
        focal_length: pixels; the principal point is the middle.
        size: width, height.
        canvas: drawn over if given, for a second person.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    width, height = size
    if canvas is None:
        shade = np.linspace(190, 120, height)[:, None, None] + np.linspace(-15, 15, width)[None, :, None]
        canvas = np.broadcast_to(shade, (height, width, 3)).astype(np.uint8).copy()
    pixels = focal_length * vertices[:, :2] / vertices[:, 2:] + (width / 2, height / 2)
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    facing = (normal * corners.mean(axis=1)).sum(axis=1) < 0
    light = 0.45 + 0.55 * np.clip(normal @ np.array([-0.4, -0.6, -0.7]), 0, 1)
    rest = template[faces].mean(axis=1)
    clothed = np.abs(rest[:, 0]) < 0.45
    colour = np.where((rest[:, 1] > -0.05)[:, None], TROUSERS, SHIRT)
    bare = (rest[:, 1] > 0.78) | (rest[:, 1] < -0.52) & (np.abs(rest[:, 0]) < 0.12) | ~clothed
    colour = np.where(bare[:, None], SKIN, colour) * light[:, None]
    points = (pixels * 16).round().astype(np.int32)
    for face in np.argsort(-corners[:, :, 2].mean(axis=1)):
        if facing[face]:
            cv2.fillConvexPoly(canvas, points[faces[face]], colour[face].tolist(), cv2.LINE_AA, shift=4)
    return canvas
