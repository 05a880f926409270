"""Pictures of meshes: over a photo, or from the side on a plain ground; smooth or flat, in soft light.

For showing results, for tests, and for making images to learn from; the network itself needs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from model.body.normals import _face_normals, _length, vertex_normals
from model.rendering.rasterizer import BUDGET, Raster, extent, rasterise

PALETTE = (
    (86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (204, 121, 167), (213, 94, 0), (0, 114, 178),
)  # fmt: skip
"""RGB colours for several people that colour-blind eyes can tell apart as well (Okabe and Ito, 2008)."""

LIGHT = (-0.39, -0.58, -0.71)
"""Towards the light: above left, on the camera's side."""

_AMBIENT = 0.38
_SAMPLES = 2  # drawn pixels on a side of each one shown, for edges without steps


class Figure(NamedTuple):
    """One mesh to draw."""

    vertices: np.ndarray
    """(V, 3) camera frame, metres, placed before the camera."""
    faces: np.ndarray
    """(F, 3) integers."""
    colour: tuple[int, int, int] | np.ndarray | None = None
    """RGB in 0..255, or (F, 3) one for each face; None takes the next one of `PALETTE`."""


def overlay(
    photo: np.ndarray,
    people: Sequence[Figure | tuple],
    focal_length: float,
    principal_point: tuple[float, float] | None = None,
    opacity: float = 0.9,
    smooth: bool = True,
) -> np.ndarray:
    """Draws meshes over a photo, lit from above left, nearer ones before farther ones.

    Args:
        photo: (H, W, 3) uint8 RGB; left as it is.
        people: `Figure`s, or tuples like them.
        focal_length: pixels.
        principal_point: pixels; None for the photo's middle.
        opacity: 1 hides the photo behind the meshes.
        smooth: False shows the single faces.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    picture = photo.copy()
    height, width = photo.shape[:2]
    x, y = principal_point or (width / 2, height / 2)
    vertices, faces, colours = _merge(people)
    lit = _lit(vertices, faces, smooth)
    left, top, right, bottom = extent(vertices, faces, focal_length, (x, y), (width, height))
    if right <= left:
        return picture
    band = max(1, BUDGET // (_SAMPLES**2 * (right - left)))
    for start in range(top, bottom, band):
        shape = (right - left, min(band, bottom - start))
        fine = (shape[0] * _SAMPLES, shape[1] * _SAMPLES)
        middle = ((x - left) * _SAMPLES, (y - start) * _SAMPLES)
        raster = rasterise(vertices, faces, focal_length * _SAMPLES, middle, fine)
        layer = cv2.resize(_shade(raster, lit, colours), shape, interpolation=cv2.INTER_AREA)
        part = picture[start : start + shape[1], left:right]
        part[:] = np.rint(part * (1 - opacity * layer[..., 3:]) + opacity * layer[..., :3])
    return picture


def side_view(
    people: Sequence[Figure | tuple],
    size: tuple[int, int],
    background: tuple[int, int, int] = (245, 245, 245),
    margin: float = 0.08,
) -> np.ndarray:
    """The same people seen from the photo's right: what was far away is on the right now.

    They turn by 90 degrees about the vertical axis through their middle, and are fitted into the picture.

    Args:
        size: width, height.
        background: RGB.
        margin: the part of the picture's width and height that stays free on each side.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    picture = np.full((size[1], size[0], 3), background, np.uint8)
    vertices, _, _ = _merge(people)
    vertices = vertices[np.isfinite(vertices).all(axis=1)]
    if len(vertices) == 0:
        return picture
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    middle, away = (low + high) / 2, 4 * max(float(np.ptp(vertices, axis=0).max()), 1e-3)

    def turned(points: np.ndarray) -> np.ndarray:
        x, y, z = (np.asarray(points, np.float64) - middle).T
        return np.stack([z, y, away - x], axis=1)

    seen = turned(vertices)
    plane = seen[:, :2] / seen[:, 2:]
    low, high = plane.min(axis=0), plane.max(axis=0)
    focal = float((np.array(size) * (1 - 2 * margin) / np.maximum(high - low, 1e-9)).min())
    point = np.array(size) / 2 - focal * (low + high) / 2
    figures = [Figure(turned(figure[0]), *figure[1:]) for figure in people]
    return overlay(picture, figures, focal, (float(point[0]), float(point[1])), opacity=1.0)


def _merge(people: Sequence[Figure | tuple]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One mesh out of several: vertices (V, 3), faces (F, 3), each face's colour (F, 3) float32."""
    vertices, faces, colours = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], [np.zeros((0, 3), np.float32)]
    count = 0
    for index, person in enumerate(people):
        figure = Figure(*person)
        colour = PALETTE[index % len(PALETTE)] if figure.colour is None else figure.colour
        vertices.append(np.asarray(figure.vertices, np.float64))
        faces.append(np.asarray(figure.faces, np.int64) + count)
        colours.append(np.broadcast_to(np.asarray(colour, np.float32), (len(figure.faces), 3)))
        count += len(figure.vertices)
    return np.concatenate(vertices), np.concatenate(faces), np.concatenate(colours)


def _lit(vertices: np.ndarray, faces: np.ndarray, smooth: bool) -> np.ndarray:
    """(F, 3) how much each corner's outer side faces the light, -1..1; negative where a face is seen from inside."""
    normals = _face_normals(vertices, faces)
    outside = np.einsum("df,fd->f", normals, vertices[faces[:, 0]]) < 0
    if smooth:
        lit = (vertex_normals(vertices, faces) @ np.array(LIGHT, np.float32))[faces]
    else:
        lit = np.repeat((np.array(LIGHT) @ normals / np.maximum(_length(normals), 1e-20))[:, None], 3, axis=1)
    return (lit * np.where(outside, 1, -1)[:, None]).astype(np.float32)


def _shade(raster: Raster, lit: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """(H, W, 4) float32: colour times coverage, and coverage."""
    height, width = raster.face.shape
    pixel = np.flatnonzero(raster.face >= 0)
    face = np.take(raster.face.ravel(), pixel)
    weight = np.take(raster.barycentric.reshape(-1, 3), pixel, axis=0)
    facing = np.einsum("pk,pk->p", np.take(lit, face, axis=0), weight)
    # A large lamp: light reaches a little around the corner.
    brightness = _AMBIENT + (1 - _AMBIENT) * np.clip((facing + 0.2) / 1.2, 0, 1)
    shown = np.ones((len(face), 4), np.float32)
    np.multiply(np.take(colours, face, axis=0), brightness[:, None], out=shown[:, :3])
    layer = np.zeros((height * width, 4), np.float32)
    layer[pixel] = shown
    return layer.reshape(height, width, 4)
