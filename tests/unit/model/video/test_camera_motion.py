"""A camera that moves is told from one that stands still, whoever walks before it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model.video.camera_motion import CameraMotion

WALL = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (300, 700, 3), np.uint8), (0, 0), 2)
CLOTH = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (180, 100, 3), np.uint8), (0, 0), 2)


def seen(pan: float, shake: float = 0.0) -> bool:
    """Three seconds at ten frames a second of a wall, before which somebody large walks; pan in pixels a second."""
    camera, rng = CameraMotion(), np.random.default_rng(2)
    for index in range(30):
        time = index / 10
        x, y = int(pan * time + rng.normal(0, shake)) % 150, int(50 + rng.normal(0, shake))
        frame = WALL[y : y + 200, x : x + 480].copy()
        at = int(30 * time)
        frame[20:200, at : at + 100] = CLOTH
        camera.add(time, frame, [(at, 20, 100, 180)])
    return camera.moves


@pytest.mark.parametrize(("pan", "shake", "moves"), [(0, 0, False), (0, 0.3, False), (40, 0, True), (-40, 0.3, True)])
def test_a_moving_camera_is_noticed(pan: float, shake: float, moves: bool):
    assert seen(pan, shake) == moves


def test_a_wall_without_points_says_nothing():
    camera = CameraMotion()
    for index in range(8):
        camera.add(index / 4, np.full((90, 120, 3), 90, np.uint8), [])
    assert not camera.moves
