"""The room that films by moving cameras show: what stands in it stays where it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from training.images.rendered.room import Room

SIZE, FOCAL = 64, 60.0
AHEAD = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
"""The axes of a level camera that looks along x: x right, y down, z ahead."""


@pytest.fixture(scope="module")
def room() -> Room:
    return Room(np.random.default_rng(0))


def test_points_of_the_floor_and_a_wall_keep_their_colours(room: Room) -> None:
    """Wherever the camera is: what a point looks like is what is at its projection."""
    eyes = np.array([[0.0, 0.0, 1.5], [1.0, 0.4, 1.2]])
    turns = [AHEAD, Rotation.from_euler("y", 12, degrees=True).as_matrix() @ AHEAD]
    points = np.array([[5.0, 0.3, 0.0], [5.5, 1.2, 0.0], [8.0, 1.5, 1.8], [8.0, 0.2, 2.5]])
    seen = []
    for eye, turn in zip(eyes, turns, strict=True):
        picture = room.seen(eye, turn, FOCAL, SIZE)
        before = (points - eye) @ turn.T
        assert (before[:, 2] > 1).all()
        column, row = np.floor(FOCAL * before[:, :2] / before[:, 2:] + SIZE / 2).astype(int).T
        windows = np.lib.stride_tricks.sliding_window_view(picture, (3, 3), axis=(0, 1)).mean(axis=(-1, -2))
        seen.append(windows[row - 1, column - 1])
    assert np.abs(seen[0] - seen[1]).max() < 25
    assert np.ptp(seen[0], axis=0).max() > 40  # floor and wall are of other colours


def test_all_of_the_picture_shows_some_side(room: Room) -> None:
    for turn in (AHEAD, Rotation.from_euler("x", 80, degrees=True).as_matrix() @ AHEAD):
        assert (room.seen(np.array([0, 0, 1.5]), turn, FOCAL, SIZE).max(axis=2) > 0).all()
