"""A vertical film before a blurred copy of itself, which fills a wide frame, or the other way round: where it is.

The copy is as smooth on both sides, ends along straight lines, and shows what the picture does, only larger.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from model.interfaces import Box

_SIDE = 256  # pixels of the frames' longer side: what is blurred is smooth even so
_LEAST, _MOST = 0.06, 0.4  # of the frame's width, each of both sides
_SMOOTH = 0.4  # times the detail of the picture, at most, has the copy
_LINE = 3.0  # times the steps in the copy is that from it to the picture, at least
_COARSE = 12  # rows in which copy and picture are compared
_ALIKE = 0.85  # correlation of these, at least


def before_blur(frames: Sequence[np.ndarray]) -> Box | None:
    """The box of the picture in frames (H, W, 3) uint8 of a film; None if it is all of them."""
    height, width = frames[0].shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(scale * width)), max(1, round(scale * height))
    small = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]).astype(np.float32)
    for axis, length in enumerate(small.shape[2:0:-1]):
        if (side := _side(small if axis == 0 else np.swapaxes(small, 1, 2))) is not None:
            beside = side / length * np.array([width, height]) * (np.arange(2) == axis)
            x, y = beside.tolist()
            return x, y, width - 2 * x, height - 2 * y
    return None


def _side(frames: np.ndarray) -> int | None:
    """How many columns on each side of frames (T, H, W, 3) are a blurred copy of those between; None if none are."""
    width = frames.shape[2]
    if min(frames.shape[1:3]) < 2 * _COARSE:
        return None
    grey = frames.mean(axis=3)
    detail = np.abs(np.diff(grey, axis=1)).mean(axis=(0, 1))  # (W,)
    steps = np.abs(np.diff(grey, axis=2)).mean(axis=(0, 1))  # (W - 1,)
    both, lines = np.maximum(detail, detail[::-1]), np.minimum(steps, steps[::-1])
    for side in range(int(_MOST * width), int(_LEAST * width), -1):
        copy, picture = both[: side - 1], detail[side + 1 : width - side - 1]
        is_smooth = copy.max() < _SMOOTH * np.median(picture)
        if is_smooth and lines[side - 1] > _LINE * steps[: side - 2].mean() and _is_copy(frames, side):
            return side
    return None


def _is_copy(frames: np.ndarray, side: int) -> bool:
    """Whether the outer columns show what the inner ones do where these are enlarged to all of the width."""
    height, width = frames.shape[1:3]
    likeness = []
    for frame in frames:
        picture = frame[:, side : width - side]
        tall = round(height * width / picture.shape[1])
        enlarged = cv2.resize(picture, (width, tall), interpolation=cv2.INTER_AREA)[(tall - height) // 2 :][:height]
        parts = (np.concatenate([whole[:, : side - 1], whole[:, 1 - side :]], axis=1) for whole in (frame, enlarged))
        own, other = (cv2.resize(part, (2 * _COARSE, _COARSE), interpolation=cv2.INTER_AREA).ravel() for part in parts)
        likeness.append(np.corrcoef(own, other)[0, 1] if min(own.std(), other.std()) > 1 else 0.0)
    return float(np.median(likeness)) > _ALIKE
