"""The floor on which several people walk, as networks see them, by all their feet: one plane, nearly across up.

Bodies say where up is to a few degrees, and come out leaning alike. How large people look here and there says it, too:
far better where they walk far below the camera, and not at all where it looks along the floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from model.body.rotations import smallest_rotation
from model.joints import COCO_JOINTS
from model.scene.balance import balance, unit
from model.scene.lines import Lines
from model.scene.up import Up, estimate_up
from model.video.tracks import Track

_LEAN = np.radians(3.0)
"""Standard error of up by how people hold themselves, beside what it tells of itself: they come out leaning alike."""
_SIZE, _ODD = 0.08, 2.5
"""Standard deviation of the logarithm of a person's size, and times that: nobody's is farther off."""
_STEP, _PACE = 0.03, 1.0
"""Standard deviation of the logarithm of how high the camera seems to be above a foot, a mean of so many seconds."""
_LEAST = 1.0  # seconds of feet in all, or there is no plane
_LIFTED = 0.03  # metres, likewise: ankles go up and down
_GROSS = 2.5
"""Times these: feet beyond are on something else, or off all floors, and count less and less (Geman and McClure)."""
LEVEL = 3.0
"""Standard errors that a floor slopes at most, or people climb stairs, or do not walk on one floor."""
_ROUGH = 4.0
HIGH = 2.5
"""Metres above the floor: from lower cameras a step looks like another size, and bodies tell up as well."""
_FRAMES = 100  # of each person that are looked at
_SEEN = 0.3  # confidence of ankles that were seen
_LOWEST = 0.05  # metres that a camera is above feet, at least
_ANKLES = [COCO_JOINTS.index(f"{side}_ankle") for side in ("left", "right")]


class Plane(NamedTuple):
    """Where feet are, at best."""

    up: Up
    """Its normal."""
    tilt: float
    """By how many standard errors that is off the up that people and lines tell; infinite if hardly a foot was seen."""
    below: float
    """Metres: how far it is below the camera."""
    sizes: np.ndarray
    """By how much to scale each person about the camera, and her feet are on it; 1 of who stands on something else."""
    cost: float
    """How far feet, up and sizes are off in all, in squared standard errors."""


@dataclass(frozen=True)
class Walker:
    """N of a person's frames, before a camera that stands still."""

    joints: np.ndarray
    """(N, 17, 3) metres, in the camera's axes, about the root."""
    places: np.ndarray
    """(N, 3) metres: where the root is before the camera."""
    confidence: np.ndarray
    """(N, 17)."""
    counts: np.ndarray
    """(N,) how much each frame's feet count: all those of a second as much as one."""

    @classmethod
    def of(cls, track: Track) -> Walker:
        """Of a track as networks saw her."""
        frames = track.some(_FRAMES)
        people = [track.people[index] for index in frames]
        confidence = np.array([person.keypoints_2d[:, 2] for person in people])
        steps = np.diff(np.array(track.times)[frames], prepend=track.times[0])
        seen = confidence[:, _ANKLES].min(axis=1) > _SEEN
        return cls(
            np.array([person.joints for person in people], np.float64),
            np.array([person.camera.translation for person in people]),
            confidence,
            np.minimum(steps / _PACE, 1.0) * seen,
        )

    def through(self, factor: float) -> Walker:
        """The same frames, if the lens is so many times as long."""
        joints = self.joints @ np.swapaxes(turns_through(self.places, factor), 1, 2)
        return Walker(joints, self.places * [1.0, 1.0, factor], self.confidence, self.counts)


def turns_through(places: np.ndarray, factor: float) -> np.ndarray:
    """(N, 3, 3) how the rays turn on which places (N, 3) are seen, if the lens is so many times as long."""
    return smallest_rotation(unit(places), unit(places * [1.0, 1.0, factor]))


def find_plane(walkers: Sequence[Walker], lines: Lines | None = None) -> Plane:
    """One least squares over all frames, of the normal, which up is near, the camera's height, and each one's size.

    Args:
        walkers: Everybody in a shot.
        lines: Of one of its frames.
    """
    joints = np.concatenate([walker.joints + walker.places[:, None] for walker in walkers])
    whose = np.repeat(np.arange(len(walkers)), [len(walker.places) for walker in walkers])
    told = balance(joints, np.concatenate([walker.confidence for walker in walkers]))
    up = estimate_up(told, person=whose.tolist(), lines=lines)
    ankles = joints[:, _ANKLES]  # (N, 2, 3)
    feet = ankles[np.arange(len(ankles)), (ankles @ up.direction).argmin(axis=1)]
    counts = np.sqrt(np.concatenate([walker.counts for walker in walkers]) * told.on_feet)
    if np.square(counts).sum() < _LEAST:
        return Plane(up, np.inf, 0.0, np.ones(len(walkers)), 0.0)
    across = unit(np.cross(up.direction, [0.0, 0.0, 1.0]))
    axes, spread = np.stack([across, np.cross(up.direction, across)]), np.hypot(up.spread, _LEAN)

    def off(unknown: np.ndarray, step: float = _STEP) -> np.ndarray:
        tilt, above, sizes = unknown[:2], unknown[2], unknown[3:]
        height = np.log(np.maximum(-(feet @ (up.direction + tilt @ axes)), _LOWEST)) + sizes[whose]
        return np.concatenate([counts * (height - above) / step, tilt / spread, sizes / _SIZE])

    def loss(squares: np.ndarray) -> np.ndarray:
        rho = np.stack([squares, np.ones_like(squares), np.zeros_like(squares)])
        steps = squares[: len(feet)]
        rho[:, : len(feet)] = steps / (1 + steps), (1 + steps) ** -2.0, -2 * (1 + steps) ** -3.0
        return rho

    start = np.zeros(3 + len(walkers))
    start[2] = np.median(np.log(np.maximum(-(feet @ up.direction), _LOWEST)))
    near = least_squares(off, start, loss=loss, f_scale=_ROUGH * _GROSS).x  # lest it begins where half of all are off
    step = np.hypot(_STEP, _LIFTED / np.exp(near[2]))
    found = least_squares(off, near, loss=loss, f_scale=_GROSS, args=(step,))
    tilt, errors = found.x[:2], np.linalg.inv(found.jac.T @ found.jac)[:2, :2]
    normal = replace(up, direction=unit(up.direction + tilt @ axes), spread=float(np.sqrt(np.trace(errors) / 2)))
    sizes = np.where(np.abs(found.x[3:]) < _ODD * _SIZE, np.exp(found.x[3:]), 1.0)
    below = float(np.exp(found.x[2]))
    return Plane(normal, float(np.linalg.norm(tilt) / spread), below, sizes, 2 * float(found.cost))
