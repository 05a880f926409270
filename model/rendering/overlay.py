"""Pictures of meshes: over a photo, or from the side on a plain ground; smooth or flat, in soft light."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from model.rendering.projection import NEAR, in_front
from model.rendering.rasterizer import is_closed
from model.rendering.shading import Figure, Surface, light

BUDGET = 1 << 21
"""Drawn pixels that are worked on at once: bounds the memory."""

_SAMPLES = 2  # drawn pixels on a side of each one shown, for edges without steps


def overlay(
    photo: np.ndarray,
    people: Sequence[Figure | tuple],
    focal_length: float,
    principal_point: tuple[float, float] | None = None,
    opacity: float = 1.0,
    smooth: bool = True,
    closed: bool | None = None,
) -> np.ndarray:
    """Draws meshes over a photo, lit from above left, nearer ones before farther ones.

    Args:
        photo: (H, W, 3) uint8 RGB; left as it is.
        people: `Figure`s, or tuples like them.
        focal_length: pixels.
        principal_point: pixels; None for the photo's middle.
        opacity: of the meshes; less than 1 lets the photo shine through.
        smooth: False shows the single faces.
        closed: whether all meshes are, see `is_closed`; None finds out, which takes time.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    picture = photo.copy()
    height, width = photo.shape[:2]
    x, y = principal_point or (width / 2, height / 2)
    if closed is None:
        closed = all(is_closed(faces) for faces in {id(person[1]): person[1] for person in people}.values())
    surface = _in_front(light(people, smooth, outside=closed))
    if not len(surface.faces):
        return picture
    seen = surface.vertices[:, :2] * (focal_length / surface.vertices[:, 2:]) + (x, y)
    left, top = np.floor(seen.min(axis=0)).clip(0, (width, height)).astype(int).tolist()
    right, bottom = np.ceil(seen.max(axis=0)).clip(0, (width, height)).astype(int).tolist()
    if right == left:
        return picture
    band = max(1, BUDGET // (_SAMPLES**2 * (right - left)))
    for start in range(top, bottom, band):
        stop = min(start + band, bottom)
        size = right - left, stop - start
        _blend(picture[start:stop, left:right], *_draw(surface, size, focal_length, (x - left, y - start)), opacity)
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


def _in_front(surface: Surface) -> Surface:
    """What of it is before the camera; vertices on which no face hangs are left out."""
    count = len(surface.faces)
    vertices, faces, _ = in_front(np.concatenate([surface.vertices, surface.colours], axis=1), surface.faces)
    if len(faces) != count or len(vertices) != len(surface.vertices):
        used, flat = np.unique(faces, return_inverse=True)
        vertices, faces = vertices[used], flat.reshape(-1, 3)
    return Surface(vertices[:, :3], faces, vertices[:, 3:].astype(np.float32))


def _draw(
    surface: Surface, size: tuple[int, int], focal_length: float, point: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """A window of the picture: (h, w, 3) uint8 colour times coverage, and (h, w) uint8 coverage.

    Args:
        surface: All of it before the camera.
        size: Width and height of the window, pixels.
        focal_length: Pixels.
        point: The principal point, from the window's upper left corner.
    """
    width, height = size[0] * _SAMPLES, size[1] * _SAMPLES
    x, y, z = surface.vertices.T
    far = 2 * float(z.max())
    # OpenCV's camera has y up, z backwards, and its principal point in the middle: points are moved by their depth.
    seen = np.empty((len(z), 3), np.float32)
    seen[:, 0] = x + (point[0] - size[0] / 2) / focal_length * z
    seen[:, 1] = -y - (point[1] - size[1] / 2) / focal_length * z
    seen[:, 2] = -z
    colour, depth = np.zeros((height, width, 3), np.float32), np.full((height, width), far, np.float32)
    settings = cv2.TriangleRasterizeSettings().setShadingType(cv2.RASTERIZE_SHADING_SHADED)
    # Faces are turned round: of those that it takes for clockwise ones it leaves out pixels on edges between two.
    settings.setCullingMode(cv2.RASTERIZE_CULLING_CCW)
    cv2.triangleRasterize(
        seen,
        np.ascontiguousarray(surface.faces[:, ::-1], np.int32),
        surface.colours / 255,
        colour,
        depth,
        np.eye(4, dtype=np.float32),
        2 * float(np.arctan(size[1] / 2 / focal_length)),
        min(NEAR, float(z.min())) / 2,
        far,
        settings,
    )
    covered = np.where(depth < 0.75 * far, np.uint8(255), np.uint8(0))
    shown = cv2.convertScaleAbs(colour, alpha=255)
    return cv2.resize(shown, size, interpolation=cv2.INTER_AREA), cv2.resize(
        covered, size, interpolation=cv2.INTER_AREA
    )


def _blend(part: np.ndarray, colour: np.ndarray, coverage: np.ndarray, opacity: float) -> None:
    """Puts what `_draw` drew over a part of the picture (h, w, 3)."""
    drawn = cv2.convertScaleAbs(colour, alpha=opacity)
    kept = cv2.cvtColor(255 - cv2.convertScaleAbs(coverage, alpha=opacity), cv2.COLOR_GRAY2RGB)
    part[:] = cv2.add(cv2.multiply(part, kept, scale=1 / 255), drawn)
