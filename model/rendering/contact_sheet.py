"""Pictures side by side as one, each under its caption."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_STRIP, _FONT, _PAPER, _INK = 22, 13, 255, 40


def sheet(tiles: Sequence[tuple[str, np.ndarray]], columns: int, gap: int = 4) -> np.ndarray:
    """Puts pictures of one size into rows.

    Args:
        tiles: Captions and pictures, (H, W, 3) uint8 RGB each.
        columns: How many stand in a row.
        gap: White pixels between them.

    Returns:
        (H', W', 3) uint8 RGB.
    """
    height, width = tiles[0][1].shape[:2]
    rows = -(-len(tiles) // columns)
    step_x, step_y = width + gap, height + _STRIP + gap
    paper = np.full((rows * step_y - gap, columns * step_x - gap, 3), _PAPER, np.uint8)
    for number, (text, picture) in enumerate(tiles):
        y, x = number // columns * step_y, number % columns * step_x
        paper[y : y + _STRIP, x : x + width] = caption(text, width)
        paper[y + _STRIP : y + _STRIP + height, x : x + width] = picture
    return paper


def caption(text: str, width: int) -> np.ndarray:
    """A line of text on a white strip, (22, width, 3) uint8 RGB."""
    strip = Image.new("RGB", (width, _STRIP), (_PAPER,) * 3)
    font = ImageFont.load_default(_FONT)
    ImageDraw.Draw(strip).text((3, _STRIP / 2), text, fill=(_INK,) * 3, font=font, anchor="lm")
    return np.asarray(strip)
