"""How the camera turns is told by the background, whoever walks before it; a camera that goes somewhere is noticed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.video.camera_motion import CameraMotion
from training.images.rendered.room import Room

SIZE, FOCAL = (320, 240), 280.0
"""Of frames; pixels."""
MIDDLE = np.array([(SIZE[0] - 1) / 2, (SIZE[1] - 1) / 2])
FRAMES, RATE = 30, 15.0


def texture(seed: int, width: int, height: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2.5)


WALL, CLOTH = texture(0, 900, 700), texture(1, 60, 150)


def film(turns: Rotation, near: float = 0.0, zooms: np.ndarray | float = 1.0) -> list[np.ndarray]:
    """What a camera sees of a wall far away, before which somebody large walks, as it is turned by that (N,).

    Args:
        near: Pixels by which half of the wall, as if it were near, goes aside from frame to frame.
        zooms: (N,) times as long as `FOCAL` the lens is.
    """
    lens = np.array([[FOCAL, 0, MIDDLE[0]], [0, FOCAL, MIDDLE[1]], [0, 0, 1]])
    wide = lens + np.array([[0, 0, 290], [0, 0, 230], [0, 0, 0]])  # the wall as a wider picture of the first camera
    frames = []
    for number, (turn, zoom) in enumerate(zip(turns.as_matrix(), np.broadcast_to(zooms, len(turns)), strict=True)):
        lens[[0, 1], [0, 1]] = zoom * FOCAL
        wall = WALL.copy()
        wall[350:] = np.roll(wall[350:], round(number * near), axis=1)
        frame = cv2.warpPerspective(wall, lens @ turn.T @ np.linalg.inv(wide), SIZE, flags=cv2.INTER_LINEAR)
        at = 40 + 3 * number
        frame[80:230, at : at + 60] = CLOTH
        frames.append(frame)
    return frames


def motion(frames: list[np.ndarray]) -> CameraMotion:
    """What is told of them; networks see every other one."""
    camera = CameraMotion(FOCAL)
    for number, frame in enumerate(frames):
        camera.add(number / RATE, frame, [(40 + 3 * number, 80, 60, 150)] if number % 2 == 0 else None)
    return camera


def shaken(degrees: float) -> Rotation:
    """As a hand trembles about all axes."""
    rng, times = np.random.default_rng(3), np.arange(FRAMES) / RATE
    waves = np.sin(2 * np.pi * (times[:, None] * (0.7, 1.1, 0.9) + rng.uniform(0, 1, 3)))
    return Rotation.from_euler("xyz", degrees * (waves - waves[0]), degrees=True)


def panned(degrees: float) -> Rotation:
    """To one side and back again."""
    return Rotation.from_euler("y", degrees * np.sin(np.linspace(0, np.pi, FRAMES))[:, None], degrees=True)


@pytest.mark.parametrize("turns", [shaken(1.0), panned(14.0), panned(-14.0)])
def test_turns_of_the_camera_are_told(turns: Rotation):
    camera = motion(film(turns))
    assert camera.shots[0].turns and not camera.shots[0].moves
    off = (Rotation.from_matrix(camera.views()) * turns.inv()).magnitude()
    assert np.degrees(off.max()) < 0.15


def test_a_camera_that_stands_still_does_not_tremble():
    camera = motion(film(Rotation.identity(FRAMES)))
    assert not camera.shots[0].turns and not camera.shots[0].moves
    assert (camera.views() == np.eye(3)).all() and (camera.lengths() == 1).all()


def test_a_camera_that_goes_somewhere_is_noticed():
    """Near and far do not move alike."""
    camera = motion(film(panned(5.0), near=4.0))
    assert camera.shots[0].moves and not camera.shots[0].turns


def test_a_turn_after_a_while_of_standing_still_is_told_from_its_beginning():
    """One that stands still is looked at four times a second; frames in which it turned meanwhile are gone back to."""
    angles = np.concatenate([np.zeros(20), np.linspace(0, 14, 5), np.full(3, 14.0)])
    turns = Rotation.from_euler("y", angles[:, None], degrees=True)
    camera = motion(film(turns))
    off = (Rotation.from_matrix(camera.views()) * turns.inv()).magnitude()
    assert np.degrees(off.max()) < 0.3


def test_a_camera_that_whips_round_is_followed_as_it_goes():
    """By 1, 3, 5, 8 and 11 degrees from frame to frame: the last ones are told only by those before."""
    angles = np.concatenate([np.zeros(4), 28 * np.square(np.linspace(0, 1, 6)), np.full(3, 28.0)]) - 14
    turns = Rotation.from_euler("y", angles[:, None], degrees=True)
    camera = motion(film(turns))
    off = (Rotation.from_matrix(camera.views()) * (turns[0].inv() * turns).inv()).magnitude()
    assert np.degrees(off.max()) < 0.3


@pytest.mark.parametrize("turns", [Rotation.identity(FRAMES), shaken(0.8)])
def test_lamps_that_flicker_and_exposures_are_no_motion(turns: Rotation):
    brighter = np.linspace(0.6, 1.0, FRAMES) * np.where(np.arange(FRAMES) % 3, 1.0, 0.75)
    frames = [(frame * factor).astype(np.uint8) for frame, factor in zip(film(turns), brighter, strict=True)]
    camera = motion(frames)
    assert not camera.shots[0].moves and camera.shots[0].turns == bool(turns.magnitude().any())
    off = (Rotation.from_matrix(camera.views()) * turns.inv()).magnitude()
    assert np.degrees(off.max()) < 0.15


def test_what_passes_before_a_camera_that_stands_still_does_not_turn_it():
    """A train hides three fifths of what is behind, and goes by as all would before a camera that turns."""
    frames = film(Rotation.identity(FRAMES))
    for number, frame in enumerate(frames[FRAMES // 3 :]):
        frame[48:192] = WALL[48:192, 7 * number :][:, : SIZE[0]]
    camera = motion(frames)
    assert not camera.shots[0].turns and not camera.shots[0].moves


@pytest.mark.parametrize("turns", [Rotation.identity(FRAMES), shaken(0.8)])
def test_zooms_are_told_from_turns(turns: Rotation):
    zooms = np.linspace(1.0, 1.8, FRAMES)
    camera = motion(film(turns, zooms=zooms))
    assert camera.shots[0].zooms and not camera.shots[0].moves
    np.testing.assert_allclose(camera.lengths(), zooms, rtol=0.01)
    off = (Rotation.from_matrix(camera.views()) * turns.inv()).magnitude()
    assert np.degrees(off.max()) < 0.3


@pytest.mark.parametrize(
    ("seed", "speed", "away", "count", "largest"), [(5, 0.4, 3.0, 24, 6.0), (1, 0.25, 2.1, 24, 4.0)]
)
def test_how_a_camera_turns_that_goes_round_something_is_told(
    seed: int, speed: float, away: float, count: int, largest: float
):
    """Near and far things go different ways, which no turn explains; both views of them together do.

    From near by and slowly, one explains most of what goes on in a quarter of a second, but not in a whole one.
    """
    size = 240
    angles = speed * np.arange(count) / RATE
    eyes = np.stack([away * np.sin(angles), -away * np.cos(angles), np.full(count, 1.5)], axis=1)
    ahead = np.stack([-np.sin(angles), np.cos(angles), 0 * angles], axis=1)
    right = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    turns = np.stack([right, np.broadcast_to([0.0, 0.0, -1.0], right.shape), ahead], axis=1)
    room, camera = Room(np.random.default_rng(seed)), CameraMotion(size * 0.9)
    for number in range(count):
        picture = room.seen(eyes[number], turns[number], size * 0.9, size)
        camera.add(number / RATE, picture.round().astype(np.uint8), [])
    camera.finish()
    assert camera.shots[0].moves
    off = Rotation.from_matrix(np.swapaxes(turns[0] @ np.swapaxes(turns, 1, 2), 1, 2) @ camera.views()).magnitude()
    assert np.degrees(off.max()) < largest < np.degrees(angles[-1]) / 4


def test_each_shot_begins_anew():
    camera, frames = CameraMotion(FOCAL), film(panned(8.0))
    for number, frame in enumerate(frames):
        if number == FRAMES // 2:
            camera.cut()
        camera.add(number / RATE, frame, [])
    views = camera.views()
    assert camera.shots[0].turns and not camera.shots[0].moves
    assert (views[FRAMES // 2] == np.eye(3)).all() and (views[FRAMES // 2 - 1] != np.eye(3)).any()


def test_a_wall_without_points_says_nothing():
    camera = CameraMotion(FOCAL)
    for index in range(8):
        camera.add(index / 4, np.full((90, 120, 3), 90, np.uint8), [])
    assert not camera.shots[0].moves and not camera.shots[0].turns
