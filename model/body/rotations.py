"""Rotation matrices from vectors, and their quaternions and rotation vectors, without a check that they are some.

For a body's joints SciPy's `Rotation.from_matrix` checks and converts for longer than it calculates: that was a fourth
of the time in which a body is refined. The way back, `Rotation.from_rotvec`, is quick.
"""

from __future__ import annotations

import numpy as np


def _outer() -> np.ndarray:
    """(9, 16): what each entry of a matrix adds to 4 q q^T of its quaternion q = (x, y, z, w)."""
    entries = np.zeros((3, 3, 4, 4))
    for one in range(3):
        entries[one, one] -= np.diag([1.0, 1.0, 1.0, -1.0])
        entries[one, one, one, one] += 2
        after, last = (one + 1) % 3, (one + 2) % 3
        entries[one, after, [one, after], [after, one]] = entries[after, one, [one, after], [after, one]] = 1
        entries[last, after, [one, 3], [3, one]], entries[after, last, [one, 3], [3, one]] = 1, -1
    return entries.reshape(9, 16)


_OUTER = _outer()
_TINY = 1e-12  # radians: less is no turn
_SHORTEST = 1e-9  # square metres that two vectors span, if they tell an axis


def to_quaternions(matrices: np.ndarray) -> np.ndarray:
    """Unit quaternions (..., 4), x, y, z, w with w not negative, of rotations (..., 3, 3)."""
    outer = (matrices.reshape(-1, 9) @ _OUTER).reshape(-1, 4, 4) + np.eye(4)
    largest = np.einsum("nii->ni", outer).argmax(axis=1)  # whose row cancels least
    found = outer[np.arange(len(outer)), largest]
    found *= (np.where(found[:, 3] < 0, -1, 1) / np.sqrt(np.square(found).sum(axis=1)))[:, None]
    return found.reshape(*matrices.shape[:-2], 4)


def to_vectors(matrices: np.ndarray) -> np.ndarray:
    """Rotation vectors (..., 3), of pi at most, of rotations (..., 3, 3)."""
    quaternions = to_quaternions(matrices)
    sine = np.sqrt(np.square(quaternions[..., :3]).sum(axis=-1, keepdims=True))
    angle = 2 * np.arctan2(sine, quaternions[..., 3:])
    vectors: np.ndarray = quaternions[..., :3] * np.where(sine > _TINY, angle / np.maximum(sine, _TINY), 2)
    return vectors


def angle_between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Radians (...) between vectors (..., 3)."""
    angles: np.ndarray = np.arctan2(np.linalg.norm(np.cross(one, other), axis=-1), (one * other).sum(axis=-1))
    return angles


def smallest_rotation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The smallest rotations (..., 3, 3) from where vectors (..., 3) point to where others do; opposite ones stay."""
    axes = np.cross(one, other)
    return about(axes / np.maximum(np.linalg.norm(axes, axis=-1, keepdims=True), _SHORTEST), angle_between(one, other))


def about(axes: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) about unit vectors (..., 3), by radians (...); Rodrigues."""
    x, y, z = np.moveaxis(axes, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    sine, cosine = np.sin(angles)[..., None, None], np.cos(angles)[..., None, None]
    rotations: np.ndarray = np.eye(3) + sine * cross + (1 - cosine) * cross @ cross
    return rotations
