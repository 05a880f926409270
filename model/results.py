"""What a reconstruction answers: people with joints, meshes and cameras."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from model.interfaces import Box
from model.perception.crops import View


@dataclass(frozen=True)
class Camera:
    """The pinhole camera of the photo, as far as it can be known, and the person's place before it."""

    focal_length: float
    """Pixels."""
    principal_point: tuple[float, float]
    """Pixels; the photo's centre."""
    translation: tuple[float, float, float]
    """Metres: a point p of the person projects from p + translation."""
    weak_perspective: tuple[float, float, float]
    """s, tx, ty: crop coordinates in -1..1 are s * (x, y) + (tx, ty)."""

    def place(self, points: np.ndarray) -> np.ndarray:
        """Points of the person (N, 3), the root at the origin, to where they are before the camera (N, 3)."""
        return points + np.array(self.translation, np.float32)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points of the person (N, 3), the root at the origin, to the photo's pixels (N, 2)."""
        placed = self.place(points)
        pixels: np.ndarray = self.focal_length * placed[:, :2] / placed[:, 2:] + np.array(self.principal_point)
        return pixels


@dataclass(frozen=True)
class Person:
    """One reconstructed person, or hand.

    Camera frame: x right, y down, z forward, metres, the pelvis, or a hand's wrist, at the origin.
    """

    score: float
    bbox: Box
    keypoints_2d: np.ndarray
    """(K, 3) x, y in photo pixels and confidence in 0..1, as the 2D network saw them."""
    joints: np.ndarray
    """(K, 3) float32."""
    vertices: np.ndarray
    """(V, 3) float32."""
    camera: Camera
    handedness: str | None = None
    """"left" or "right" of a hand."""
    view: View | None = None
    """Where the mesh network looked, if that was not the upright square about the box."""

    def outward(self, faces: np.ndarray) -> np.ndarray:
        """The network's faces (F, 3) so that they are counter-clockwise seen from outside of this mesh.

        A left hand is a right one mirrored, which turns its faces inside out.
        """
        return faces[:, ::-1] if self.handedness == "left" else faces


@dataclass(frozen=True)
class Reconstruction:
    """What was found in one photo; a sequence of its people."""

    people: list[Person]
    timings_ms: dict[str, float]

    def __iter__(self) -> Iterator[Person]:
        return iter(self.people)

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: int) -> Person:
        return self.people[index]
