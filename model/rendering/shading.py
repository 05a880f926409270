"""Meshes in soft light: each vertex gets its lit colour, and pixels what lies between the corners of their face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.body.garment import PALETTE
from model.body.normals import face_normals, lengths, vertex_normals

LIGHT = (-0.39, -0.58, -0.71)
"""Towards the light, in the camera frame: above left, on the camera's side."""

_LIGHT = np.array(LIGHT, np.float32)
_AMBIENT = 0.38


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
    """(N, 3) float64."""
    faces: np.ndarray
    """(F, 3) int64, counter-clockwise where the camera sees the side that is lit."""
    colours: np.ndarray
    """(N, 3) float32, RGB in 0..255 as lit. A vertex of several colours is there several times."""


def light(people: Sequence[Figure | tuple], smooth: bool = True, outside: bool = False) -> Surface:
    """Lights meshes from above left; a face seen from inside is lit as if that were its outer side.

    Args:
        people: `Figure`s, or tuples like them.
        smooth: False lights each face for itself.
        outside: Whether no face is seen from inside.
    """
    vertices, faces, colours = _merge(people)
    if smooth and outside:
        return Surface(vertices, faces, colours * _brightness(vertex_normals(vertices, faces) @ _LIGHT))
    normals = face_normals(vertices, faces)
    inside = np.einsum("df,fd->f", normals, vertices[faces[:, 0]]) > 0
    seen = np.where(inside[:, None], faces[:, ::-1], faces)
    if smooth:
        facing = vertex_normals(vertices, faces) @ _LIGHT
        sides = np.concatenate([colours * _brightness(facing), colours * _brightness(-facing)])
        return Surface(np.concatenate([vertices, vertices]), seen + len(vertices) * inside[:, None], sides)
    facing = _LIGHT @ normals / np.maximum(lengths(normals), 1e-20) * np.where(inside, -1, 1)
    lit = colours[seen] * _brightness(facing)[:, None]
    return Surface(vertices[seen].reshape(-1, 3), np.arange(seen.size).reshape(-1, 3), lit.reshape(-1, 3))


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
