"""Photos for tests of the command line."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def picture(width: int = 160, height: int = 120, value: int = 128, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), value, np.uint8)).save(file, "JPEG", **options)
    return file.getvalue()
