"""Photos that are dark, flat or strongly tinted, stretched to what the 2D networks know: ordinary ones."""

from __future__ import annotations

import cv2
import numpy as np

from model.interfaces import Box

_SAMPLES = 64  # pixels along each side that tell how light a picture is
_DARKEST, _LIGHTEST = 0.5, 99.5  # percent of the pixels that may become black or white
_ENOUGH = 96  # levels of 255: less between these in all colours is flat, and light of which none is above is tinted
_FEWEST = 6  # levels between them: a colour with less stays as it is


def well_exposed(image: np.ndarray, shown: Box | None = None) -> np.ndarray:
    """The photo itself, or if it is dark, flat or tinted, one in which red, green and blue go from none to all.

    Args:
        image: (H, W, 3) uint8 RGB.
        shown: the box of the picture itself, if there are bars beside it, which are black or white anyway.
    """
    height, width = image.shape[:2]
    x, y, w, h = (0, 0, width, height) if shown is None else (round(edge) for edge in shown)
    part = image[y : y + h : max(1, h // _SAMPLES), x : x + w : max(1, w // _SAMPLES)]
    low, high = np.percentile(part, (_DARKEST, _LIGHTEST), axis=(0, 1))  # (3,) each
    told = high - low >= _FEWEST
    flat, tinted = (high - low).max() < _ENOUGH, high[told].min(initial=_ENOUGH) < _ENOUGH
    if not told.any() or not (flat or tinted):
        return image
    low, high = np.where(told, low, 0), np.where(told, high, 255)
    levels = (np.arange(256)[:, None] - low) * (255 / (high - low))
    stretched: np.ndarray = cv2.LUT(image, levels.clip(0, 255).round().astype(np.uint8)[None])
    return stretched
