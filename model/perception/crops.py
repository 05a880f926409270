"""Square crops into a photo, upright, or turned and mirrored as a network wants them, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from model.interfaces import CROP_SCALE, CameraSpaceMeshes

_HIDDEN = 128


@dataclass(frozen=True)
class Crop:
    """A square of a photo as a network sees it.

    A crop that is turned or mirrored is an upright one into a photo that was turned or mirrored about its principal
    point; the camera of that photo is the same, its axes turned or mirrored likewise.
    """

    centre: tuple[float, float]
    """x, y in photo pixels."""
    side: float
    """Photo pixels."""
    angle: float = 0.0
    """Radians from the photo's upwards to the crop's, clockwise as one sees it."""
    mirrored: bool = False
    """Whether left and right are exchanged, after turning."""
    within: tuple[float, float, float, float] | None = None
    """x, y, width, height in photo pixels: what lies outside of this box is hidden; None hides nothing."""

    @property
    def axes(self) -> np.ndarray:
        """(2, 2) orthogonal: takes directions in the photo to directions in the crop."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        return np.diag([-1.0, 1.0]) @ turn if self.mirrored else turn

    def cut(self, image: np.ndarray, size: int) -> np.ndarray:
        """What the crop shows, (size, size, 3) uint8; outside of the image is black, what is hidden is grey."""
        pixels = cut_crop(image, (*self.centre, self.side), size, self.axes)
        if self.within is not None:
            grid = np.stack(np.meshgrid(*[np.arange(size) + 0.5] * 2), axis=-1)  # (size, size, 2) x, y
            places = self.to_photo(grid.reshape(-1, 2), size).reshape(size, size, 2)
            pixels[~inside(places, self.within)] = _HIDDEN
        return pixels

    def to_photo(self, points: np.ndarray, size: int) -> np.ndarray:
        """Points (N, 2) in pixels of the cut crop to photo pixels."""
        return (points - size / 2) * (self.side / size) @ self.axes + self.centre

    def to_upright(self, principal_point: tuple[float, float]) -> tuple[float, float, float]:
        """Centre x, y and side of the crop as an upright crop of the turned photo."""
        x, y = self.axes @ np.subtract(self.centre, principal_point) + principal_point
        return float(x), float(y), self.side

    def turn(self, points: np.ndarray, principal_point: tuple[float, float]) -> np.ndarray:
        """Points (N, 2) in photo pixels to where they are in the turned photo of `to_upright`."""
        return (points - principal_point) @ self.axes.T + principal_point

    def uncrop(self, meshes: CameraSpaceMeshes, principal_point: tuple[float, float]) -> CameraSpaceMeshes:
        """What a network answered for this crop, before the camera of the photo.

        Args:
            meshes: of one subject, (V, 3) and the like, before the camera of the turned photo.
            principal_point: x, y of both cameras in pixels.

        Returns:
            A mirrored mesh's faces are inside out.
        """
        if self.angle == 0 and not self.mirrored:
            return meshes
        to_photo = np.eye(3, dtype=np.float32)
        to_photo[:2, :2] = self.axes
        keypoints = meshes.keypoints.copy()
        keypoints[:, :2] = (keypoints[:, :2] - principal_point) @ self.axes + principal_point
        scale, shift = meshes.weak_perspective[:1], meshes.weak_perspective[1:]
        return CameraSpaceMeshes(
            meshes.vertices @ to_photo,
            meshes.joints @ to_photo,
            keypoints,
            meshes.translation @ to_photo,
            np.concatenate([scale, shift @ to_photo[:2, :2]]),
        )

    def weak_perspective(self, camera: np.ndarray, box: Sequence[float]) -> tuple[float, float, float]:
        """Weak perspective into an upright crop of this crop's place and size to that into the crop of a box.

        Args:
            camera: (3,) s, tx, ty; see `uncrop`.
            box: x, y, width, height in photo pixels.
        """
        x, y, side = square_crop(box)
        ratio = self.side / side
        shift = 2 * np.subtract(self.centre, (x, y)) / side + ratio * camera[1:]
        return float(ratio * camera[0]), float(shift[0]), float(shift[1])

    def shifted(self, x: float, y: float) -> Crop:
        """The same crop in a photo that goes on by so many pixels more to the left of this one, and above it."""
        within = self.within and (self.within[0] + x, self.within[1] + y, *self.within[2:])
        return replace(self, centre=(self.centre[0] + x, self.centre[1] + y), within=within)

    def mirror(self) -> Crop:
        """The same crop with left and right exchanged."""
        return replace(self, mirrored=not self.mirrored)


def inside(points: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """Which of some points (..., 2) lie in a box (x, y, width, height), its edges included: (...) bool."""
    x, y, width, height = box
    within: np.ndarray = np.logical_and.reduce((points >= (x, y)) & (points <= (x + width, y + height)), axis=-1)
    return within


def nearest_inside(points: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """The places (N, 2) in a box (x, y, width, height) that are nearest to points (N, 2 or more)."""
    x, y, width, height = box
    return points[:, :2].clip((x, y), (x + width, y + height))


def square_crop(box: Sequence[float]) -> tuple[float, float, float]:
    """The square around a box for the network: its centre's x and y and its side, in the box's unit."""
    x, y, width, height = box
    return x + width / 2, y + height / 2, CROP_SCALE * max(width, height)


def upright_crop(box: Sequence[float]) -> Crop:
    """The crop of a box by `square_crop`."""
    x, y, side = square_crop(box)
    return Crop((x, y), side)


def cut_crop(image: np.ndarray, crop: Sequence[float], size: int, axes: np.ndarray | None = None) -> np.ndarray:
    """Cuts the square crop (centre x, centre y, side; pixels) out of an image and scales it: (size, size, 3) uint8.

    What lies outside of the image is black. A strong reduction averages the pixels it merges.

    Args:
        axes: (2, 2) orthogonal, takes directions in the image to those in the crop; None for an upright crop.
    """
    x, y, side = crop
    axes = np.eye(2) if axes is None else axes
    scale = size / side
    shrink = int(1 / scale) if scale < 0.5 else 1
    start, ratio = np.zeros(2), np.ones(2)
    if shrink > 1:  # average whole blocks first, within the crop's reach only
        reach = side / 2 * np.abs(axes).sum(axis=0)  # of a turned square: more than half its side
        left, top = (max(0, int(middle - far) - shrink) for middle, far in zip((x, y), reach, strict=True))
        right, bottom = (int(middle + far) + shrink for middle, far in zip((x, y), reach, strict=True))
        part = image[top:bottom, left:right]
        # OpenCV averages whole blocks three times as fast as others; at the photo's far edges some pixels are left.
        rows, columns = (shrink * (length // shrink) or length for length in part.shape[:2])
        part = part[:rows, :columns]
        small = max(1, part.shape[1] // shrink), max(1, part.shape[0] // shrink)
        start = np.array([left, top], np.float64)
        ratio = np.array([part.shape[1] / small[0], part.shape[0] / small[1]])
        image = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    # Pixel centres are at 0.5: hence the half pixel on both sides.
    linear = scale * axes * ratio
    shift = scale * axes @ (start - (x, y)) + size / 2 + linear @ (0.5, 0.5) - 0.5
    to_crop = np.column_stack([linear, shift])
    return cv2.warpAffine(image, to_crop, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
