"""Photos that are dark or flat, stretched to what the 2D networks know: ordinary ones."""

from __future__ import annotations

import cv2
import numpy as np

from model.interfaces import Box

_SAMPLES = 64  # pixels along each side that tell how light a picture is
_DARKEST, _LIGHTEST = 0.5, 99.5  # percent of the pixels that may become black or white
_ENOUGH = 128  # levels of 255 between these: such a picture stays as it is
_FEWEST = 6  # levels between them: less is noise


def well_exposed(image: np.ndarray, shown: Box | None = None) -> np.ndarray:
    """The photo itself, or if it is dark or flat, one whose darkest parts are black and whose lightest are white.

    Args:
        image: (H, W, 3) uint8 RGB.
        shown: the box of the picture itself, if there are bars beside it, which are black or white anyway.
    """
    height, width = image.shape[:2]
    x, y, w, h = (0, 0, width, height) if shown is None else (round(edge) for edge in shown)
    part = image[y : y + h : max(1, h // _SAMPLES), x : x + w : max(1, w // _SAMPLES)]
    low, high = np.percentile(part.max(axis=2), (_DARKEST, _LIGHTEST))
    low = min(low, float(np.percentile(part.min(axis=2), _DARKEST)))
    if high - low >= _ENOUGH or high - low < _FEWEST:
        return image
    levels = (np.arange(256) - low) * (255 / (high - low))
    stretched: np.ndarray = cv2.LUT(image, levels.clip(0, 255).round().astype(np.uint8))
    return stretched
