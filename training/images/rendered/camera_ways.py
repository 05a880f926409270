"""Ways of cameras that film somebody: held by hand where they are, carried along with her, or round her."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

CameraWay = Literal["still", "pan", "carried", "orbit"]
CAMERA_WAYS: tuple[str, ...] = get_args(CameraWay)

_EYE = 1.5  # metres above the floor
_AHEAD = 0.25  # seconds over which somebody who films follows what she does
_SWAY, _TREMOR = (0.4, 0.015), (0.35, 0.05)
"""Degrees and metres by which a hand sways; seconds of that, and of its tremor, which is a tenth of it."""
_STEPS, _BOB = 1.9, 0.02  # a second of who carries the camera, and metres by which it goes up and down with them
_ROUND = 0.5  # radians a second


def film_from(
    way: CameraWay, hips: np.ndarray, distance: float, rate: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Where a camera is in each frame, (T, 3) metres, and how it is turned, (T, 3, 3) to its axes.

    Args:
        way: "pan" stays where it is and looks after her, "carried" goes along with her, "orbit" goes round her.
        hips: (T, 3) metres: where she is, z up, the floor at 0, the origin in their midst.
        distance: metres that the camera is away from her.
        rate: frames a second.
        rng: draws from where she is filmed, and how the hand shakes.
    """
    count = len(hips)
    seconds = np.arange(count) / rate
    followed = gaussian_filter1d(hips, _AHEAD * rate, axis=0, mode="nearest")
    start = rng.uniform(0, 2 * np.pi)
    angle = start + _ROUND * seconds * (way == "orbit")
    off = distance * np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], axis=1)
    midst = followed if way == "carried" else np.zeros((count, 3))
    eyes = midst * [1, 1, 0] + off + [0, 0, _EYE] + _SWAY[1] * _shaking(count, rate, rng)
    if way != "pan":
        eyes[:, 2] += _BOB * np.sin(2 * np.pi * _STEPS * seconds)
    shakes = Rotation.from_rotvec(np.radians(_SWAY[0]) * _shaking(count, rate, rng)).as_matrix()
    return eyes, shakes @ _looking(eyes, followed)


def _shaking(count: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """(T, 3) of a hand, of deviation about 1."""
    ways = [gaussian_filter1d(rng.standard_normal((count, 3)), span * rate, axis=0, mode="wrap") for span in _TREMOR]
    sway, tremor = (way / np.maximum(way.std(), 1e-9) for way in ways)
    shaking: np.ndarray = sway + 0.1 * tremor
    return shaking


def _looking(eyes: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(T, 3, 3) to the axes of level cameras at `eyes` (T, 3) that look at points (T, 3): x right, y down, z ahead."""
    ahead = at - eyes
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(ahead, right), ahead], axis=1)
