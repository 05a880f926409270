"""Feet that stand: found by how slowly they move in the picture, and where the body stands on them."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_closing, binary_opening

SLOW = 0.35
"""Metres a second across the camera's view: an ankle that moves faster does not stand."""
_FAR = 15.0  # metres: of who is farther away pixels are as much longer, and ankles that stand seem faster
_GOES = 0.3
"""Metres a second along the view: of a body that goes so fast towards the camera or away, a foot swings that is faster
by `SLOW`."""
_SPAN = 0.1
"""Seconds over which speeds are measured."""
_LOW = 0.12
"""Metres: who stands on one foot holds the other one's ankle higher than this above it."""
_RISES, _LOWER = 0.08, 0.1
"""Metres across the view: a foot that is so much higher than where it stood left the floor, though it is slow, as feet
in the air are in slow motion; and the share of the stance in which it may seem lower."""
SHORTEST, _GAP = 0.1, 0.07
"""Seconds: stances are longer; interruptions of a stance that are shorter are none."""


def find_stance(times: np.ndarray, ankles: np.ndarray, roots: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Which feet stand, (N, 2) bool.

    How far away a foot is, is little more than a guess in each frame. So speeds across the camera's view count, which
    are seen well, and heights of one foot over the other. Of who walks towards the camera or away both feet are slow
    across the view; but the one that swings overtakes the body, and the one that stands is overtaken. For the same
    reason a foot rises by as much as it does across the view: who crouches seems to come nearer, and her feet with her.

    Args:
        times: (N,) seconds, rising.
        ankles: (N, 2, 3) metres, y up.
        roots: (N, 3) likewise: the pelvis.
        camera: (3,) where the camera is, or (N, 3).
    """
    rays = ankles - np.broadcast_to(camera, roots.shape)[:, None]
    away = np.linalg.norm(rays, axis=-1)
    rays = rays / np.maximum(away[..., None], 1e-9)
    velocity = velocities(times, ankles)
    along = (velocity * rays).sum(axis=-1)
    across = velocity - along[..., None] * rays
    slow = np.linalg.norm(across, axis=-1) < SLOW * np.maximum(away / _FAR, 1.0)
    body = (velocities(times, roots)[:, None] * rays).sum(axis=-1)
    slow &= (np.abs(body) < _GOES) | (np.sign(body) * (along - body) < SLOW)
    height = ankles[..., 1]
    standing = lasting(times, slow & (height < height.min(axis=1, keepdims=True) + _LOW))
    rise = np.cumsum(across[..., 1] * np.diff(times, prepend=times[:1])[:, None], axis=0)
    for foot, own in enumerate(rise.T):
        for stance in stances(standing[:, foot]):
            standing[stance, foot] = own[stance] < np.quantile(own[stance], _LOWER) + _RISES
    return lasting(times, standing)


def lasting(times: np.ndarray, standing: np.ndarray, gap: float = _GAP) -> np.ndarray:
    """What stands (N, L) bool, for long enough; interruptions of up to `gap` seconds are none."""
    step = usual_step(times)
    close, last = (np.ones((max(1, count), 1)) for count in (1 + round(gap / step), round(SHORTEST / step)))
    kept = binary_closing(standing, close) | standing  # closing eats the ends
    opened: np.ndarray = binary_opening(kept, last)
    return opened


def usual_step(times: np.ndarray) -> float:
    """The usual seconds from one of the times (N,) to the next; 1 if there is one alone."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def stances(standing: np.ndarray) -> list[slice]:
    """The runs of frames (N,) bool in which a foot stands."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], standing, [False]]).astype(int)))
    return [slice(start, end) for start, end in zip(edges[::2].tolist(), edges[1::2].tolist())]


def velocities(times: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Of points (N, ..., 3) over `_SPAN` about each time, metres a second."""
    if len(times) < 2:
        return np.zeros_like(points)
    before = np.maximum(np.searchsorted(times, times - _SPAN / 2 - 1e-6), 0)
    after = np.minimum(np.searchsorted(times, times + _SPAN / 2 + 1e-6, side="right") - 1, len(times) - 1)
    alone = before == after
    before = np.where(alone, np.maximum(before - 1, 0), before)
    after = np.where(alone, np.minimum(after + 1, len(times) - 1), after)
    span = (times[after] - times[before]).reshape(-1, *[1] * (points.ndim - 1))
    velocities: np.ndarray = (points[after] - points[before]) / span
    return velocities
