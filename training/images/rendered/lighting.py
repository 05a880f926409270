"""Light on rendered people: a sun with shadows, a sky, and the dark spot that feet make on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from model.rendering.rasterizer import rasterise

_MAP = 128  # pixels on a side of what the sun sees


@dataclass(frozen=True)
class Lamp:
    """A sun and a sky."""

    towards: np.ndarray
    """(3,) direction towards the sun, unit length."""
    up: np.ndarray
    """(3,) direction towards the sky, unit length."""
    sun: np.ndarray
    """(3,) RGB of the sun's light; 1 shows colours as they are."""
    sky: np.ndarray
    """(3,) RGB of the sky's light, likewise."""
    shadows: bool
    """Whether limbs throw shadows on the body."""

    def shine(self, vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(V, 3) float32 RGB of the light on vertices (V, 3) with normals (V, 3)."""
        facing = np.clip((normals @ self.towards + 0.12) / 1.12, 0, None)
        if self.shadows:
            facing = facing * self._reached(vertices, faces)
        above = 0.75 + 0.25 * (normals @ self.up)
        return (facing[:, None] * self.sun + above[:, None] * self.sky).astype(np.float32)

    def _reached(self, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """(V,) 1 where nothing is between a vertex and the sun: what the sun sees, from very far away."""
        forward = -self.towards
        right = np.cross(forward, np.eye(3)[np.abs(forward).argmin()])
        right /= np.linalg.norm(right)
        turned = (vertices - vertices.mean(axis=0)) @ np.stack([right, np.cross(forward, right), forward]).T
        radius = float(np.abs(turned).max()) + 1e-3
        turned[:, 2] += 100 * radius
        focal, middle = 0.98 * 99 * _MAP / 2, (_MAP / 2, _MAP / 2)
        first = rasterise(turned, faces, focal, middle, (_MAP, _MAP), cull=True).depth
        column, row = (focal * turned[:, :2] / turned[:, 2:] + middle).astype(int).clip(0, _MAP - 1).T
        # The farthest of the neighbours: else a coarse map throws the shadow of a surface on itself.
        behind = turned[:, 2] - cv2.dilate(first, np.ones((3, 3), np.uint8))[row, column]
        return 1 - np.clip((behind - 0.02) / 0.03, 0, 1)


def draw_lamp(rng: np.random.Generator, up: np.ndarray) -> Lamp:
    """Draws the light of a scene; `up` (3,) points away from the ground."""
    towards = rng.normal(size=3)
    towards /= np.linalg.norm(towards)
    towards = towards - min(float(towards @ up) - 0.15, 0) * 2 * up  # from above, nearly always
    towards /= np.linalg.norm(towards)
    share, strength = rng.uniform(0.2, 0.75), np.exp(rng.normal(0.05, 0.1))
    warm = rng.normal(0, 0.05) * np.array([1.0, 0.1, -1.0])
    sun, sky = 1.15 * share * strength * (1 + warm), (1 - 0.65 * share) * strength * (1 - 0.5 * warm)
    return Lamp(towards, up, sun, sky, shadows=bool(rng.random() < 0.7))


def darken_ground(picture: np.ndarray, feet: np.ndarray, reach: float) -> None:
    """Darkens the ground about somebody's feet, in place.

    Args:
        picture: (S, S, 3) float32.
        feet: (N, 2) where the lowest points of the body are, pixels.
        reach: how much farther the shade goes, pixels.
    """
    size = len(picture)
    wide = float(np.ptp(feet[:, 0])) + reach
    x, y = feet.mean(axis=0).tolist()
    if not (-size < x < 2 * size and -size < y < 2 * size):
        return
    shade = np.zeros((size, size), np.float32)
    cv2.ellipse(shade, ((x, y), (min(wide, 2.0 * size), min(0.3 * wide, size)), 0.0), 1.0, -1)
    picture *= 1 - 0.45 * cv2.GaussianBlur(shade, (0, 0), max(1.0, 0.06 * wide))[..., None]
