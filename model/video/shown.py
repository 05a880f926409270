"""Which part of a film's frames shows something, if there are bars beside the picture: found before it is gone through.

Bars are the same in all frames, so that a few of these tell more than one: dark scenes end nowhere. Films whose first
frame has none, and goes on to one of two edges that face each other, are not looked at twice.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from model.perception.bars import ends_plain, shown_part
from model.perception.blurred import before_blur
from model.video.reading import VideoReader

_TIMES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Seconds of the frames that are looked at: the film may begin with a title, and it may be short."""
_EMPTY = 4.0
"""Deviation of a frame, of 255, below which it shows nothing: so do films that are faded in."""
_LARGE = 1024
"""Pixels of the longer side from twice which on every second pixel does, and so on: it bounds the memory."""
_INSIDE = 1 / 256  # of the frame's longer side, by which the bars' edges are known


def shown_in(film: VideoReader) -> tuple[int, int, int, int]:
    """The box (x, y, width, height) of a film's picture in pixels of its frames, without bars or blur beside it."""
    whole = 0, 0, film.width, film.height
    glimpses = film.glimpses(_TIMES)
    first = next(glimpses)
    if not ends_plain(first) and before_blur([first]) is None:
        return whole
    step = max(1, max(film.width, film.height) // _LARGE)
    frames = [small for frame in (first, *glimpses) if _shows(small := frame[::step, ::step].copy())]
    if len(frames) < 2:  # a straight edge in one frame may be anything's
        return whole
    found = before_blur(frames) or shown_part(*frames)
    if found is None:
        return whole
    x, y, width, height = (step * edge for edge in found)
    # A pixel of a bar that is left would be taken for the background, which does not move.
    inside = _INSIDE * max(film.width, film.height)
    left, top = math.ceil(x), math.ceil(y)
    right = film.width if x + width >= film.width else math.floor(x + width - inside)
    bottom = film.height if y + height >= film.height else math.floor(y + height - inside)
    return left, top, right - left, bottom - top


def _shows(frame: np.ndarray) -> bool:
    """Whether a frame (H, W, 3) shows anything."""
    return float(cv2.meanStdDev(frame)[1].max()) > _EMPTY
