"""Photos as networks of the detectors' kind are given them: scaled, then padded to whole strides."""

from __future__ import annotations

import cv2
import numpy as np

_STRIDE = 32  # the networks' input sizes are multiples of this
PADDING = 128
"""Grey: what the networks' own zero padding looks like."""


def letterbox(image: np.ndarray, scale: float) -> tuple[np.ndarray, float, float]:
    """Scales an image, then pads it with grey at the right and at the bottom to multiples of 32.

    Returns:
        The (H, W, 3) uint8 canvas, and the scales in x and y that rounding to whole pixels really gave.
    """
    height, width = image.shape[:2]
    inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    inner = cv2.resize(image, (inner_width, inner_height), interpolation=interpolation)
    padding = (-inner_height % _STRIDE, -inner_width % _STRIDE)
    canvas = np.pad(inner, ((0, padding[0]), (0, padding[1]), (0, 0)), constant_values=PADDING)
    return canvas, inner_width / width, inner_height / height
