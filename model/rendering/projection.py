"""Meshes as triangles on the picture of a pinhole camera, cut where they would reach behind it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEAR = 0.02
"""Metres: what is nearer to the camera's plane, or behind it, is cut away."""

_FARTHEST = 1e12  # pixels beside the picture: farther out, float64 no longer knows where an edge is
_ENDLESS = 1e9  # metres: farther out is as good as infinity


class Triangles(NamedTuple):
    """T triangles on the picture."""

    screen: np.ndarray
    """(3, 3, T) float64: x and y in pixels and 1 / z in 1 / metres, of each corner."""
    face: np.ndarray
    """(T,) int64: the face that each one is, or is a piece of."""


def project(
    vertices: np.ndarray,
    faces: np.ndarray,
    focal_length: float,
    principal_point: tuple[float, float],
    cull: bool = False,
) -> Triangles:
    """Puts a mesh on the picture.

    Args:
        vertices: (V, 3) camera frame, metres; a face with one that is not finite is left out.
        faces: (F, 3) integers.
        focal_length: pixels.
        principal_point: pixels.
        cull: leaves out faces that are clockwise on the picture, seen from inside.
    """
    vertices = np.asarray(vertices, np.float64)
    vertices, faces, face = in_front(vertices, faces)
    screen = np.take(_onto(vertices.T, focal_length, principal_point), faces.T, axis=1)
    wanted = (np.abs(screen[:2]) < _FARTHEST).all(axis=(0, 1))
    if cull:
        (ax, bx, cx), (ay, by, cy) = screen[:2]
        with np.errstate(all="ignore"):
            wanted &= (bx - ax) * (cy - ay) < (by - ay) * (cx - ax)  # y points down
    if not wanted.all():
        keep = np.flatnonzero(wanted)
        screen, face = np.take(screen, keep, axis=2), face[keep]
    return Triangles(screen, face)


def in_front(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cuts a mesh where it would reach behind the camera: vertices (N, D), faces (T, 3) and which each comes from (T,).

    Args:
        vertices: (V, D) camera frame, metres, and what else runs linearly from corner to corner; a face with one that
            is not finite is left out.
        faces: (F, 3) integers.
    """
    finite = (np.abs(vertices) < _ENDLESS).all(axis=1)
    front = finite & (vertices[:, 2] > NEAR)
    if front.all():
        return vertices, faces, np.arange(len(faces))
    count = front[faces].sum(axis=1)
    whole = np.flatnonzero(count == 3)
    cut = np.flatnonzero((count > 0) & (count < 3) & finite[faces].all(axis=1))
    pieces, piece_of = _cut_near(vertices[faces[cut]])
    used = np.flatnonzero(front)  # so that no one divides by a depth of zero
    number = np.zeros(len(vertices), np.int64)
    number[used] = np.arange(len(used))
    corners = len(used) + np.arange(3 * len(pieces)).reshape(-1, 3)
    return (
        np.concatenate([vertices[used], pieces.reshape(-1, vertices.shape[1])]),
        np.concatenate([number[faces[whole]], corners]),
        np.append(whole, cut[piece_of]),
    )


def extent(triangles: Triangles, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of a picture of this width and height that they may cover: left, top, right, bottom; zeros for none."""
    if not len(triangles.face):
        return 0, 0, 0, 0
    corners = triangles.screen[:2].reshape(2, -1)
    limit = np.array(size)
    left, top = np.clip(np.floor(corners.min(axis=1)), 0, limit).astype(int).tolist()
    right, bottom = np.clip(np.ceil(corners.max(axis=1)), 0, limit).astype(int).tolist()
    return (left, top, right, bottom) if right > left and bottom > top else (0, 0, 0, 0)


def _onto(points: np.ndarray, focal_length: float, principal_point: tuple[float, float]) -> np.ndarray:
    """(3, ...) x and y in pixels and 1 / z of points (3, ...) in front of the camera."""
    inverse = 1 / points[2]
    with np.errstate(over="ignore"):
        scale = focal_length * inverse
        return np.stack([points[0] * scale + principal_point[0], points[1] * scale + principal_point[1], inverse])


def _cut_near(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cuts triangles (N, 3, D) that cross the near plane: (M, 3, D) what is in front, and which each comes from."""
    front = corners[..., 2] > NEAR
    alone = front.sum(axis=1) == 1  # one corner in front leaves a triangle, two leave a quadrangle
    odd = np.where(alone, front.argmax(axis=1), (~front).argmax(axis=1))  # the corner that is by itself
    a, b, c = np.take_along_axis(corners, ((odd[:, None] + np.arange(3)) % 3)[..., None], axis=1).transpose(1, 0, 2)

    def crossing(other: np.ndarray) -> np.ndarray:
        share = (NEAR - a[:, 2]) / (other[:, 2] - a[:, 2])
        point = a + share[:, None] * (other - a)
        point[:, 2] = NEAR
        return point

    ab, ac, is_alone = crossing(b), crossing(c), alone[:, None]
    first = np.stack([np.where(is_alone, a, ab), np.where(is_alone, ab, b), np.where(is_alone, ac, c)])
    second = np.stack([ab, c, ac])[:, ~alone]
    index = np.arange(len(corners))
    return np.concatenate([first, second], axis=1).transpose(1, 0, 2), np.append(index, index[~alone])
