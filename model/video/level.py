"""The floor of a film: its height and its slope, by where feet stood on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LEVEL, _STEP = 0.1, 0.13
"""Metres: feet on one level are less apart, and those who crouch come out lower by somewhat more; steps are higher."""
_HARDLY = 0.05  # of the time, at most, feet seem to stand lower than the floor
_OFF = 0.04
"""Metres: how far off the floor a footprint may be."""
_GROSS = 2.5  # times as far: footprints beyond count less and less (Geman and McClure), and are on something else
_NEARLY_ALL, _NEAR = 0.8, 1.5  # of the footprints, and times `_OFF` from one plane, or the floor has steps
_STEEPEST = np.tan(np.radians(5.0))  # up is hardly more off than that in a film: what is steeper goes up or down
_ROUNDS = 10


class Footing(NamedTuple):
    """Where somebody was borne by the floor, n times: by a foot in a frame."""

    places: np.ndarray
    """(n, 3) metres, y up."""
    stance: np.ndarray
    """(n,) int: which times are of one foot that stayed."""
    upright: np.ndarray
    """(n,) bool: whether she stood on it, and neither lay nor knelt."""


def find_floor(footings: Sequence[Footing], spread: float) -> tuple[np.ndarray, float]:
    """The floor's normal (3,), and how far along it from the origin the floor is, metres; by who stands, if one does.

    Args:
        footings: Of all people.
        spread: Radians: standard error of up about an axis.
    """
    upright = any(footing.upright.any() for footing in footings)
    steps, counts, ways = [], [], []
    for footing in footings:
        counted = footing.upright if upright else ~footing.upright
        _, run, count = np.unique(footing.stance[counted], return_inverse=True, return_counts=True)
        sums = [np.bincount(run, along, len(count)) for along in footing.places[counted].T]
        own = np.stack(sums, axis=1) / count[:, None]
        steps.append(own)
        counts.append(count)
        if len(own):
            ways.append(own - np.median(own, axis=0))  # of several people, sizes are less sure than each one's way
    places = np.concatenate(steps)
    rise = slope(np.concatenate(ways), spread) if upright else np.zeros(2)
    normal = np.array([-rise[0], 1.0, -rise[1]])
    normal /= np.linalg.norm(normal)
    return normal, lowest_level(np.repeat(places @ normal, np.concatenate(counts)))


def lowest_level(heights: np.ndarray) -> float:
    """The floor's height by those (n,) of feet that stand, metres: of several levels, such as stairs, the lowest."""
    usual = np.median(heights)
    lowest = np.median(heights[heights <= np.quantile(heights, _HARDLY) + LEVEL])
    return float(lowest if usual - lowest > _STEP else usual)


def slope(footprints: np.ndarray, spread: float) -> np.ndarray:
    """How many metres a floor that is level rises for each metre along x and z, since up is a few degrees off.

    Stairs are steeper than up may be wrong; a ramp that is as gentle is not told from a floor.

    Args:
        footprints: (n, 3) metres, y up: where feet stood, from the median of each one's, a row for each time that one
            was put down.
        spread: Radians: standard error of up about an axis.
    """
    flat = np.zeros(2)
    if len(footprints) < 3:
        return flat
    level, height = footprints[:, [0, 2]], footprints[:, 1]
    design = np.column_stack([level, np.ones(len(level))]) / _OFF
    prior = np.diag([spread**-2.0, spread**-2.0, 0.0])
    found, weight = np.zeros(3), np.ones(len(level))
    for _ in range(_ROUNDS):
        weighted = design * weight[:, None]
        found = np.linalg.solve(weighted.T @ design + prior, weighted.T @ height / _OFF)
        off = design @ found - height / _OFF
        weight = 1 / np.square(1 + np.square(off / _GROSS))
    steep = np.linalg.norm(found[:2]) > _STEEPEST
    return flat if steep or (np.abs(off) < _NEAR).mean() < _NEARLY_ALL else found[:2]
