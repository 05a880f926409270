"""Points of a film's background, followed from a picture in which they were chosen, and how the camera turned since."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from model.body.alignment import nearest_rotation
from model.interfaces import Box

_POINTS = 100
_CELLS, _FEWEST = 4, 5
"""Points of one part of the picture may be somebody's who was not found: they must lie in so many of 4 x 4 cells."""
_MARGIN, _WINDOW = 0.1, 21
"""Of a person's box, which is left out with this around it, and pixels: a window that shows her edge goes with her."""
_UNLIKE = 16.0  # of 255 in the mean of a window: points about which the picture changed so were lost on the way
_NOISE = 1.0  # pixels: points that are farther off count less and less (Geman and McClure)
_BESIDE = 3.0
"""Pixels that a point may be beside where a turn has it: hands sway by centimetres, too, which what is near shows."""
_WIDE, _NEAR = (16.0, 8.0, 4.0, 2.0, 1.0, 1.0), (2.0, 1.0, 1.0)
"""Times that, round by round: from anywhere, and from a turn that is nearly right."""
_HARDLY = 0.02
"""Squared pixels by which a turn must be better than none: so a camera on a tripod does not tremble."""
_KEPT = 0.6  # share of the points that should still be seen


class Background:
    """Chooses points in a picture and follows them into later ones.

    Args:
        grey: (H, W) uint8.
        people: Where people are in it, pixels, who are no background.
        focal_length: Pixels; the principal point is in the picture's middle.
    """

    def __init__(self, grey: np.ndarray, people: Sequence[Box], focal_length: float) -> None:
        self._grey, self._focal_length = grey, focal_length
        self._middle = np.array(grey.shape[::-1]) / 2 - 0.5  # OpenCV has the centre of the first pixel at 0
        points = cv2.goodFeaturesToTrack(grey, _POINTS, 0.01, 5, mask=_mask(grey.shape, people))
        self._points = np.zeros((0, 2), np.float32) if points is None else points.reshape(-1, 2)
        self._rays = self._to_rays(self._points)
        self.turn = np.eye(3)
        """(3, 3) from the axes of the last picture's camera to those of this one's."""
        self.explained = 1.0
        """Share of the points that went as that turn says."""
        self.fades = False
        """Whether so many points are lost that it is time to choose others."""

    def follow(self, grey: np.ndarray) -> bool:
        """Finds the turn of another picture, likewise; False if too few points are seen in it, which changes nothing.

        The pictures before tell where to look for them.
        """
        if len(self._points) < _FEWEST:
            return False
        guess = self._to_pixels(self._rays @ self.turn)
        there, found, off = _flow(self._grey, grey, self._points, guess)
        sure = (found.ravel() == 1) & (off.ravel() < _UNLIKE)
        cells = (self._points * _CELLS / grey.shape[::-1]).astype(int) @ (1, _CELLS)
        kept, own, counts = np.unique(cells[sure], return_inverse=True, return_counts=True)
        if len(kept) < _FEWEST:
            return False
        self.fades = sure.mean() < _KEPT
        weights = 1 / counts[own] / len(kept)  # parts of the picture count alike, however many points they have
        now, then = self._to_rays(there[sure]), self._rays[sure]
        turns = [np.eye(3)] + [self._fit(now, then, weights, self.turn, scales) for scales in (_NEAR, _WIDE)]
        off = np.stack([self._off(now, then, turn) for turn in turns])  # (3, n)
        costs = (weights * off / (1 + off)).sum(axis=1) + _HARDLY / _NOISE**2 * np.array([0, 1, 1])
        best = int(costs.argmin())
        self.turn, self.explained = turns[best], float(weights[off[best] < (_BESIDE / _NOISE) ** 2].sum())
        return True

    def _fit(
        self, now: np.ndarray, then: np.ndarray, weights: np.ndarray, turn: np.ndarray, scales: Sequence[float]
    ) -> np.ndarray:
        """The turn that takes rays (n, 3) to others, robustly, from one that is more or less right."""
        for scale in scales:
            robust = weights / np.square(1 + self._off(now, then, turn) / scale**2)
            turn = nearest_rotation(then.T @ (robust[:, None] * now))
        return turn

    def _off(self, now: np.ndarray, then: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """(n,) squares of how far rays are off after a turn, in units of the noise."""
        off: np.ndarray = np.square((now @ turn.T - then) * (self._focal_length / _NOISE)).sum(axis=1)
        return off

    def _to_rays(self, points: np.ndarray) -> np.ndarray:
        """Unit vectors (n, 3) towards points (n, 2) of a picture."""
        rays = np.pad((points - self._middle) / self._focal_length, ((0, 0), (0, 1)), constant_values=1.0)
        unit: np.ndarray = rays / np.linalg.norm(rays, axis=1, keepdims=True)
        return unit

    def _to_pixels(self, rays: np.ndarray) -> np.ndarray:
        pixels = self._focal_length * rays[:, :2] / np.maximum(rays[:, 2:], 1e-3) + self._middle
        return pixels.astype(np.float32)


def _flow(
    one: np.ndarray, other: np.ndarray, points: np.ndarray, guess: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return cv2.calcOpticalFlowPyrLK(one, other, points, guess.copy(), flags=cv2.OPTFLOW_USE_INITIAL_FLOW)


def _mask(shape: tuple[int, int], people: Sequence[Box]) -> np.ndarray:
    """(H, W) uint8: 0 where people are, 255 elsewhere."""
    mask = np.full(shape, 255, np.uint8)
    for x, y, w, h in people:
        across, down = _MARGIN * w + _WINDOW, _MARGIN * h + _WINDOW
        left, top, right, bottom = x - across, y - down, x + w + across, y + h + down
        left, top, right, bottom = (int(np.clip(side, 0, max(shape))) for side in (left, top, right, bottom))
        mask[top:bottom, left:right] = 0
    return mask
