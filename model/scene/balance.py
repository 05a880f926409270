"""Which way up is by one body: from the balls of the feet to the shoulders, since people keep their balance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_SHOULDERS, _HIPS, _KNEES, _ANKLES = [5, 6], [11, 12], [13, 14], [15, 16]

_BALL = 0.28
"""How far ahead of the ankles people's weight rests, in lengths of the trunk. In 18,588 poses of motion capture the
line from there to the shoulders is 5.4 degrees off the vertical in the median, from the ankles themselves 8 degrees."""
_SPREAD = np.radians([4.0, 40.0])
"""Standard error about an axis in the same poses: of who is stretched, and by what it grows with the stretch lost."""
_TRUNK_ALONE = np.radians(14.0)
"""Likewise of the trunk's direction, for people whose feet are not seen."""
_SEEN = 0.2
"""Mean confidence of both joints of a pair from which they count as seen."""
_SHORTEST = 0.05  # metres: a trunk or body of less has no direction
_STATURE = 1.32
"""A person's height over the length of her trunk and legs, between the joints."""
_STANDING = 0.8
"""Stretch from which a body counts as one on its feet."""


class Balance(NamedTuple):
    """What P bodies say of the vertical."""

    up: np.ndarray
    """(P, 3) unit vectors, camera frame."""
    spread: np.ndarray
    """(P,) radians: standard error about an axis; infinite of who says nothing."""
    stature: np.ndarray
    """(P,) metres: how tall each one is, by trunk and legs; NaN of who says nothing."""
    on_feet: np.ndarray
    """(P,) bool: who is stretched between feet and shoulders that were seen, as those are who stand or walk."""


def balance(joints: np.ndarray, confidence: np.ndarray | None = None) -> Balance:
    """Asks each body for the vertical.

    Args:
        joints: (P, 17, 3) COCO's joints in the camera's axes, metres, any origin.
        confidence: (P, 17) 0..1, how surely each joint was seen; None for all.
    """
    points = np.asarray(joints, np.float64)
    seen = np.ones(points.shape[:2]) if confidence is None else np.asarray(confidence, np.float64)
    shoulders, hips, ankles = (points[:, pair].mean(axis=1) for pair in (_SHOULDERS, _HIPS, _ANKLES))
    trunk, whole = shoulders - hips, shoulders - ankles
    legs = sum(
        np.linalg.norm(points[:, one] - points[:, other], axis=2).mean(axis=1)
        for one, other in ((_HIPS, _KNEES), (_KNEES, _ANKLES))
    )
    trunk_length, length = np.linalg.norm(trunk, axis=1), np.linalg.norm(whole, axis=1)
    stretch = length / np.maximum(trunk_length + legs, _SHORTEST)
    leftwards = points[:, 11] - points[:, 12] + 0.5 * (points[:, 5] - points[:, 6])
    ahead = unit(np.cross(leftwards, whole))
    standing = unit(whole - _BALL * trunk_length[:, None] * ahead)

    there = [seen[:, pair].mean(axis=1) >= _SEEN for pair in (_SHOULDERS, _HIPS, _ANKLES)]
    sane = np.isfinite(points).all(axis=(1, 2)) & (np.minimum(trunk_length, length) > _SHORTEST)
    body, whole_body = sane & there[0] & there[1], sane & there[0] & there[1] & there[2]
    spread = np.where(whole_body, _SPREAD[0] + _SPREAD[1] * np.clip(1 - stretch, 0, 1), _TRUNK_ALONE)
    up = np.where(whole_body[:, None], standing, unit(trunk))
    return Balance(
        np.where(body[:, None], up, [0.0, -1.0, 0.0]),
        np.where(body, spread, np.inf),
        np.where(body, _STATURE * (trunk_length + legs), np.nan),
        whole_body & (stretch >= _STANDING),
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) of length 1; those of none stay as they are."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
