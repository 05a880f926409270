"""Meshes in soft light: each vertex gets its lit colour, and pixels what lies between the corners of their face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.body.garment import PALETTE
from model.body.normals import cross, face_normals, lengths, vertex_normals

LIGHT = (-0.39, -0.58, -0.71)
"""Towards the light, in the camera frame: above left, on the camera's side."""

_AMBIENT = 0.38
_EDGE_ON = 0.02  # cosine: faces seen so flatly get one colour, between the corners rounding errors would show


class Figure(NamedTuple):
    """One mesh to draw."""

    vertices: np.ndarray
    """(V, 3) camera frame, metres, placed before the camera."""
    faces: np.ndarray
    """(F, 3) integers."""
    colour: tuple[int, int, int] | np.ndarray | None = None
    """RGB in 0..255, or (V, 3) one for each vertex; None takes the next one of `PALETTE`."""


class Surface(NamedTuple):
    """Several meshes as one."""

    vertices: np.ndarray
    """(V, 3) float64."""
    faces: np.ndarray
    """(F, 3) int64."""
    colours: np.ndarray
    """(N, 3) float32, RGB in 0..255 as lit."""
    corners: np.ndarray
    """(F, 3) int64: the colour of each face's corners."""


def light(people: Sequence[Figure | tuple], smooth: bool = True) -> Surface:
    """Lights meshes from above left; a face seen from inside is lit as if that were its outer side.

    Args:
        people: `Figure`s, or tuples like them.
        smooth: False lights each face for itself.
    """
    vertices, faces, colours = _merge(people)
    normals = face_normals(vertices, faces)
    inside = np.einsum("df,fd->f", normals, vertices[faces[:, 0]]) > 0
    if smooth:
        facing = vertex_normals(vertices, faces) @ np.array(LIGHT, np.float32)
        sides = np.concatenate([colours * _brightness(facing), colours * _brightness(-facing)])
        return Surface(vertices, faces, sides, faces + len(vertices) * inside[:, None])
    facing = np.array(LIGHT) @ normals / np.maximum(lengths(normals), 1e-20) * np.where(inside, -1, 1)
    lit = colours[faces] * _brightness(facing)[:, None]
    return Surface(vertices, faces, lit.reshape(-1, 3), np.arange(faces.size).reshape(-1, 3))


def gradients(surface: Surface, face: np.ndarray, focal_length: float, point: tuple[float, float]) -> np.ndarray:
    """How colours run over the picture on some faces, right in perspective.

    Args:
        surface: The meshes.
        face: (U,) which faces.
        focal_length: pixels.
        point: principal point, pixels.

    Returns:
        (3, 4, U) float32: at the pixel with the centre (x, y), where the depth is z, each of R, G and B, from 0.5 to
        255.5, is [0] + x z [1] + y z [2] + z [3].
    """
    a, b, c = np.take(np.ascontiguousarray(surface.vertices.T), surface.faces[face].T, axis=1).transpose(1, 0, 2)
    # A point's weights of the corners are linear in its coordinates: the rows of the inverse of [a b c].
    weights = np.stack([cross(b, c), cross(c, a), cross(a, b)])  # (corner, xyz, U)
    volume = np.einsum("du,du->u", a, weights[0])
    edge_on = np.abs(volume) <= _EDGE_ON * lengths(weights.sum(axis=0)) * lengths(a)
    weights /= np.where(edge_on, np.inf, volume)
    weights[:, :2] /= focal_length
    weights[:, 2] -= weights[:, 0] * point[0] + weights[:, 1] * point[1]
    colours = np.take(surface.colours.T, surface.corners[face].T, axis=1)  # (RGB, corner, U)
    runs = np.empty((3, 4, len(face)), np.float32)
    runs[:, 0] = colours.mean(axis=1)
    for run, colour in zip(runs, colours):
        run[1:] = sum(weight * (value - run[0]) for weight, value in zip(weights, colour))
    runs[:, 0] += 0.5
    return runs


def _merge(people: Sequence[Figure | tuple]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One mesh out of several: vertices (V, 3), faces (F, 3), each vertex's colour (V, 3) float32."""
    vertices, faces, colours = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], [np.zeros((0, 3), np.float32)]
    count = 0
    for index, person in enumerate(people):
        figure = Figure(*person)
        colour = PALETTE[index % len(PALETTE)] if figure.colour is None else figure.colour
        vertices.append(np.asarray(figure.vertices, np.float64))
        faces.append(np.asarray(figure.faces, np.int64) + count)
        colours.append(np.broadcast_to(np.asarray(colour, np.float32), (len(figure.vertices), 3)))
        count += len(figure.vertices)
    return np.concatenate(vertices), np.concatenate(faces), np.concatenate(colours)


def _brightness(facing: np.ndarray) -> np.ndarray:
    """(N, 1) float32 by the cosine (N,) to the light. A large lamp: light reaches a little around the corner."""
    return (_AMBIENT + (1 - _AMBIENT) * np.clip((facing[:, None] + 0.2) / 1.2, 0, 1)).astype(np.float32)
