"""What callers hand in, checked: photos, boxes in them, and words."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np

from model.errors import BadInput
from model.interfaces import Box


def check_image(image: np.ndarray) -> np.ndarray:
    """The image as it is, if it is a photo.

    Raises:
        BadInput: not (H, W, 3) uint8, or empty.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        given = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else f"a {type(image).__name__}"
        raise BadInput(f"The image must be a numpy array of shape (height, width, 3), uint8, RGB, not {given}.")
    if min(image.shape[:2]) < 1:
        raise BadInput("The image is empty.")
    return image


def check_box(box: Box, width: int, height: int) -> Box:
    """The box as floats, if a photo of this size can show what is in it.

    Raises:
        BadInput: not four finite numbers, under 2 pixels, beside the photo, or over ten times as large as it.
    """
    try:
        x, y, w, h = (float(value) for value in box)
    except (TypeError, ValueError):
        raise BadInput(f"The box {box!s:.60} must be four numbers: x, y, width, height in pixels.") from None
    if not np.isfinite([x, y, w, h]).all() or w < 2 or h < 2:
        raise BadInput(f"The box {box} must be x, y, width, height in pixels, at least 2 wide and high.")
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        raise BadInput(
            f"The box {x:g},{y:g},{w:g},{h:g} lies outside the photo, "
            f"which has {width} x {height} pixels once it is upright."
        )
    if max(w, h) > 10 * max(width, height):
        raise BadInput(f"The box {x:g},{y:g},{w:g},{h:g} is more than ten times as large as the photo.")
    return x, y, w, h


FILM = math.hypot(36.0, 24.0)
"""Millimetres: the diagonal of 35 mm film, before which lenses are compared by the angle that they see."""
SHORTEST_LENS = 4.0
"""Millimetres before 35 mm film: 159 degrees from corner to corner. Straight lines stay straight to about 10."""


def lens_in_pixels(millimetres: float, width: int, height: int) -> float:
    """The focal length in pixels, in a picture of this size, of a lens before 35 mm film that sees the same angle."""
    return millimetres * math.hypot(width, height) / FILM


def check_focal_length(focal_length: float | None, width: int, height: int) -> float:
    """The focal length in pixels of a photo of this size; None assumes a 43 mm lens's, its diagonal.

    Raises:
        BadInput: no finite number, or shorter than any lens's: millimetres are often given for pixels.
    """
    given = check_number(focal_length, "The focal length")
    focal = math.hypot(width, height) if given is None else given
    if not math.isfinite(focal):
        raise BadInput("The focal length must be a number of pixels.")
    if focal < lens_in_pixels(SHORTEST_LENS, width, height):
        raise BadInput(
            f"A focal length of {focal:g} pixels is shorter than any lens's in a photo of {width} x {height}: it is "
            f"asked for in pixels of this photo. A lens of 24 mm before 35 mm film, as phones have, has "
            f"{lens_in_pixels(24, width, height):.0f} here."
        )
    return focal


def check_number(value: float | None, what: str) -> float | None:
    """A number as a float, None as it is.

    Raises:
        BadInput: it is no number.
    """
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{what} must be a number, not {value!s:.60}.") from None


def check_count(count: int | None, what: str) -> None:
    """Refuses what is no whole number above 0; None is fine.

    Raises:
        BadInput: says so.
    """
    if count is not None and (isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1):
        raise BadInput(f"{what} must be a whole number, 1 or more, not {count!s:.60}.")


def check_for_hands(
    pitch: float | None, camera_height: float | None, person_height: float | None, hands: str, colors: str
) -> None:
    """Refuses what says nothing of hands, but of bodies alone.

    Raises:
        BadInput: says what is to be left out.
    """
    if pitch is not None or camera_height is not None:
        raise BadInput("Hands stand on no ground, of which pitch and camera_height would tell: leave them out.")
    if person_height is not None:
        raise BadInput("How tall somebody is says nothing of single hands: leave person_height out.")
    if hands != "auto":
        raise BadInput(f"hands={hands} says how bodies' hands are posed; where hands are the subject, leave it out.")
    if colors != "plain":
        raise BadInput(f"Hands wear nothing that could have colours: leave colors={colors} out.")


def check_choice(word: str, choices: Any) -> None:
    """Refuses what is none of a `Literal`'s words.

    Raises:
        BadInput: says which there are.
    """
    words = get_args(choices)
    if word not in words:
        raise BadInput(f"There is no {word!r}; choose {' or '.join(words)}.")
