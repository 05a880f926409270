"""People's sizes by the ground that they share: who is large and far away looks as who is small and near does.

A person's size and distance scale together, and her picture stays. On one ground her feet say which of the two it is,
as surely as up, the camera's height and her contact with the ground are known; the network's answer says it too.
"""

from __future__ import annotations

import numpy as np

from model.scene.ground import CONTACT, SIZE, Scene

ADULTS = (1.4, 2.1)
"""Metres: statures that the ground alone may give to a person; a known camera height may say otherwise."""
_PLAUSIBLE = 2.5
"""Standard deviations: whose feet say more than that are not on the ground, or are not their feet."""
_WITH_CHILDREN = 5.0
"""Likewise if the camera's height is known: a child of 1.1 m is 40 % smaller than the network thinks."""


def size_factors(
    scene: Scene,
    heights: np.ndarray,
    distances: np.ndarray,
    on_feet: np.ndarray,
    statures: np.ndarray,
    height_known: bool,
) -> np.ndarray:
    """(P,) by how much to scale each person about the camera; 1 where the ground says nothing.

    Args:
        scene: with a ground, or all are 1.
        heights: (P,) metres, of `camera_heights`.
        distances: (P,) metres from the camera.
        on_feet: (P,) bool: who looks as if standing.
        statures: (P,) metres.
        height_known: whether somebody knows the camera's height, and people may be of any size.
    """
    factors = np.ones(len(heights))
    if scene.ground is None:
        return factors
    told = on_feet & (heights > 0)
    height, distance = heights[told], distances[told]
    wanted = np.log(scene.ground.camera_height / height)
    doubt = (np.square(distance * scene.up.spread) + CONTACT**2) / np.square(height)
    size, plausible = np.full(len(height), SIZE**2), _PLAUSIBLE
    if height_known:  # who is far off is a child, rather than an adult whom the network sees so wrongly
        size, plausible = size + np.square(wanted / 2), _WITH_CHILDREN
    near = np.abs(wanted) <= plausible * np.sqrt(SIZE**2 + doubt)
    scaled = np.exp(np.where(near, size / (size + doubt), 0.0) * wanted)
    if not height_known:
        stature = statures[told]
        low, high = np.minimum(1, ADULTS[0] / stature), np.maximum(1, ADULTS[1] / stature)
        scaled = np.clip(scaled, np.where(stature < ADULTS[0], 0, low), high)  # children have no least size
    factors[told] = scaled
    return factors
