"""A person drawn by formula: a shaded body before a plain background, for tests that need a photo with known truth."""

from __future__ import annotations

import numpy as np

from model.rendering.overlay import overlay

SKIN, SHIRT, TROUSERS = (225, 175, 150), (65, 120, 185), (75, 70, 80)


def draw_person(
    vertices: np.ndarray,
    faces: np.ndarray,
    template: np.ndarray,
    focal_length: float,
    size: tuple[int, int],
    canvas: np.ndarray | None = None,
) -> np.ndarray:
    """Draws a posed body with a pinhole camera, lit from above left.

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
        canvas = np.broadcast_to(shade, (height, width, 3)).astype(np.uint8)
    rest = template
    clothed = np.abs(rest[:, 0]) < 0.45
    colour = np.where((rest[:, 1] > -0.05)[:, None], TROUSERS, SHIRT)
    bare = (rest[:, 1] > 0.78) | (rest[:, 1] < -0.52) & (np.abs(rest[:, 0]) < 0.12) | ~clothed
    colour = np.where(bare[:, None], SKIN, colour)
    return overlay(canvas, [(vertices, faces, colour)], focal_length, opacity=1.0)
