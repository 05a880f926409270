"""Who is a child, by the ground that people share and by their heads.

In one view a child is an adult who is farther away: a mesh network that knows adults answers one. But then her feet are
below the ground on which the others stand. How large she is there, how large her head is beside her body, and how rare
children are, are weighed for all heights of the camera and errors of the up direction at once. An adult who becomes a
child is worse than a child who stays an adult: whoever is not surely one stays grown up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.scene.ground import CONTACT, HEIGHTS, SIZE
from model.scene.up import Up

_CHILDREN = 0.2
"""Their share among people in photos."""
_ELSEWHERE, _ANY_SIZE = 0.15, 0.4
"""Share of people who do not stand on the ground of the others, and the density of the logarithm of their sizes."""
_SURE = 0.75
"""Probability from which somebody is a child."""
_KNOWN = 0.03  # standard error of the logarithm of a camera's height that somebody said
_PLANES, _LEANS = 96, 11  # heights of the camera, and errors of up, that are looked at
_WIDEST = 2.5  # standard errors of up
# The logarithm of heads' sizes, see `model.body.head`, of rendered people of training and validation, by age.
_AGES = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 18.0)
_HEADS, _HEADS_SPREAD = (-1.56, -1.61, -1.71, -1.77, -1.82, -1.87, -1.9), 0.11
_HAIR, _HAIR_MORE, _HAIR_SPREAD = 0.2, 0.25, 0.2
"""Share of people with hair or hats that stick out, and by how much larger these make heads."""


class Children(NamedTuple):
    """How large children of A ages are."""

    years: np.ndarray
    """(A,)."""
    sizes: np.ndarray
    """(A,) the logarithm of a child's size by that of an adult who covers as much of a picture in the same pose."""


def find_children(
    children: Children,
    up: Up,
    heights: np.ndarray,
    distances: np.ndarray,
    heads: np.ndarray,
    camera_height: float | None = None,
) -> np.ndarray:
    """(P,) how old each of P people is who surely is a child, years; NaN of the others.

    Args:
        children: that there may be; of no age, by a body that knows none, nobody is one.
        up: which way is up.
        heights: (P,) metres that the camera is above each one's feet if she is grown up; NaN of who does not stand.
        distances: (P,) metres from the camera, likewise.
        heads: (P,) `head_size` of each; NaN of those whose is not known.
        camera_height: metres, if it is known.
    """
    found = np.full(len(heights), np.nan)
    standing = np.flatnonzero(np.nan_to_num(heights) > HEIGHTS[0])
    if not len(children.years) or (len(standing) < 2 and camera_height is None):
        return found
    height, distance = heights[standing], distances[standing]
    lean = np.linspace(-_WIDEST, _WIDEST, _LEANS)
    if camera_height is None:
        plane = np.linspace(np.log(height.min()) - 1, np.log(height.max()) + 0.5, _PLANES)
        weight = np.zeros(_PLANES)
    else:
        plane = np.log(camera_height) + _KNOWN * lean
        weight = -0.5 * np.square(lean)
    # The logarithm of the size of each who would stand there: (planes, leans, people).
    above = np.maximum(height - distance * up.spread * lean[:, None], HEIGHTS[0])
    size = plane[:, None, None] - np.log(above)
    variance = SIZE**2 + np.square(CONTACT / above)
    head = heads[standing]
    grown_up, young = _head_likelihoods(head, children.years)  # (P,), (P, A)
    adult = (1 - _CHILDREN) * grown_up
    child = _CHILDREN / len(children.years) * young
    of_adult = adult * ((1 - _ELSEWHERE) * _normal(size, variance) + _ELSEWHERE * _ANY_SIZE)
    there = _normal(size[..., None] - children.sizes, variance[..., None])
    of_child = child * ((1 - _ELSEWHERE) * there + _ELSEWHERE * _ANY_SIZE)  # (planes, leans, people, ages)
    total = of_adult + of_child.sum(axis=-1)
    log = np.log(total).sum(axis=-1) + weight[:, None] - 0.5 * np.square(lean)
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    ages = np.einsum("hl,hlpa->pa", mass, of_child / total[..., None])  # probabilities
    surely = ages.sum(axis=1) >= _SURE
    found[standing[surely]] = ages[surely] @ children.years / ages[surely].sum(axis=1)
    return found


def _head_likelihoods(heads: np.ndarray, years: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How likely such heads (P,) are of adults (P,) and of children of A ages (P, A); 1 where none is known."""
    off, spread = heads - _HEADS[-1], _HEADS_SPREAD**2
    grown_up = (1 - _HAIR) * _normal(off, np.full_like(off, spread))
    grown_up += _HAIR * _normal(off - _HAIR_MORE, np.full_like(off, _HAIR_SPREAD**2))
    off = heads[:, None] - np.interp(years, _AGES, _HEADS)
    young = (1 - _HAIR) * _normal(off, np.full_like(off, spread))
    young += _HAIR * _normal(off - _HAIR_MORE, np.full_like(off, _HAIR_SPREAD**2))
    unknown = np.isnan(heads)
    return np.where(unknown, 1.0, grown_up), np.where(unknown[:, None], 1.0, young)


def _normal(off: np.ndarray, variance: np.ndarray) -> np.ndarray:
    density: np.ndarray = np.exp(-0.5 * np.square(off) / variance) / np.sqrt(2 * np.pi * variance)
    return density
