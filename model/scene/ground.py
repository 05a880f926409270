"""The ground under people's feet, their sizes by it, and a world that stands on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.errors import BadInput
from model.scene.balance import unit
from model.scene.up import Up

HEIGHTS = (0.05, 500.0)
"""Metres: how high above the ground a camera may be said to be."""
SIZE = 0.1
"""Standard deviation of people's sizes as the network answers them, as a share."""
CONTACT = 0.03  # metres: of the lowest point of a standing body, from the ground
_ON_IT = 2.5  # standard errors from the ground: who is farther off jumps, sits on something, or stands elsewhere


@dataclass(frozen=True)
class Ground:
    """The plane that people stand on: of points p with normal . p = -camera_height, in the camera's frame."""

    normal: np.ndarray
    """(3,) float64 unit vector, up."""
    camera_height: float
    """Metres: how high the camera is above it."""
    standing: np.ndarray
    """(P,) bool: which of the people stand on it."""

    def height(self, points: np.ndarray) -> np.ndarray:
        """Metres (...,) of points (..., 3) of the camera's frame above the ground."""
        above: np.ndarray = points @ self.normal + self.camera_height
        return above


@dataclass(frozen=True)
class Scene:
    """What people stand in."""

    up: Up
    ground: Ground | None
    """None where the camera is below everybody's lowest point."""

    def scaled(self, factor: float) -> Scene:
        """The same scene so many times as large and as far away: its picture stays."""
        if self.ground is None:
            return self
        return replace(self, ground=replace(self.ground, camera_height=factor * self.ground.camera_height))


@dataclass(frozen=True)
class World:
    """Axes that stand on the ground: y up, the origin on it. Metres."""

    rotation: np.ndarray
    """(3, 3) from the camera's axes."""
    origin: np.ndarray
    """(3,) in the camera's frame."""

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the camera's frame in these axes."""
        inside: np.ndarray = (points - self.origin) @ self.rotation.T
        return inside


def check_camera_height(height: float | None) -> None:
    """Raises BadInput unless the height in metres, if it is known, is within `HEIGHTS`."""
    if height is not None and not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise BadInput(f"The camera's height must be from {HEIGHTS[0]:g} to {HEIGHTS[1]:g} metres.")


def camera_heights(bodies: Sequence[np.ndarray], up: np.ndarray) -> np.ndarray:
    """(P,) metres that the camera is above the lowest point of each of P bodies (N, 3); negative if it is below."""
    return np.array([-float((points @ up).min()) for points in bodies])


def find_ground(
    up: Up,
    heights: np.ndarray,
    on_feet: np.ndarray,
    distances: np.ndarray,
    camera_height: float | None = None,
) -> Ground | None:
    """The ground by how high the camera is above each of P people.

    Args:
        up: which way is up.
        heights: (P,) metres, of `camera_heights`.
        on_feet: (P,) bool: who looks as if standing. Where nobody does, all count.
        distances: (P,) metres from the camera.
        camera_height: metres, if it is known.

    Returns:
        None if the camera is below everyone's lowest point and nobody knows its height.
    """
    above = heights > HEIGHTS[0]
    counted = on_feet & above if (on_feet & above).any() else above
    if camera_height is None:
        if not counted.any():
            return None
        camera_height = _weighted_median(heights[counted], errors(up, heights, distances)[counted] ** -2.0)
    off = np.abs(heights - camera_height) / errors(up, heights, distances)
    return Ground(up.direction, float(camera_height), on_feet & above & (off <= _ON_IT))


def errors(up: Up, heights: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """(P,) metres: standard errors of `heights`, by people's sizes and the doubt of the up direction."""
    return np.sqrt((SIZE * heights) ** 2 + (distances * up.spread) ** 2 + CONTACT**2)


def world_on(scene: Scene, under: np.ndarray, facing: np.ndarray | None = None) -> World:
    """A world on the scene's ground.

    Args:
        scene: where there is no ground, the floor is at the height of `under`.
        under: (3,) camera frame: the origin is on the ground below it.
        facing: (3,) camera frame: what becomes +z, as far as it is level; None for towards the camera.
    """
    up = scene.up.direction
    origin = under - up * float(scene.ground.height(under) if scene.ground else 0.0)
    # The camera looks ahead; straight down, its picture's upper edge is ahead, and straight up its lower one.
    edge = np.array([0.0, np.sign(up[2]), 0.0])
    towards = [np.array([0.0, 0.0, -1.0]), -edge] if facing is None else [facing, np.array([0.0, 0.0, -1.0]), -edge]
    level = [each - up * (each @ up) for each in towards]
    z = next((each for each in level if np.linalg.norm(each) > 0.05), level[-1])
    z = unit(z)
    return World(np.stack([np.cross(up, z), up, z]), origin)


def leveling(up: Up) -> np.ndarray:
    """(3, 3): turns the camera's frame so that up becomes -y, as if the camera had been held level."""
    turned: np.ndarray = np.diag([1.0, -1.0, -1.0]) @ world_on(Scene(up, None), np.zeros(3)).rotation
    return turned


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(reached[-1] / 2 + weights[order][-1] / 4, reached, values[order]))
