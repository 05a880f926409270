"""Upright lines: drawn as a camera of known pitch and roll sees posts and rails, and what is no line of a building."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model.scene.balance import balance
from model.scene.lines import Lines, find_lines
from model.scene.up import Up, estimate_up
from tests.support.standing_people import KnownCamera, crowd, degrees_between

SIZE, FOCAL = (480, 640), 700.0
CENTRE = (320.0, 240.0)


def scenery(camera: KnownCamera, posts: int = 12, rails: int = 4) -> np.ndarray:
    """A grey picture of posts of two metres in several rows, joined by rails."""
    picture = np.full((*SIZE, 3), 90, np.uint8)
    rng = np.random.default_rng(1)
    feet = np.column_stack([rng.uniform(-5, 5, posts), np.zeros(posts), rng.uniform(-14, -6, posts)])

    def draw(ends: np.ndarray) -> None:
        seen = camera.see(ends)
        if (seen[:, 2] > 0.5).all():
            a, b = np.rint((FOCAL * seen[:, :2] / seen[:, 2:] + CENTRE) * 16).astype(int)
            cv2.line(picture, a.tolist(), b.tolist(), (200, 190, 180), 3, cv2.LINE_AA, 4)

    for foot in feet:
        draw(np.stack([foot, foot + np.array([0, 2.0, 0])]))
    for height in np.linspace(0.2, 2.0, rails):
        draw(np.array([(-6, height, -10), (6, height, -10)]))
    return picture


def see(camera: KnownCamera, picture: np.ndarray, people: int = 1) -> Up:
    joints, _ = crowd(camera, people)
    return estimate_up(balance(joints), lines=find_lines(picture, FOCAL, CENTRE, []))


@pytest.mark.parametrize(("pitch", "roll"), [(-3, 0), (-25, 0), (-8, 20), (-30, -25)])
def test_posts_make_the_camera_sure(pitch, roll):
    camera = KnownCamera(pitch, roll, height=1.8)
    up = see(camera, scenery(camera))
    assert degrees_between(up.direction, camera.up) < 2.5
    joints, _ = crowd(camera, 1)
    assert up.confidence > estimate_up(balance(joints)).confidence
    assert up.source == "people"


def test_rails_alone_do_not_lay_the_world_on_its_side():
    camera = KnownCamera(-8)
    up = see(camera, scenery(camera, posts=0, rails=12))
    assert abs(up.roll) < 4
    assert degrees_between(up.direction, camera.up) < 4


def test_posts_are_heard_where_nobody_is():
    camera = KnownCamera(-14, 6, height=1.8)
    up = estimate_up(balance(np.zeros((0, 17, 3))), lines=find_lines(scenery(camera), FOCAL, CENTRE, []))
    assert degrees_between(up.direction, camera.up) < 2
    assert up.source == "lines"


def test_a_crowd_outvotes_lines_that_lean():
    leaning, camera = KnownCamera(-10, 25), KnownCamera(-10)
    joints, _ = crowd(camera, 20)
    up = estimate_up(
        balance(joints), joints[:, [15, 16]].mean(axis=1), lines=find_lines(scenery(leaning), FOCAL, CENTRE, [])
    )
    assert degrees_between(up.direction, camera.up) < 2


def test_peoples_outlines_are_no_lines_of_buildings():
    picture = scenery(KnownCamera(-5))
    assert len(find_lines(picture, FOCAL, CENTRE, []).normals) > 10
    assert len(find_lines(picture, FOCAL, CENTRE, [(0, 0, 640, 480)]).normals) == 0


def test_where_bars_meet_the_picture_is_no_line() -> None:
    photo = np.zeros((480, 640, 3), np.uint8)
    photo[:, 100:540] = 140
    assert len(find_lines(photo, FOCAL, CENTRE, []).normals) > 0
    assert len(find_lines(photo, FOCAL, CENTRE, [], (100.0, 0.0, 440.0, 480.0)).normals) == 0


def test_a_line_is_the_plane_that_it_spans_with_the_camera():
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[:, 200:] = 255  # an edge, 50 pixels to the right of the middle
    lines = find_lines(picture, 100.0, (150.0, 100.0), [])
    assert len(lines.normals) >= 1
    expected = np.array([1, 0, -0.5]) / np.hypot(1, 0.5)
    np.testing.assert_allclose(np.abs(lines.normals @ expected), 1, atol=1e-3)


@pytest.mark.parametrize("shape", [(480, 640), (16, 320), (16, 16), (1, 1)])
def test_pictures_without_lines_have_none(shape):
    lines = find_lines(np.full((*shape, 3), 77, np.uint8), 100.0, (8.0, 8.0), [])
    assert isinstance(lines, Lines)
    assert lines.normals.shape == (0, 3) and lines.deviations.shape == (0,)


def test_noise_is_bounded_and_finite():
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    noise = cv2.resize(cv2.resize(noise, (100, 80)), (1600, 1200), interpolation=cv2.INTER_NEAREST)
    lines = find_lines(noise, 1500.0, (800.0, 600.0), [])
    assert len(lines.normals) <= 150
    assert np.isfinite(lines.normals).all() and np.isfinite(lines.deviations).all()
