"""Poses between poses: cubic curves through all of them, so that motion has no kinks where frames were left out."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation

from model.body.rotations import to_vectors


def between(times: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values (N, ...) of the times (N,), rising, interpolated to others (T,) among them."""
    if len(times) == 1:
        return np.repeat(values[:1], len(at), axis=0)
    steps = np.diff(times)
    velocities = _at_poses(np.diff(values, axis=0) / _columns(steps, values.ndim), steps)
    found: np.ndarray = CubicHermiteSpline(times, values, velocities)(at)
    return found


def turned_between(times: np.ndarray, rotations: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rotations (N, J, 3, 3) of the times (N,), rising, interpolated to others (T,) among them, the shortest way.

    Cumulative Bezier curves (Kim, Kim and Shin, SIGGRAPH 1995): they pass through all poses, and turn as fast before
    each one as after it.
    """
    if len(times) == 1:
        return np.repeat(rotations[:1], len(at), axis=0)
    steps, count = np.diff(times), rotations.shape[1]
    turns = to_vectors(np.swapaxes(rotations[:-1], 2, 3) @ rotations[1:])  # in the axes of either pose
    velocities = _at_poses(turns / _columns(steps, 3), steps)
    piece = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(steps) - 1)
    share = ((at - times[piece]) / steps[piece])[:, None, None]
    first, last = (velocities[ends] * steps[piece, None, None] / 3 for ends in (piece, piece + 1))
    middle = to_vectors(_matrices(-first) @ _matrices(turns[piece]) @ _matrices(-last))
    parts = first * (1 - (1 - share) ** 3), middle * (3 * share**2 - 2 * share**3), last * share**3
    turned = rotations[piece]
    for part in parts:
        turned = turned @ _matrices(part)
    return turned.reshape(len(at), count, 3, 3)


def _at_poses(velocities: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """How fast values change at N times (N, ...), from how they do in the steps between (N - 1, ...)."""
    weights = _columns(steps, velocities.ndim)
    inner = (velocities[:-1] * weights[1:] + velocities[1:] * weights[:-1]) / (weights[:-1] + weights[1:])
    return np.concatenate([velocities[:1], inner, velocities[-1:]])


def _columns(steps: np.ndarray, dimensions: int) -> np.ndarray:
    return steps.reshape(-1, *[1] * (dimensions - 1))


def _matrices(vectors: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) of (..., 3)."""
    return Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(*vectors.shape, 3)
