"""Points of a film's background, followed from a picture in which they were chosen, and what the camera did since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
_MOST, _MORE = 0.7, 0.15
"""Shares of the background that a zoom must explain, and more than a turn alone does."""
_ZOOM = 1.5  # times, at most, from where points were chosen
_KEPT = 0.6  # share of the points that should still be seen


class Change(NamedTuple):
    """What a camera did from one picture to another."""

    turn: np.ndarray
    """(3, 3) from the axes of the other picture's camera to those of the one's."""
    zoom: float
    """How many times as long its lens is there."""


class Matches(NamedTuple):
    """Points of one picture that are seen in another."""

    pixels: np.ndarray
    """(n, 2) there, about the middle."""
    rays: np.ndarray
    """(n, 3) unit vectors towards them here."""
    weights: np.ndarray
    """(n,) what each counts; their sum is 1."""


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
        self._rays = self._to_rays(self._points - self._middle)
        self.change = Change(np.eye(3), 1.0)
        """Of the last picture's camera."""
        self.explained = 1.0
        """Share of the points that went as that says."""
        self.fades = False
        """Whether so many points are lost that it is time to choose others."""

    def follow(self, grey: np.ndarray) -> bool:
        """Finds the change to another picture, likewise; False if too few points are seen in it, which changes nothing.

        The pictures before tell where to look for them.
        """
        if len(self._points) < _FEWEST:
            return False
        guess = (self._project(self._rays, self.change) + self._middle).astype(np.float32)
        flags = cv2.OPTFLOW_USE_INITIAL_FLOW
        there, found, unlike = cv2.calcOpticalFlowPyrLK(self._grey, grey, self._points, guess, flags=flags)
        sure = (found.ravel() == 1) & (unlike.ravel() < _UNLIKE)
        cells = (self._points * _CELLS / grey.shape[::-1]).astype(int) @ (1, _CELLS)
        kept, own, counts = np.unique(cells[sure], return_inverse=True, return_counts=True)
        if len(kept) < _FEWEST:
            return False
        self.fades = sure.mean() < _KEPT
        weights = 1 / counts[own] / len(kept)  # parts of the picture count alike, however many points they have
        seen = Matches(there[sure] - self._middle, self._rays[sure], weights)
        self.change = self._best(
            seen, [Change(np.eye(3), 1.0), *(self._fit(seen, rounds) for rounds in (_NEAR, _WIDE))]
        )
        if (told := self._share(seen, self.change, _NOISE)) < _MOST:
            zoomed = self._best(seen, [self._fit(seen, rounds, zooms=True) for rounds in (_NEAR, _WIDE)])
            # What goes by near things looks like a zoom, too, but not everywhere.
            if self._share(seen, zoomed, _NOISE) > max(_MOST, told + _MORE):
                self.change = zoomed
        self.explained = self._share(seen, self.change, _BESIDE)
        return True

    def _best(self, seen: Matches, changes: Sequence[Change]) -> Change:
        """Of some changes that under which most points are where they should be; the first one if others hardly are."""
        off = np.stack([self._off(seen, change) for change in changes])  # (C, n)
        costs = (seen.weights * off / (1 + off)).sum(axis=1)
        costs[1:] += _HARDLY
        return changes[int(costs.argmin())]

    def _share(self, seen: Matches, change: Change, near: float) -> float:
        """Of the points that are so many pixels from where they should be, at most."""
        return float(seen.weights[self._off(seen, change) < (near / _NOISE) ** 2].sum())

    def _fit(self, seen: Matches, rounds: Sequence[float], zooms: bool = False) -> Change:
        """The change that takes points to where they are seen, robustly, from one that is more or less right."""
        turn, zoom = self.change if zooms else (self.change.turn, 1.0)
        for scale in rounds:
            robust = seen.weights / np.square(1 + self._off(seen, Change(turn, zoom)) / scale**2)
            turn = nearest_rotation(seen.rays.T @ (robust[:, None] * self._to_rays(seen.pixels / zoom)))
            if zooms:
                ahead = self._project(seen.rays, Change(turn, 1.0))
                both, alone = (robust @ (ahead * other).sum(axis=1) for other in (seen.pixels, ahead))
                zoom = float(np.clip(both / max(alone, 1e-9), 1 / _ZOOM, _ZOOM))
        return Change(turn, zoom)

    def _off(self, seen: Matches, change: Change) -> np.ndarray:
        """(n,) squares of how far points are beside where the change has them, in units of the noise."""
        off: np.ndarray = np.square((self._project(seen.rays, change) - seen.pixels) / _NOISE).sum(axis=1)
        return off

    def _to_rays(self, pixels: np.ndarray) -> np.ndarray:
        """Unit vectors (n, 3) towards points (n, 2) about a picture's middle."""
        rays = np.pad(pixels / self._focal_length, ((0, 0), (0, 1)), constant_values=1.0)
        unit: np.ndarray = rays / np.linalg.norm(rays, axis=1, keepdims=True)
        return unit

    def _project(self, rays: np.ndarray, change: Change) -> np.ndarray:
        """Where points are (n, 2) about the middle of a picture after a change."""
        turned = rays @ change.turn
        pixels: np.ndarray = change.zoom * self._focal_length * turned[:, :2] / np.maximum(turned[:, 2:], 1e-3)
        return pixels


def _mask(shape: tuple[int, int], people: Sequence[Box]) -> np.ndarray:
    """(H, W) uint8: 0 where people are, 255 elsewhere."""
    mask = np.full(shape, 255, np.uint8)
    for x, y, w, h in people:
        across, down = _MARGIN * w + _WINDOW, _MARGIN * h + _WINDOW
        left, top, right, bottom = x - across, y - down, x + w + across, y + h + down
        left, top, right, bottom = (int(np.clip(side, 0, max(shape))) for side in (left, top, right, bottom))
        mask[top:bottom, left:right] = 0
    return mask
