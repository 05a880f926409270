"""Normals of triangle meshes."""

from __future__ import annotations

import numpy as np


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) float32 unit normals, outwards for faces that are counter-clockwise seen from outside; 0 without faces."""
    summed = np.zeros((3, len(vertices)))
    for axis, normal in enumerate(face_normals(vertices, faces)):  # weighted by area
        for corner in range(3):
            summed[axis] += np.bincount(faces[:, corner], normal, len(vertices))
    return np.ascontiguousarray((summed / np.maximum(lengths(summed), 1e-20)).T, np.float32)


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(3, F) normals, twice the faces' areas long; 0 where a corner is NaN or infinite."""
    corners = np.take(np.ascontiguousarray(vertices.T), faces.T, axis=1)  # (3, 3, F)
    with np.errstate(all="ignore"):
        normals = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normals if np.isfinite(normals).all() else np.nan_to_num(normals, nan=0.0, posinf=0.0, neginf=0.0)


def lengths(vectors: np.ndarray) -> np.ndarray:
    """(N,) lengths of (3, N)."""
    return np.sqrt(np.einsum("dn,dn->n", vectors, vectors))


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross products of (3, N) with x, y, z in the rows: several times quicker than numpy's."""
    (x, y, z), (u, v, w) = a, b
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u])
