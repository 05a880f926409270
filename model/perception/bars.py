"""Bars beside a photo, as screenshots, stories and films have them: where the picture in them ends.

A bar is of one colour, and the picture meets it along a straight line. Nobody is seen in it, but 2D networks guess legs
there, as they do beyond a photo's edge. Blurred copies of the picture are no bars for this. A film's bars are the same
in all of its frames, of which dark ones meet none.
"""

from __future__ import annotations

import cv2
import numpy as np

from model.interfaces import Box

_SIDE = 256  # pixels: larger photos are reduced to such a longer side
_SAMPLES = 35  # pixels of a row that say its colour, and whether all of it has it
_ALIKE = 12  # levels of 255 by which pixels of one colour differ, compressed as photos are
_CLEAN = 0.97  # part of the pixels next to the picture, text and buttons being farther out, that have the bar's colour
_MOSTLY = 0.8  # part of a whole bar's, with these
_MEETS = 0.35
"""Part of the picture's pixels along the line that have another colour, of a film in two frames at least: there may be
bars on other sides."""
_NARROWEST = 0.02  # of the photo's side: what is narrower bends nobody's legs
_BLEND = 2  # pixels that belong to both, once the photo is reduced
_LEAST = 0.2  # of the photo's side: a narrower rest is no picture


def shown_part(image: np.ndarray, *others: np.ndarray) -> Box | None:
    """The box of the picture itself, without bars; None if there are none.

    Args:
        image: (H, W, 3) uint8.
        others: likewise, of a film whose bars are the same in all of them.
    """
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(scale * width)), max(1, round(scale * height))
    # Nearest pixels keep the line sharp, and a bar of one colour as it is.
    frames = [cv2.resize(frame, size, interpolation=cv2.INTER_NEAREST) for frame in (image, *others)]
    small = np.stack(frames, axis=2)  # (h, w, T, 3)
    left, top, right, bottom = whole = (0, 0, *size)
    for _ in range(2):  # beside bars of both kinds, the second ones are seen better without the first ones
        part = small[top:bottom, left:right]
        first, last = _without_bars(part)
        top, bottom = top + first, top + last
        first, last = _without_bars(np.swapaxes(part[first:last], 0, 1))
        left, right = left + first, left + last
        if (left, top, right, bottom) == whole:
            return None
    x, right = (float(round(edge * width / size[0])) for edge in (left, right))
    y, bottom = (float(round(edge * height / size[1])) for edge in (top, bottom))
    return x, y, right - x, bottom - y


def ends_plain(image: np.ndarray) -> bool:
    """Whether an image (H, W, 3) is of one colour along two edges that face each other, as between two bars."""
    for rows in (image, np.swapaxes(image, 0, 1)):
        depth = max(1, round(_NARROWEST * len(rows)))
        bars = rows[[0, depth - 1, -depth, -1]]
        if unlike(bars, np.median(bars, axis=(0, 1))).mean() <= 1 - _CLEAN:
            return True
    return False


def _without_bars(pixels: np.ndarray) -> tuple[int, int]:
    """From which row and to which one (excluded) pixels (R, C, T, 3) are no bar."""
    first, last = _bar(pixels), len(pixels) - _bar(pixels[::-1])
    return (first, last) if last - first >= _LEAST * len(pixels) else (0, len(pixels))


def _bar(pixels: np.ndarray) -> int:
    """How many of the first rows of pixels (R, C, T, 3) are a bar."""
    rows, columns, frames = pixels.shape[:3]
    clean = max(2, round(_NARROWEST * rows))
    if rows <= clean + _BLEND:
        return 0
    samples = pixels[:, np.linspace(0, columns - 1, _SAMPLES).astype(int)].reshape(rows, -1, 3)
    pixels = pixels.reshape(rows, -1, 3)
    colours = np.sort(samples, axis=1)[:, frames * _SAMPLES // 2, None]  # (R, 1, 3), the medians
    uniform = unlike(samples, colours).mean(axis=1) <= 1 - _CLEAN
    follow = np.convolve(uniform, np.ones(clean), "valid")[: -_BLEND - 1] == clean  # from each row on so many are
    for start in np.flatnonzero(follow & ~uniform[clean + _BLEND :]).tolist():
        bar, edge = slice(start, start + clean), start + clean + _BLEND
        others = unlike(pixels[: edge + 1], np.median(colours[bar], axis=0))
        parts = others.mean(axis=1)
        meets = np.sort(others[-1].reshape(columns, frames).mean(axis=0))  # of what moves, one frame's edge is no line
        # A white sky is no bar, and what stands out of the picture into it is somebody's head.
        is_clean = parts[bar].max() <= 1 - _CLEAN and not others[bar].all(axis=0).any()
        if is_clean and meets[-2:][0] >= _MEETS and parts[:-1].mean() <= 1 - _MOSTLY:
            return edge
    return 0


def unlike(pixels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """(...) bool: which of pixels (..., 3) have another colour than these (..., 3), which broadcast."""
    off = np.abs(pixels - colours.astype(np.int16)) > _ALIKE
    others: np.ndarray = off[..., 0] | off[..., 1] | off[..., 2]
    return others
