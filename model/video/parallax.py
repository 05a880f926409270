"""What a camera that goes somewhere does, by points of the background that are seen in two of its pictures.

How two views of the same points go together, however far away these are, is the essential matrix. It says how the
camera turned, and, since there is none for a lens that was taken for another one, what lens it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

_ENOUGH, _AGREE, _SURELY = 25, 0.7, 0.4
"""Points by which a camera's turn is told; pixels that they may be off, and the share of them that must not be farther
off."""
_FACTORS = np.exp(np.arange(-6, 7) / 10)
"""By which the lens may be another one."""
_FEWEST, _MOST = 6, 24
"""Pairs of pictures that tell it, all of the shot's if there are no more."""
_USUAL = 0.3
"""Standard deviation of its logarithm: most films are phones'."""
_LEAST = 0.005  # that a lens costs: points that any explains exactly tell none
_DOUBT, _BETTER = 0.05, 0.9
"""Share of the cost that one such deviation adds; and of what the lens costs as it was taken, to be another one."""


class Pair(NamedTuple):
    """Points of one picture that are seen in a later one."""

    since: int
    """The number of the one,"""
    number: int
    """and of the later one."""
    focal_length: float
    """Pixels, as it is taken."""
    here: np.ndarray
    """(n, 2) float32 pixels about the middle, in the one,"""
    there: np.ndarray
    """and in the later one."""
    turn: np.ndarray | None
    """(3, 3) from the later camera's axes to the one's, if a turn alone explains that; then there are no points."""

    def turned(self, factor: float = 1.0) -> np.ndarray | None:
        """(3, 3) how the camera turned if its lens is so many times as long; None if that is not sure."""
        if self.turn is not None:
            # Of some degrees, which moved the background by as many pixels.
            vector = Rotation.from_matrix(self.turn).as_rotvec() / [factor, factor, 1.0]
            return Rotation.from_rotvec(vector).as_matrix()
        if len(self.here) < _ENOUGH:
            return None
        essential, here, there, agree = self._essential(factor)
        if essential is None:
            return None
        count, turn, _, _ = cv2.recoverPose(essential, here, there, np.eye(3), mask=agree)
        return turn.T if count > _SURELY * len(self.here) else None

    def cost(self, factor: float) -> float:
        """How badly the points go together if the lens is so many times as long, 0 to 1."""
        essential, here, there, _ = self._essential(factor)
        if essential is None:
            return 1.0
        here, there = (np.pad(view, ((0, 0), (0, 1)), constant_values=1.0) for view in (here, there))
        lines, back = here @ essential.T, there @ essential
        # Sampson's distance, squared, by what points may be off.
        slopes = np.square(lines[:, :2]).sum(axis=1) + np.square(back[:, :2]).sum(axis=1)
        off = np.square((there * lines).sum(axis=1)) / slopes * (factor * self.focal_length / _AGREE) ** 2
        return float((off / (1 + off)).mean())

    def _essential(self, factor: float) -> tuple[np.ndarray | None, np.ndarray, np.ndarray, np.ndarray]:
        """The essential matrix, where the points are in both views (n, 2) by that lens, and which of them agree."""
        lens = factor * self.focal_length
        here, there = (view.astype(np.float64) / lens for view in (self.here, self.there))
        found, agree = cv2.findEssentialMat(here, there, np.eye(3), cv2.USAC_ACCURATE, 0.999, _AGREE / lens)
        return (found if found is not None and found.shape == (3, 3) else None), here, there, agree


def lens_of_views(pairs: Sequence[Pair]) -> float:
    """How many times as long the lens is as it was taken for; 1 where the pictures do not tell.

    Args:
        pairs: Of one shot by one lens.
    """
    telling = [pair for pair in pairs if len(pair.here) >= _ENOUGH]
    if len(telling) < _FEWEST:
        return 1.0
    some = [telling[index] for index in np.linspace(0, len(telling) - 1, min(_MOST, len(telling))).round().astype(int)]
    costs = _LEAST + np.array([np.mean([pair.cost(factor) for pair in some]) for factor in _FACTORS.tolist()])
    usual = costs[np.abs(np.log(_FACTORS)).argmin()]
    costs *= 1 + _DOUBT * np.square(np.log(_FACTORS) / _USUAL)
    best = int(costs.argmin())
    return float(_FACTORS[best]) if costs[best] < _BETTER * usual else 1.0
