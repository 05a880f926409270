"""Collages, video calls, pages of comics: several pictures in one, with gutters of one colour between them.

A gutter goes straight through all of the picture, or of what other gutters leave of it, and the pictures on its sides
end along it. Between people before a plain wall none is seen: there, nothing ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from model.interfaces import Box
from model.perception.bars import unlike

_FEW, _SAMPLES = 9, 192  # pixels of a row that say its colour, and whether all of it has it
_CLEAN = 0.98  # part of a row's pixels, at least, that have its colour
_BLEND = 8  # pixels beside a gutter that compression and reduction mix with it
_THINNEST = 2  # pixels, what is mixed not counted
_ENDS = 0.5  # part of the pixels along a gutter's side, at least, that have another colour
_LEAST_SIDE, _LEAST_PART = 48, 0.08  # pixels of a panel's sides, and as a part of the picture's
_MOST = 64  # panels: what has more is a pattern
_WITHIN = 0.85  # part of a person's box, at least, that lies in her panel
FAR = 3.0
"""By how much the focal length of a collage is longer than a picture's of its size, unless it is known. Each of its
pictures had a camera of its own, which looked at its middle; one far away looks at all of them so, nearly."""
_DEPTH = 4  # how often panels are divided in turn, in rows and in columns


def panels_of(image: np.ndarray, shown: Box | None = None) -> list[Box]:
    """The boxes of the pictures in a collage; nothing if it is one picture.

    Args:
        image: (H, W, 3) uint8.
        shown: the box of the picture itself, if there are bars beside it.
    """
    x, y, width, height = (0, 0, *image.shape[1::-1]) if shown is None else (round(edge) for edge in shown)
    least = max(_LEAST_SIDE, _LEAST_PART * min(width, height))
    panels: list[Box] = []
    for left, top, right, bottom in _divided(image[y : y + height, x : x + width], least, _DEPTH):
        if len(panels) == _MOST:
            return []
        panels.append((float(x + left), float(y + top), float(right - left), float(bottom - top)))
    return panels if len(panels) > 1 else []


def panel_of(box: Box, panels: Sequence[Box]) -> Box | None:
    """The panel in which somebody is, by her box; None of who is in no single one: what crosses her is no gutter."""
    x, y, width, height = box
    for panel in panels:
        left, top, wide, high = panel
        across = min(x + width, left + wide) - max(x, left)
        down = min(y + height, top + high) - max(y, top)
        if across > 0 and down > 0 and across * down >= _WITHIN * width * height:
            return panel
    return None


def are_apart(boxes: Sequence[Box], panels: Sequence[Box]) -> bool:
    """Whether people, by their boxes, are in several panels, each of them in one."""
    whose = {panel_of(box, panels) for box in boxes}
    return len(whose) > 1 and None not in whose


def _divided(pixels: np.ndarray, least: float, depth: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right and bottom of the panels of pixels (H, W, 3) whose sides have so many at least."""
    whole = (0, 0, pixels.shape[1], pixels.shape[0])
    for top, bottom in _between_gutters(pixels, least):
        for left, right in _between_gutters(np.swapaxes(pixels[top:bottom], 0, 1), least):
            if depth == 1 or (left, top, right, bottom) == whole:
                yield left, top, right, bottom
                continue
            for inner in _divided(pixels[top:bottom, left:right], least, depth - 1):
                yield left + inner[0], top + inner[1], left + inner[2], top + inner[3]


def _between_gutters(pixels: np.ndarray, least: float) -> list[tuple[int, int]]:
    """From which rows to which ones (excluded), so many at least, pixels (R, C, 3) are no gutters."""
    rows, columns = pixels.shape[:2]
    few, many = (np.linspace(0, columns - 1, count).astype(int) for count in (_FEW, min(columns, _SAMPLES)))
    glance = pixels[:, few].astype(np.int16)
    colours = np.sort(glance, axis=1)[:, _FEW // 2]  # (R, 3), the medians
    plain = unlike(glance, colours[:, None]).sum(axis=1) <= 1
    likely = np.flatnonzero(plain)
    plain[likely] = unlike(pixels[likely[:, None], many], colours[likely, None]).mean(axis=1) <= 1 - _CLEAN
    goes_on = plain[1:] & plain[:-1] & ~unlike(colours[1:], colours[:-1])
    starts = np.flatnonzero(plain & ~np.concatenate([[False], goes_on]))
    stops = 1 + np.flatnonzero(plain & ~np.concatenate([goes_on, [False]]))
    thick = stops - starts >= _THINNEST
    if thick.sum() > _MOST:
        return [(0, rows)]
    edges = [0]
    for start, stop in zip(starts[thick].tolist(), stops[thick].tolist(), strict=True):
        beside = [row for row in (start - _BLEND, stop - 1 + _BLEND) if 0 <= row < rows]
        if beside and unlike(pixels[np.array(beside)[:, None], many], colours[start]).mean(axis=1).min() >= _ENDS:
            edges += [start, stop]
    edges.append(rows)
    return [(first, last) for first, last in zip(edges[::2], edges[1::2], strict=True) if last - first >= least]
