"""Untrusted bytes in, a safe RGB picture out: the only place where the service decodes what a client sent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from model.errors import BadInput
from service.image_headers import BrokenImage, read_header

# Nobody can be seen in less, and slivers would scale to a side of zero pixels.
MIN_SIDE = 16
MAX_ASPECT = 20

_FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)  # EXIF's 35 mm equivalence compares diagonals
_BLEND_ROWS = 256  # transparency is blended in bands, so that its temporaries stay small

# EXIF orientation 5 to 8: transpose the stored picture first; then flip (OpenCV's code: 0 upside down, 1 left to right,
# -1 both).
_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}


class TooManyPixels(BadInput):
    """The picture would need more memory than the service grants one request."""


@dataclass(frozen=True)
class Photo:
    """A decoded photo, turned upright.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, contiguous.
        focal_length: In pixels, from EXIF; None if the camera did not note it.
    """

    pixels: np.ndarray
    focal_length: float | None

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


def decode(data: bytes, max_pixels: int) -> Photo:
    """Decode a JPEG, PNG or WebP file.

    EXIF orientation is applied, transparency is blended onto white, 16 bits become 8, grey and CMYK become RGB, and of
    an animation the first picture is taken. The size limit is checked before a pixel is decoded.

    Args:
        data: The whole file.
        max_pixels: Largest width x height to accept.

    Raises:
        UnsupportedFormat: Another format than these three.
        TooManyPixels: Larger than `max_pixels`.
        BrokenImage: Cut short or damaged.
        BadInput: Too small, or too long and thin, to show a person.
    """
    header = read_header(data)
    width, height = header.width, header.height
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The image has {width} x {height} pixels ({width * height / 1e6:.1f} million); "
            f"at most {max_pixels / 1e6:.1f} million are accepted. Scale it down and send it again."
        )
    if min(width, height) < MIN_SIDE:
        raise BadInput(f"The image has {width} x {height} pixels; each side needs at least {MIN_SIDE}.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadInput(
            f"The image has {width} x {height} pixels; the long side may be at most {MAX_ASPECT} times the short one. "
            "Crop it to the people and send it again."
        )

    flags = cv2.IMREAD_UNCHANGED if header.has_alpha else cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.shape[:2] != (height, width):
        raise BrokenImage("The image is damaged: its picture cannot be decoded. Save it anew and send it again.")
    if header.has_alpha:
        pixels = _flatten(pixels)
    pixels = _upright(pixels, header.exif.orientation)

    focal_length = header.exif.focal_length_35mm
    if focal_length is not None:
        focal_length *= math.hypot(width, height) / _FILM_DIAGONAL_MM
    return Photo(pixels, focal_length)


def _flatten(pixels: np.ndarray) -> np.ndarray:
    """Turn what OpenCV makes of a file with transparency (grey, BGR or BGRA; 8 or 16 bits) into RGB over white."""
    if pixels.dtype == np.uint16:
        pixels = np.right_shift(pixels, 8, out=pixels).astype(np.uint8)  # in place: this can be hundreds of megabytes
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    if pixels.shape[2] == 3:
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    rgb = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB)
    for top in range(0, len(rgb), _BLEND_ROWS):
        band = rgb[top : top + _BLEND_ROWS]
        alpha = pixels[top : top + _BLEND_ROWS, :, 3:].astype(np.uint16)
        band[:] = (band * alpha + 255 * (255 - alpha) + 127) // 255  # at most 65,152: fits 16 bits
    return rgb


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    if orientation >= 5:
        pixels = cv2.transpose(pixels)
    if orientation in _FLIPS:
        pixels = cv2.flip(pixels, _FLIPS[orientation])
    return pixels
