"""Which face of a mesh a pinhole camera sees at each pixel: a z-buffer on the CPU, whole meshes at once in numpy.

Triangles become rows and rows become pixels, both for all triangles together; the nearest one at each pixel wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from model.body.normals import cross

NEAR = 0.02
"""Metres: what is nearer to the camera's plane, or behind it, is cut away."""

BUDGET = 1 << 22
"""Pixels that are worked on at once: bounds the memory."""

_FARTHEST = 1e12  # pixels beside the picture: farther out, float64 no longer knows where an edge is
_ENDLESS = 1e9  # metres: farther out is as good as infinity
_LOW = np.uint64(0xFFFFFFFF)


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
    # Inverse depth (linear across the picture) in the upper bits, the face below: the largest number is in front.
    best = np.zeros(width * height, np.uint64)
    screen, source = _project(vertices, faces, focal_length, principal_point)
    screen, source, rows = _on_picture(screen, source, size, cull)
    for part in _parts(screen, rows[1], width):
        pixel, inverse_depth, owner = _covered(screen[..., part], rows[:, part], width)
        key = inverse_depth.view(np.uint32).astype(np.uint64) << np.uint64(32)
        np.maximum.at(best, pixel, key | (_LOW - source[part].astype(np.uint64))[owner])

    depth = np.full(width * height, np.inf, np.float32)
    face = np.full(width * height, -1, np.int32)
    barycentric = np.zeros((width * height, 3), np.float32)
    hit = np.flatnonzero(best)
    found = best[hit]
    depth[hit] = 1 / (found >> np.uint64(32)).astype(np.uint32).view(np.float32)
    face[hit] = _LOW - (found & _LOW)
    x, y = ((at + 0.5 - middle) / focal_length for at, middle in zip((hit % width, hit // width), principal_point))
    barycentric[hit] = _barycentric(vertices, faces, face[hit], (x * depth[hit], y * depth[hit], depth[hit]))
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


def extent(
    vertices: np.ndarray,
    faces: np.ndarray,
    focal_length: float,
    principal_point: tuple[float, float],
    size: tuple[int, int],
) -> tuple[int, int, int, int]:
    """The part of the picture that `rasterise` would draw into: left, top, right, bottom; zeros for none."""
    screen = _project(np.asarray(vertices, np.float64), faces, focal_length, principal_point)[0][:2].reshape(2, -1)
    if screen.size == 0:
        return 0, 0, 0, 0
    limit = np.array(size)
    left, top = np.clip(np.floor(screen.min(axis=1)), 0, limit).astype(int).tolist()
    right, bottom = np.clip(np.ceil(screen.max(axis=1)), 0, limit).astype(int).tolist()
    return (left, top, right, bottom) if right > left and bottom > top else (0, 0, 0, 0)


def is_closed(faces: np.ndarray) -> bool:
    """Whether every edge of the faces (F, 3) is also one of another face, the other way round: no inside is seen."""
    a, b = faces.astype(np.int64).ravel(), np.roll(faces.astype(np.int64), -1, axis=1).ravel()
    count = int(faces.max(initial=0)) + 1
    return bool((np.sort(a * count + b) == np.sort(b * count + a)).all())


def _project(
    vertices: np.ndarray, faces: np.ndarray, focal_length: float, principal_point: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles on the picture, cut at the near plane: (3, 3, T) of x, y, 1 / z by corner, and their faces (T,)."""
    finite = (np.abs(vertices) < _ENDLESS).all(axis=1)
    front = finite & (vertices[:, 2] > NEAR)
    if front.all():
        screen, source = (
            np.take(_onto(vertices.T, focal_length, principal_point), faces.T, axis=1),
            np.arange(len(faces)),
        )
    else:
        count = front[faces].sum(axis=1)
        whole = np.flatnonzero(count == 3)
        cut = np.flatnonzero((count > 0) & (count < 3) & finite[faces].all(axis=1))
        pieces, piece_of = _cut_near(vertices[faces[cut]])
        corners = np.concatenate([vertices.T[:, faces[whole].T], pieces.transpose(2, 1, 0)], axis=2)
        screen, source = _onto(corners, focal_length, principal_point), np.append(whole, cut[piece_of])
    safe = np.abs(screen[:2]) < _FARTHEST
    if not safe.all():
        keep = np.flatnonzero(safe.all(axis=(0, 1)))
        screen, source = np.take(screen, keep, axis=2), source[keep]
    return screen, source


def _onto(points: np.ndarray, focal_length: float, principal_point: tuple[float, float]) -> np.ndarray:
    """(3, ...) x and y in pixels and 1 / z of points (3, ...) in front of the camera."""
    inverse = 1 / points[2]
    with np.errstate(over="ignore"):
        scale = focal_length * inverse
        return np.stack([points[0] * scale + principal_point[0], points[1] * scale + principal_point[1], inverse])


def _cut_near(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cuts triangles (N, 3, 3) that cross the near plane: (M, 3, 3) what is in front, and which each comes from."""
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


def _on_picture(
    screen: np.ndarray, source: np.ndarray, size: tuple[int, int], cull: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keeps triangles that may cover a pixel's centre: screen, source, and (2, T) each one's first row and its rows."""

    def first_centre(a: np.ndarray, b: np.ndarray, c: np.ndarray, pick: np.ufunc, limit: int) -> np.ndarray:
        """The first pixel whose centre is not before the smallest or largest of three coordinates."""
        return np.clip(np.ceil(pick(pick(a, b), c) - 0.5), 0, limit).astype(np.int64)

    (ax, bx, cx), (ay, by, cy) = screen[:2]
    left, right = (first_centre(ax, bx, cx, pick, size[0]) for pick in (np.minimum, np.maximum))
    top, bottom = (first_centre(ay, by, cy, pick, size[1]) for pick in (np.minimum, np.maximum))
    wanted = (right > left) & (bottom > top)
    if cull:
        wanted &= (bx - ax) * (cy - ay) < (by - ay) * (cx - ax)  # y points down
    keep = np.flatnonzero(wanted)
    return np.take(screen, keep, axis=2), source[keep], np.stack([top[keep], (bottom - top)[keep]])


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
        chosen = edges[edge]
        down = y - chosen[:, 1]
        return chosen[:, 0] + down * chosen[:, 3], chosen[:, 2] + down * chosen[:, 4]

    (xa, wa), (xb, wb) = follow(3 * owner), follow(3 * owner + 1 + (y >= screen[1, 1, owner]))
    left, right = np.minimum(xa, xb), np.maximum(xa, xb)
    begin, end = (np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64) for x in (left, right))
    some = np.flatnonzero(end > begin)
    left, right, begin, length = left[some], right[some], begin[some], (end - begin)[some]
    swap = (xb < xa)[some]
    at_left, at_right = np.where(swap, wb[some], wa[some]), np.where(swap, wa[some], wb[some])
    slope = (at_right - at_left) / (right - left)
    at_begin = at_left + (begin + 0.5 - left) * slope

    offset = np.cumsum(length) - length
    index = np.arange(length.sum())
    along = (index - np.repeat(offset, length)).astype(np.float32)
    pixel = index + np.repeat(row[some] * width + begin - offset, length)
    inverse_depth = np.repeat(at_begin.astype(np.float32), length) + along * np.repeat(slope.astype(np.float32), length)
    return pixel, np.maximum(inverse_depth, np.finfo(np.float32).tiny), np.repeat(owner[some], length)


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
