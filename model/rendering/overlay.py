"""Pictures of meshes: over a photo, or from the side on a plain ground; smooth or flat, in soft light."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from model.rendering.projection import Triangles, extent, project
from model.rendering.rasterizer import is_closed, visible
from model.rendering.shading import Figure, Surface, gradients, light

BUDGET = 1 << 20
"""Drawn pixels that are worked on at once: they stay in the processor's cache."""

_SAMPLES = 2  # drawn pixels on a side of each one shown, for edges without steps


def overlay(
    photo: np.ndarray,
    people: Sequence[Figure | tuple],
    focal_length: float,
    principal_point: tuple[float, float] | None = None,
    opacity: float = 1.0,
    smooth: bool = True,
) -> np.ndarray:
    """Draws meshes over a photo, lit from above left, nearer ones before farther ones.

    Args:
        photo: (H, W, 3) uint8 RGB; left as it is.
        people: `Figure`s, or tuples like them.
        focal_length: pixels.
        principal_point: pixels; None for the photo's middle.
        opacity: of the meshes; less than 1 lets the photo shine through.
        smooth: False shows the single faces.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    picture = photo.copy()
    height, width = photo.shape[:2]
    x, y = principal_point or (width / 2, height / 2)
    focal, point = focal_length * _SAMPLES, (x * _SAMPLES, y * _SAMPLES)
    surface = light(people, smooth)
    closed = all(is_closed(faces) for faces in {id(person[1]): person[1] for person in people}.values())
    triangles = project(surface.vertices, surface.faces, focal, point, cull=closed)
    edges = extent(triangles, (width * _SAMPLES, height * _SAMPLES))
    left, top, right, bottom = edges[0] // _SAMPLES, edges[1] // _SAMPLES, -(-edges[2] // _SAMPLES), edges[3]
    band = max(1, BUDGET // (_SAMPLES**2 * max(1, right - left)))
    for start in range(top, -(-bottom // _SAMPLES), band):
        stop = min(start + band, height)
        window = left * _SAMPLES, start * _SAMPLES, (right - left) * _SAMPLES, (stop - start) * _SAMPLES
        layer = _draw(surface, triangles, window, focal, point)
        _blend(picture[start:stop, left:right], layer, opacity)
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
        people: `Figure`s, or tuples like them.
        size: width, height.
        background: RGB.
        margin: the part of the picture's width and height that stays free on each side.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    picture = np.full((size[1], size[0], 3), background, np.uint8)
    vertices = np.concatenate([np.zeros((0, 3)), *(person[0] for person in people)])
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


def _draw(
    surface: Surface,
    triangles: Triangles,
    window: tuple[int, int, int, int],
    focal_length: float,
    point: tuple[float, float],
) -> np.ndarray:
    """A window of the picture, made smaller by `_SAMPLES`: (h, w, 4) uint8, colour times coverage, and coverage."""
    left, top, width, height = window
    seen = visible(triangles, window)
    used = np.zeros(len(surface.faces), bool)
    used[seen.face] = True
    runs = gradients(surface, np.flatnonzero(used), focal_length, point)
    of_pixel = np.take(np.cumsum(used) - 1, seen.face)
    z = 1 / seen.inverse_depth
    y, x = np.divmod(seen.pixel.astype(np.uint32), np.uint32(width))
    x, y = (x.astype(np.float32) + np.float32(left + 0.5)) * z, (y.astype(np.float32) + np.float32(top + 0.5)) * z
    shown = np.full((len(z), 4), 255, np.uint8)
    for channel, run in enumerate(runs):
        mean, across, down, rest = np.take(run, of_pixel, axis=1)
        across *= x
        down *= y
        rest *= z
        mean += across
        mean += down
        mean += rest
        shown[:, channel] = np.clip(mean, 0, 255, out=mean)
    layer = np.zeros(height * width, np.uint32)
    layer[seen.pixel] = shown.view(np.uint32)[:, 0]
    size = width // _SAMPLES, height // _SAMPLES
    return cv2.resize(layer.view(np.uint8).reshape(height, width, 4), size, interpolation=cv2.INTER_AREA)


def _blend(part: np.ndarray, layer: np.ndarray, opacity: float) -> None:
    """Puts a layer (h, w, 4) of `_draw` over a part of the picture (h, w, 3)."""
    drawn = cv2.convertScaleAbs(layer, alpha=opacity)
    kept = cv2.cvtColor(255 - drawn[..., 3], cv2.COLOR_GRAY2RGB)
    part[:] = cv2.add(cv2.multiply(part, kept, scale=1 / 255), drawn[..., :3])
