"""A room as a camera sees it that goes about in it: near things move more than far ones."""

from __future__ import annotations

import cv2
import numpy as np

from training.images.rendered.scenery import background

_WIDE, _HIGH = 16.0, 3.4  # metres from wall to wall, and from floor to ceiling
_PAPER, _METRES = 768, 5.0  # pixels of a side of the papers that cover all six sides, and how large these are
_SIDES = ((2, 0.0), (2, _HIGH), (0, -_WIDE / 2), (0, _WIDE / 2), (1, -_WIDE / 2), (1, _WIDE / 2))
"""Floor, ceiling and walls: which coordinate is so many metres there."""


class Room:
    """A room about the origin, z up, the floor at 0, papered with made-up scenes."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._papers = [background(rng, _PAPER) for _ in _SIDES]

    def seen(self, eye: np.ndarray, turn: np.ndarray, focal_length: float, size: int) -> np.ndarray:
        """(size, size, 3) float32 RGB in 0..255: what a camera sees of it.

        Args:
            eye: (3,) metres: where it is, inside.
            turn: (3, 3) to its axes, x right, y down, z ahead.
            focal_length: pixels.
            size: pixels of a side.
        """
        across = (np.arange(size, dtype=np.float32) + 0.5 - size / 2) / np.float32(focal_length)
        right, down, ahead = turn.astype(np.float32)
        rays = across[None, :, None] * right + across[:, None, None] * down + ahead  # (S, S, 3)
        picture = np.zeros((size, size, 3), np.float32)
        nearest = np.full((size, size), np.inf, np.float32)
        for (axis, place), paper in zip(_SIDES, self._papers, strict=True):
            with np.errstate(divide="ignore", invalid="ignore"):
                away = np.float32(place - eye[axis]) / rays[..., axis]
            here = (away > 0) & (away < nearest)
            along = [other for other in range(3) if other != axis]
            x, y = ((eye[other] + np.where(here, away, 0) * rays[..., other]) * (_PAPER / _METRES) for other in along)
            x, y = (np.mod(each, _PAPER).astype(np.float32) for each in (x, y))
            np.copyto(
                picture, cv2.remap(paper, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), where=here[..., None]
            )
            np.copyto(nearest, away, where=here)
        return picture
