"""Whether the camera moves: by how points of the background do."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from model.interfaces import Box

_SIDE = 320  # pixels of a picture's longer side: enough to see a camera move
_EVERY = 0.25  # seconds from one picture that is compared to the next
_POINTS = 200
_CELLS, _FEWEST = 4, 5
"""Points of one part of the picture may be somebody's who was not found: they must lie in so many of 4 x 4 cells."""
_MARGIN, _WINDOW = 0.1, 21.0
"""Of a person's box, which is left out with this around it, and pixels: a window that shows her edge goes with her."""
_BACK_AND_FORTH = 1.0  # pixels: points that do not return to where they came from were lost on the way
_MOVES = 0.01
"""Of the picture's longer side that most of the background goes in a step of `_EVERY`: more is a camera that moves."""
_STEPS = 0.2
"""Share of such steps from which on the camera counts as moving; a lorry or a shake alone is less."""


class CameraMotion:
    """Looks at a film's frames as they come, and says in the end whether the camera moved."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._points: np.ndarray | None = None
        self._time = -np.inf
        self._moved: list[bool] = []

    def add(self, time: float, frame: np.ndarray, people: Sequence[Box]) -> None:
        """Look at a frame, if it is time.

        Args:
            time: Seconds, rising.
            frame: (H, W, 3) uint8 RGB.
            people: Where people are in it.
        """
        if time - self._time < _EVERY - 1e-3:
            return
        scale = min(1.0, _SIDE / max(frame.shape[:2]))
        size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
        # Grey first: to average three colours takes three times as long.
        grey = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        if self._before is not None and self._points is not None:
            step = _step(self._before, grey, self._points)
            if step is not None:
                self._moved.append(step > _MOVES * max(size))
        self._before, self._time = grey, time
        self._points = cv2.goodFeaturesToTrack(
            grey, _POINTS, 0.01, 5, mask=_background(size, [tuple(scale * side for side in box) for box in people])
        )

    @property
    def moves(self) -> bool:
        """Whether the camera moved in what was seen so far."""
        return bool(self._moved) and float(np.mean(self._moved)) >= _STEPS


def _step(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> float | None:
    """Pixels that the background goes from one picture to the next, in the median; None if that cannot be said."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, np.empty_like(points))
    back, returned, _ = cv2.calcOpticalFlowPyrLK(after, before, there, np.empty_like(points))
    sure = (found.ravel() == 1) & (returned.ravel() == 1)
    sure &= np.linalg.norm((back - points).reshape(-1, 2), axis=1) < _BACK_AND_FORTH
    at, moved = points.reshape(-1, 2)[sure], np.linalg.norm((there - points).reshape(-1, 2)[sure], axis=1)
    cells = (at * _CELLS / before.shape[1::-1]).astype(int) @ (1, _CELLS)
    if len(np.unique(cells)) < _FEWEST:
        return None
    return float(np.median([np.median(moved[cells == cell]) for cell in np.unique(cells)]))


def _background(size: tuple[int, int], people: Sequence[tuple[float, ...]]) -> np.ndarray:
    """(h, w) uint8: 0 where people are, 255 elsewhere."""
    mask = np.full(size[::-1], 255, np.uint8)
    for x, y, w, h in people:
        across, down = _MARGIN * w + _WINDOW, _MARGIN * h + _WINDOW
        left, top, right, bottom = x - across, y - down, x + w + across, y + h + down
        left, top, right, bottom = (int(np.clip(side, 0, max(size))) for side in (left, top, right, bottom))
        mask[top:bottom, left:right] = 0
    return mask
