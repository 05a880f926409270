"""Pixels as the colour profile of their file means them, in sRGB, for which everything here takes pixels.

Phones take photos in Display P3, cameras in Adobe RGB, and printers send CMYK. Pillow leaves their numbers as they are:
the first two come out too dull, and CMYK glares. Its LittleCMS brings them to what viewers show.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

MAX_PROFILE = 4 * 2**20
"""Bytes. Those of presses have up to 3 MB."""
_SAME = 2
"""Steps of 255 that colours may be away from sRGB's for a profile to count as sRGB: those of most programs are one."""
_SLOW = b"mpet"
"""Any number of steps for each colour: a hostile file could have a hundred thousand, and hardly any photo has one."""
_MODES = {"RGB": "RGB ", "CMYK": "CMYK", "L": "GRAY"}

Conversion = Callable[[Image.Image], Image.Image]

PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE  # of 1 MB by itself, beyond which a PNG with a profile counts as damaged


@lru_cache(maxsize=16)
def to_srgb(profile: bytes, mode: str) -> Conversion | None:
    """How pixels of a mode and with a profile become RGB in sRGB.

    Args:
        profile: ICC's, from a file.
        mode: Pillow's: RGB, CMYK or L.

    Returns:
        The conversion of a picture of that mode; None if there is nothing to do: the profile is sRGB's, is damaged, or
        says nothing of such pixels. Viewers pass over such, too.
    """
    if mode not in _MODES or len(profile) > MAX_PROFILE or _SLOW in profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != _MODES[mode]:
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        same = mode != "CMYK" and _is_same(transform, mode)
    except (ImageCms.PyCMSError, ImportError, OSError, ValueError, TypeError):  # a Pillow without LittleCMS, too
        return None
    return None if same else lambda picture: ImageCms.applyTransform(picture, transform) or picture


def _is_same(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    colours = steps[None] if mode == "L" else np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    sample = Image.fromarray(colours)
    after = np.asarray(ImageCms.applyTransform(sample, transform), int)
    return bool(np.abs(after - np.asarray(sample.convert("RGB"), int)).max() <= _SAME)
