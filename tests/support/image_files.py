"""Small image files for tests of what reads them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

LIMIT = 1_000_000
FORMATS = {
    "jpeg": {"format": "JPEG", "quality": 95},
    "progressive jpeg": {"format": "JPEG", "quality": 95, "progressive": True},
    "png": {"format": "PNG"},
    "webp": {"format": "WEBP", "quality": 95},
    "lossless webp": {"format": "WEBP", "lossless": True},
}


def smooth(width: int = 80, height: int = 60) -> np.ndarray:
    """A picture without symmetry that survives JPEG's compression."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], -1).astype(np.uint8)


def encode(pixels: np.ndarray | Image.Image, **options: object) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def exif_block(orientation: int = 1, focal_length: int | None = None) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    if focal_length is not None:
        exif.get_ifd(0x8769)[0xA405] = focal_length
    return exif
