"""Which face of a mesh a pinhole camera sees at each pixel: a z-buffer on the CPU, whole meshes at once in numpy.

Triangles become rows and rows become pixels, both for all triangles together; the nearest one at each pixel wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from model.body.normals import cross
from model.rendering.projection import Triangles, project

BUDGET = 1 << 20
"""Pixels that are worked on at once: bounds the memory, and most of it stays in the processor's cache."""

_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)


class Raster(NamedTuple):
    """What is seen at each pixel's centre."""

    depth: np.ndarray
    """(H, W) float32 metres along the optical axis; infinity where nothing is."""
    face: np.ndarray
    """(H, W) int32, the nearest face; -1 where nothing is."""
    barycentric: np.ndarray
    """(H, W, 3) float32, the place on that face as weights of its corners; zeros where nothing is."""


def rasterise(
    vertices: np.ndarray,
    faces: np.ndarray,
    focal_length: float,
    principal_point: tuple[float, float],
    size: tuple[int, int],
    cull: bool = False,
) -> Raster:
    """Finds the nearest face at each pixel's centre; the first pixel's centre is at (0.5, 0.5).

    A centre on the common edge of two faces belongs to one of them: neither gaps nor seams. At equal depth the first
    face wins. Both sides of a face are seen. A face with a corner at NaN or infinity is left out. The memory it takes
    is bounded by picture and mesh, wherever the vertices are.

    Args:
        vertices: (V, 3) camera frame (x right, y down, z forward), metres, placed before the camera.
        faces: (F, 3) integers.
        focal_length: pixels.
        principal_point: pixels.
        size: width, height.
        cull: leaves out faces that are clockwise on the picture, seen from inside; saves up to half of the time.
    """
    width, height = size
    vertices = np.asarray(vertices, np.float64)
    triangles = project(vertices, faces, focal_length, principal_point, cull)
    hit, inverse_depth, found = _visible(triangles, width, height)

    depth = np.full(width * height, np.inf, np.float32)
    face = np.full(width * height, -1, np.int32)
    barycentric = np.zeros((width * height, 3), np.float32)
    z = 1 / inverse_depth
    depth[hit], face[hit] = z, found
    x, y = ((at + 0.5 - middle) / focal_length for at, middle in zip((hit % width, hit // width), principal_point))
    barycentric[hit] = _barycentric(vertices, faces, found, (x * z, y * z, z))
    return Raster(depth.reshape(height, width), face.reshape(height, width), barycentric.reshape(height, width, 3))


def interpolate(raster: Raster, faces: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values of the surface where it is seen: (P, D), for the pixels `raster.face >= 0`, row by row.

    Args:
        faces: (F, 3); values: (V, D) at the vertices.
    """
    seen = np.flatnonzero(raster.face >= 0)
    corners = np.take(faces, raster.face.ravel()[seen], axis=0)  # (P, 3)
    weight = np.take(raster.barycentric.reshape(-1, 3), seen, axis=0)
    result = np.take(values, corners[:, 0], axis=0) * weight[:, :1]
    for k in (1, 2):
        result += np.take(values, corners[:, k], axis=0) * weight[:, k : k + 1]
    return result


def is_closed(faces: np.ndarray) -> bool:
    """Whether every edge of the faces (F, 3) is also one of another face, the other way round: no inside is seen."""
    a, b = faces.astype(np.int64).ravel(), np.roll(faces.astype(np.int64), -1, axis=1).ravel()
    count = int(faces.max(initial=0)) + 1
    return bool((np.sort(a * count + b) == np.sort(b * count + a)).all())


def _visible(triangles: Triangles, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The P pixels whose centre a face covers: (P,) index, row by row; 1 / depth, float32; the nearest face, int64."""
    # Inverse depth (linear across the picture) in the upper bits, the face below: the largest number is in front.
    best = np.zeros(width * height, np.uint64)
    screen, rows, face = _in_picture(triangles, width, height)
    low = _LOW - face.astype(np.uint64)
    for part in _parts(screen, rows[1], width):
        pixel, inverse_depth, owner = _covered(screen[..., part], rows[:, part], width)
        key = inverse_depth.view(np.uint32).astype(np.uint64)
        key <<= _HIGH
        key |= low[part][owner]
        np.maximum.at(best, pixel, key)
    hit = np.flatnonzero(best)
    found = best[hit]
    return hit, (found >> _HIGH).astype(np.uint32).view(np.float32), (_LOW - (found & _LOW)).astype(np.int64)


def _in_picture(triangles: Triangles, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keeps triangles that may cover a pixel's centre: screen, (2, T) each one's first row and its rows, faces."""
    screen, face = triangles
    (left, right), (top, bottom) = (
        (_first_centre(np.minimum.reduce(xs), length), _first_centre(np.maximum.reduce(xs), length))
        for xs, length in ((screen[0], width), (screen[1], height))
    )
    keep = np.flatnonzero((right > left) & (bottom > top))
    rows = np.stack([top[keep], (bottom - top)[keep]])
    return (screen, rows, face) if len(keep) == len(face) else (np.take(screen, keep, axis=2), rows, face[keep])


def _first_centre(coordinates: np.ndarray, length: int) -> np.ndarray:
    """The first pixel of a row or column whose centre is not before these coordinates."""
    return np.clip(np.ceil(coordinates - 0.5), 0, length).astype(np.int64)


def _parts(screen: np.ndarray, rows: np.ndarray, width: int) -> Iterator[slice]:
    """Cuts the list of triangles into parts that cover at most `BUDGET` pixels, or are one triangle."""
    wide = np.minimum(np.ceil(np.ptp(screen[0], axis=0)) + 1, width)
    total = np.cumsum(rows * (wide + 8))  # a row by itself costs as much as some pixels
    start = 0
    while start < len(total):
        done = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + BUDGET, side="right")))
        yield slice(start, stop)
        start = stop


def _covered(screen: np.ndarray, rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pixel whose centre a triangle covers: (P,) its index, the inverse depth there (float32), the triangle.

    Row by row between a triangle's left and right edge. An edge is always followed from its upper end, so that both
    of its triangles find the same place on it, to the last bit.
    """
    first, count = rows
    screen = np.take_along_axis(screen, screen[1].argsort(axis=0, kind="stable")[None], axis=1)
    triangles = screen.shape[2]
    # Each triangle's edges: the one from the top to the bottom corner, the upper one beside it, the lower one.
    start = screen[:, [0, 0, 1]]
    step = screen[:, [2, 1, 2]] - start
    with np.errstate(all="ignore"):  # level edges have no row
        edges = np.concatenate([start, (step / step[1])[[0, 2]]])  # (5, 3, T)
    edges = edges.transpose(2, 1, 0).reshape(-1, 5)  # x, y, 1 / z, and how x and 1 / z change with y

    owner = np.repeat(np.arange(triangles), count)
    row = np.arange(len(owner)) + np.repeat(first - (np.cumsum(count) - count), count)
    y = row + 0.5

    def follow(edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chosen = np.take(edges, edge, axis=0)
        down = y - chosen[:, 1]
        return chosen[:, 0] + down * chosen[:, 3], chosen[:, 2] + down * chosen[:, 4]

    (xa, wa), (xb, wb) = follow(3 * owner), follow(3 * owner + 1 + (y >= np.take(screen[1, 1], owner)))
    swap = xb < xa
    begin, end = (_first_centre(x, width) for x in (np.where(swap, xb, xa), np.where(swap, xa, xb)))
    some = np.flatnonzero(end > begin)
    xa, wa, xb, wb, begin, end, row = (np.take(values, some) for values in (xa, wa, xb, wb, begin, end, row))
    slope = (wb - wa) / (xb - xa)  # along x, whichever of the two is left
    at_begin = wa + (begin + 0.5 - xa) * slope
    length = end - begin

    offset = np.cumsum(length) - length
    index = np.arange(length.sum())
    pixel = index + np.repeat(row * width + begin - offset, length)
    along = (index - np.repeat(offset, length)).astype(np.float32)
    along *= np.repeat(slope.astype(np.float32), length)
    along += np.repeat(at_begin.astype(np.float32), length)
    return pixel, np.maximum(along, np.finfo(np.float32).tiny), np.repeat(owner[some], length)


def _barycentric(
    vertices: np.ndarray, faces: np.ndarray, face: np.ndarray, points: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> np.ndarray:
    """(P, 3) weights of the corners of the faces (P,) at the points seen, x, y, z of (P,) each."""
    used = np.zeros(len(faces), bool)
    used[face] = True
    a, b, c = np.take(np.ascontiguousarray(vertices.T), faces[used].T, axis=1).transpose(1, 0, 2)  # (3, U) each
    normal = cross(b - a, c - a)
    normal /= np.maximum((normal**2).sum(axis=0), 1e-30)
    # The weight of b grows along `to_b` from 0 on the edge ac to 1 at b; the weight of c likewise.
    to_b, to_c = cross(c - a, normal), cross(normal, b - a)
    planes = np.stack([*to_b, -(to_b * a).sum(axis=0), *to_c, -(to_c * a).sum(axis=0)], axis=1).astype(np.float32)
    planes = planes[(np.cumsum(used) - 1)[face]].T  # (8, P)
    x, y, z = (part.astype(np.float32) for part in points)
    second, third = (
        np.clip(planes[k] * x + planes[k + 1] * y + planes[k + 2] * z + planes[k + 3], 0, 1) for k in (0, 4)
    )
    first = np.clip(1 - second - third, 0, 1)
    return np.stack([first, second, third], axis=1) / (first + second + third)[:, None]
