"""Calibrated cameras, as Pose2Sim's `Calib*.toml` and Qualisys' `.qca.txt` describe them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np

from model.errors import BadData

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LARGEST = 1 << 22  # bytes of a calibration file
_SUBPIXELS = 64.0  # Qualisys counts in 64ths of a pixel
_NO_CAMERA = ("metadata", "capture_volume", "charuco", "checkerboard")
"""Tables of a TOML file that Pose2Sim, too, passes over."""
_OPENCV_AXES = np.diag([1.0, -1.0, -1.0])
"""From Qualisys' camera axes (y up, looking back along z) to OpenCV's (y down, looking along z)."""


@dataclass(frozen=True)
class CalibratedCamera:
    """A pinhole camera with OpenCV's lens distortion."""

    name: str
    intrinsics: np.ndarray
    """(3, 3) pixels, as OpenCV has them: the first pixel's centre at 0."""
    distortion: np.ndarray
    """(D,) k1, k2, p1, p2 and maybe k3."""
    rotation: np.ndarray
    """(3, 3) world to camera."""
    translation: np.ndarray
    """(3,) metres."""
    size: tuple[float, float] | None = None
    """Width and height in pixels that the calibration is for, if known."""

    @property
    def focal_length(self) -> float:
        """Pixels, the mean of both axes'."""
        return float(self.intrinsics[[0, 1], [0, 1]].mean())

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) in the camera's axes: x right, y down, z forward, its centre the origin."""
        placed: np.ndarray = points @ self.rotation.T + self.translation
        return placed

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) to pixels (..., 2), the first pixel's centre at 0.5.

        What lies behind the camera, where lenses have no formula, or is NaN comes out as NaN.
        """
        flat = self.to_camera(points).reshape(-1, 3).astype(np.float64)
        before = flat[:, 2] > 0  # false for NaN
        pixels = np.full((len(flat), 2), np.nan)
        if before.any():
            nothing = np.zeros(3)
            found, _ = cv2.projectPoints(flat[before], nothing, nothing, self.intrinsics, self.distortion)
            pixels[before] = found[:, 0] + 0.5
        return pixels.reshape(*points.shape[:-1], 2)


def read_cameras(path: Path) -> list[CalibratedCamera]:
    """The cameras of a calibration file, in natural order of their names.

    Raises:
        BadData: the file is not there or no calibration; the message names it.
    """
    reader: Callable[[str], list[CalibratedCamera]] = _of_toml if path.suffix.lower() == ".toml" else _of_qualisys
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST >> 20} MB")
        cameras = reader(path.read_text(encoding="utf-8-sig"))
        if not cameras:
            raise ValueError("no camera in it")
        for camera in cameras:
            check_camera(camera)
    except (OSError, ElementTree.ParseError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadData(
            f"{path} cannot be used as a calibration ({type(error).__name__}: {error}): Pose2Sim's Calib*.toml and "
            "Qualisys' .qca.txt are read."
        ) from None
    return sorted(cameras, key=lambda camera: natural(camera.name))


def check_camera(camera: CalibratedCamera) -> None:
    """Raises ValueError unless the numbers are those of a camera."""
    for what, array, shape in (
        ("matrix", camera.intrinsics, (3, 3)),
        ("rotation", camera.rotation, (3, 3)),
        ("translation", camera.translation, (3,)),
    ):
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"the {what} of {camera.name} is not {' x '.join(map(str, shape))} finite numbers")
    if camera.distortion.shape not in ((4,), (5,)) or not np.isfinite(camera.distortion).all():
        raise ValueError(f"the distortion of {camera.name} is not four or five finite numbers")
    if (camera.intrinsics[[0, 1], [0, 1]] <= 0).any():
        raise ValueError(f"the focal length of {camera.name} is not positive")
    if np.abs(camera.rotation @ camera.rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(camera.rotation) < 0:
        raise ValueError(f"the rotation of {camera.name} is none")
    if np.abs(camera.translation).max() > 1000:
        raise ValueError(f"{camera.name} stands {np.abs(camera.translation).max():,.0f} m off: are these millimetres?")


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts cam2 before cam10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name.lower())]


def _of_toml(text: str) -> list[CalibratedCamera]:
    cameras = []
    for key, table in tomllib.loads(text).items():
        if key in _NO_CAMERA or not isinstance(table, dict):
            continue
        if table.get("fisheye"):
            raise ValueError(f"{key} is a fisheye camera, which is not supported")
        cameras.append(
            CalibratedCamera(
                name=str(table.get("name", key)),
                intrinsics=np.array(table["matrix"], np.float64),
                distortion=np.array(table["distortions"], np.float64),
                rotation=cv2.Rodrigues(np.array(table["rotation"], np.float64).reshape(3))[0],
                translation=np.array(table["translation"], np.float64),
                size=_size(*table["size"]),
            )
        )
    return cameras


def _of_qualisys(text: str) -> list[CalibratedCamera]:
    cameras = []
    for camera in ElementTree.fromstring(text).findall("cameras/camera"):
        if camera.get("model") not in ("none", "Miqus Video", "Miqus Video UnderWater"):
            continue  # sees markers, films nothing
        lens, view, place = (_attributes(camera, tag) for tag in ("intrinsic", "fov_video", "transform"))
        centre = (
            lens["centerPointU"] / _SUBPIXELS - view["left"],
            lens["centerPointV"] / _SUBPIXELS - view["top"],
        )
        focal = lens["focalLengthU"] / _SUBPIXELS, lens["focalLengthV"] / _SUBPIXELS
        turn = np.array([[place[f"r{row}{column}"] for column in (1, 2, 3)] for row in (1, 2, 3)])
        rotation = _OPENCV_AXES @ turn
        cameras.append(
            CalibratedCamera(
                name=camera.attrib["serial"],
                intrinsics=np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1]]),
                distortion=np.array(
                    [
                        lens[key]
                        for key in (
                            "radialDistortion1",
                            "radialDistortion2",
                            "tangentalDistortion1",
                            "tangentalDistortion2",
                        )
                    ]
                ),
                rotation=rotation,
                translation=-rotation @ np.array([place[axis] / 1000 for axis in "xyz"]),
                size=_size(view["right"] - view["left"] + 1, view["bottom"] - view["top"] + 1),
            )
        )
    return cameras


def _attributes(camera: ElementTree.Element, tag: str) -> dict[str, float]:
    element = camera.find(tag)
    if element is None:
        raise ValueError(f"a camera without <{tag}>")
    return {key: float(value) for key, value in element.attrib.items() if _is_number(value)}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _size(width: Any, height: Any) -> tuple[float, float]:
    size = float(width), float(height)
    if not (np.isfinite(size).all() and min(size) > 0):
        raise ValueError(f"a picture of {size[0]:g} x {size[1]:g} pixels")
    return size
