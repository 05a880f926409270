"""Points of a film's background, looked for in later pictures than that in which they were chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from model.body.alignment import nearest_rotation
from model.interfaces import Box
from model.video.parallax import Pair

_POINTS = 100
_CELLS, _FEWEST = 4, 5
"""Points of one part of the picture may be somebody's who was not found: they must lie in so many of 4 x 4 cells."""
_MARGIN, _WINDOW = 0.1, 21
"""Of a person's box, which is left out with this around it, and pixels: a window that shows her edge goes with her."""
_UNLIKE, _NOISIER = 16.0, 2.0
"""Of 255 in the mean of a window: points about which the picture changed so were lost on the way, unless a quarter of
all, where it is dark, changed by more than so many times less."""
_BRIGHTER = 4.0  # times, at most: what lamps and the camera's exposure do from one picture to another
_NOISE = 1.0  # pixels: points that are farther off count less and less (Geman and McClure)
_BESIDE, _EXPLAINED = 3.0, 0.6
"""Pixels that a point may be beside where a turn has it: hands sway by centimetres, too, which what is near shows. And
share of the points that must not be farther off."""
_WIDE, _NEAR = (16.0, 8.0, 4.0, 2.0, 1.0, 1.0), (2.0, 1.0, 1.0)
"""Times that, round by round: from anywhere, and from a turn that is nearly right."""
_HARDLY, _CHANCE = 0.02, 6.0
"""Squared pixels by which a turn must be better than none, so that a camera on a tripod does not tremble; and how much
more than one point, of as many as there are, its three numbers may explain by chance."""
_STAYS, _EXACTLY, _APART = 0.25, 0.3, 2.0
"""Share of the background, and pixels: if so much stays exactly where it is, and a turn would move it so far, the
camera stands still, whatever passes before it."""
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


SAME = Change(np.eye(3), 1.0)


class Matches(NamedTuple):
    """Points of one picture that are seen in another."""

    pixels: np.ndarray
    """(n, 2) there, about the middle."""
    rays: np.ndarray
    """(n, 3) unit vectors towards them here."""
    weights: np.ndarray
    """(n,) what each counts; their sum is 1."""


class Followed(NamedTuple):
    """What another picture shows of a background."""

    change: Change
    """Of the camera since points were chosen."""
    explained: float
    """Share of the points that went as that says."""
    fades: bool
    """Whether so many points are lost that it is time to choose others."""
    seen: Matches
    """The points."""

    @property
    def holds(self) -> bool:
        """Whether that explains what is seen."""
        return self.explained >= _EXPLAINED


class Background:
    """Chooses points in a picture and looks for them in others.

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
        self._brightness = _brightness(grey, self._points)

    def follow(self, grey: np.ndarray, before: Change) -> Followed | None:
        """Finds the change to another picture, likewise; None if too few points are seen in it.

        Args:
            grey: (H, W) uint8.
            before: The change to the picture before it, which tells where to look.
        """
        if len(self._points) < _FEWEST:
            return None
        if (near := self._find(grey, before)) is not None and near.holds:
            return near
        # Somebody may have whipped the camera round: then the pictures as wholes say where to look.
        there = self._whipped(grey)
        if self._focal_length * Rotation.from_matrix(before.turn.T @ there.turn).magnitude() < _WINDOW:
            return near
        far = self._find(grey, there)
        return far if far is not None and (near is None or far.holds) else near

    def _find(self, grey: np.ndarray, before: Change) -> Followed | None:
        """The same, from where points may be."""
        guess = (self._project(self._rays, before) + self._middle).astype(np.float32)
        brighter = np.median(self._brightness / _brightness(grey, guess))
        grey = cv2.convertScaleAbs(grey, alpha=float(np.clip(brighter, 1 / _BRIGHTER, _BRIGHTER)))
        flags = cv2.OPTFLOW_USE_INITIAL_FLOW
        there, found, unlike = cv2.calcOpticalFlowPyrLK(self._grey, grey, self._points, guess, flags=flags)
        is_found, unlike = found.ravel() == 1, unlike.ravel()
        usual = np.quantile(unlike[is_found], 0.25) if is_found.any() else 0.0
        sure = is_found & (unlike < max(_UNLIKE, _NOISIER * usual))
        cells = (self._points * _CELLS / grey.shape[::-1]).astype(int) @ (1, _CELLS)
        kept, own, counts = np.unique(cells[sure], return_inverse=True, return_counts=True)
        if len(kept) < _FEWEST:
            return None
        weights = 1 / counts[own] / len(kept)  # parts of the picture count alike, however many points they have
        seen = Matches(there[sure] - self._middle, self._rays[sure], weights)
        change = self._change(seen, before)
        if self._stays(seen, change):
            change = SAME
        return Followed(change, self._share(seen, change, _BESIDE), bool(sure.mean() < _KEPT), seen)

    def pair(self, followed: Followed, since: int, number: int) -> Pair:
        """What it tells of a camera that may go somewhere, too: the pictures' numbers, and what is seen in both."""
        seen, focal = followed.seen, self._focal_length
        if followed.holds:
            nothing = np.zeros((0, 2), np.float32)
            return Pair(since, number, focal, nothing, nothing, followed.change.turn)
        here = focal * seen.rays[:, :2] / seen.rays[:, 2:]
        return Pair(since, number, focal, here.astype(np.float32), seen.pixels.astype(np.float32), None)

    def _change(self, seen: Matches, before: Change) -> Change:
        """The change under which most points are where they should be."""
        turned = [self._fit(seen, Change(before.turn, 1.0), rounds) for rounds in (_NEAR, _WIDE)]
        costs = self._costs(seen, [SAME, *turned])
        costs[1:] *= 1 + _CHANCE * np.square(seen.weights).sum()
        costs[1:] += _HARDLY
        change = [SAME, *turned][int(costs.argmin())]
        if (told := self._share(seen, change, _NOISE)) < _MOST:
            zooms = [self._fit(seen, before, rounds, zooms=True) for rounds in (_NEAR, _WIDE)]
            zoomed = zooms[int(self._costs(seen, zooms).argmin())]
            # What goes by near things looks like a zoom, too, but not everywhere.
            if self._share(seen, zoomed, _NOISE) > max(_MOST, told + _MORE):
                return zoomed
        return change

    def _whipped(self, grey: np.ndarray) -> Change:
        """The turn that shifts all of the picture to where it is in another one, more or less."""
        pictures = self._grey.astype(np.float32), grey.astype(np.float32)
        shift, _ = cv2.phaseCorrelate(*pictures, cv2.createHanningWindow(grey.shape[::-1], cv2.CV_32F))
        # As the ray of the middle turns: about the axis across the shift.
        far = math.hypot(*shift)
        angle = math.atan2(far, self._focal_length) / max(far, 1e-9)
        return Change(Rotation.from_rotvec([angle * shift[1], -angle * shift[0], 0.0]).as_matrix(), 1.0)

    def _stays(self, seen: Matches, change: Change) -> bool:
        """Whether much of the background is exactly where it was, and not where the change has it."""
        is_exact = self._off(seen, SAME) < (_EXACTLY / _NOISE) ** 2
        is_apart = self._off(seen, change) > (_APART / _NOISE) ** 2
        return float(seen.weights[is_exact & is_apart].sum()) > _STAYS

    def _costs(self, seen: Matches, changes: Sequence[Change]) -> np.ndarray:
        """(C,) of some changes, how far points are from where they should be; no point counts more than 1."""
        off = np.stack([self._off(seen, change) for change in changes])  # (C, n)
        costs: np.ndarray = (seen.weights * off / (1 + off)).sum(axis=1)
        return costs

    def _share(self, seen: Matches, change: Change, near: float) -> float:
        """Of the points that are so many pixels from where they should be, at most."""
        return float(seen.weights[self._off(seen, change) < (near / _NOISE) ** 2].sum())

    def _fit(self, seen: Matches, start: Change, rounds: Sequence[float], zooms: bool = False) -> Change:
        """The change that takes points to where they are seen, robustly, from one that is more or less right."""
        turn, zoom = start
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


def _brightness(grey: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n,) how bright a picture is about some points (n, 2)."""
    x, y = points.round().astype(int).clip(0, np.array(grey.shape[::-1]) - 1).T
    bright: np.ndarray = np.maximum(cv2.blur(grey, (_WINDOW, _WINDOW))[y, x].astype(np.float64), 1.0)
    return bright


def _mask(shape: tuple[int, int], people: Sequence[Box]) -> np.ndarray:
    """(H, W) uint8: 0 where people are, 255 elsewhere."""
    mask = np.full(shape, 255, np.uint8)
    for x, y, w, h in people:
        across, down = _MARGIN * w + _WINDOW, _MARGIN * h + _WINDOW
        left, top, right, bottom = x - across, y - down, x + w + across, y + h + down
        left, top, right, bottom = (int(np.clip(side, 0, max(shape))) for side in (left, top, right, bottom))
        mask[top:bottom, left:right] = 0
    return mask
