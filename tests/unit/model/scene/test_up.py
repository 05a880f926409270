"""Which way is up: people who stand on a known plane before cameras of known pitch and roll."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import BadInput
from model.scene.balance import balance
from model.scene.up import Tilt, Up, estimate_up
from tests.support.standing_people import STANDING, KnownCamera, crowd, degrees_between


def estimate(joints: np.ndarray, **known: object) -> Up:
    return estimate_up(balance(joints), joints[:, [15, 16]].mean(axis=1), **known)


def laid_down(joints: np.ndarray) -> np.ndarray:
    """The same people on their sides, about their hips, in the picture."""
    hips = joints[:, [11, 12]].mean(axis=1, keepdims=True)
    return (joints - hips) @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]) + hips


def test_who_stands_tells_the_vertical_exactly():
    camera = KnownCamera(pitch=-25.0, roll=7.0)
    told = balance(crowd(camera, 6)[0])
    assert max(degrees_between(up, camera.up) for up in told.up) < 0.5
    assert told.on_feet.all()
    # Trunk 0.502, thighs 0.412, shins 0.403 long, times 1.32.
    np.testing.assert_allclose(told.stature, 1.32 * 1.318, rtol=0.01)


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (-35, 0), (20, 8), (-10, -25), (-60, 0)])
def test_fifty_people_tell_any_cameras_angles(pitch, roll):
    camera = KnownCamera(pitch, roll, height=3.0)
    up = estimate(crowd(camera, 50)[0])
    assert degrees_between(up.direction, camera.up) < 1.0
    assert (up.pitch, up.roll) == (pytest.approx(pitch, abs=1), pytest.approx(roll, abs=1.5))
    assert up.confidence > 0.99
    assert up.source == "people"


def test_one_person_is_believed_less_the_odder_the_camera():
    usual, odd = KnownCamera(-12), KnownCamera(-75)
    near, far = (estimate(crowd(camera, 1)[0]) for camera in (usual, odd))
    assert degrees_between(near.direction, usual.up) < 2
    assert far.confidence < 0.7 < near.confidence < 0.95


def test_nobody_leaves_how_cameras_are_held():
    up = estimate(np.zeros((0, 17, 3)))
    assert (up.pitch, up.roll) == (pytest.approx(-9, abs=1), pytest.approx(0, abs=0.5))
    assert up.source == "assumed"
    assert up.confidence < 0.5


def test_who_lies_alone_does_not_tilt_the_world():
    camera = KnownCamera(-10)
    up = estimate(laid_down(crowd(camera, 1)[0]))
    assert degrees_between(up.direction, camera.up) < 5
    assert up.confidence < 0.6


def test_those_who_stand_outvote_who_lies_and_who_stands_on_his_hands():
    camera = KnownCamera(-20, 5)
    joints = crowd(camera, 5)[0]
    joints[:1] = laid_down(joints[:1])
    hips = joints[1:2, [11, 12]].mean(axis=1, keepdims=True)
    joints[1:2] = 2 * hips - joints[1:2]  # head down
    up = estimate(joints)
    assert degrees_between(up.direction, camera.up) < 3
    assert up.confidence > 0.9


def test_a_photo_that_is_saved_upside_down_is_told_by_its_people():
    joints = crowd(KnownCamera(-10), 4)[0] * [-1, -1, 1]
    up = estimate(joints)
    assert abs(up.roll) == pytest.approx(180, abs=3)
    assert up.pitch == pytest.approx(-10, abs=3)


def test_one_ground_tells_the_pitch_of_people_who_all_lean():
    """Depth is what a network doubts: all lean towards the camera, but their feet stand where they stand."""
    camera = KnownCamera(-15)
    joints, _ = crowd(camera, 12)
    hips = joints[:, [11, 12]].mean(axis=1, keepdims=True)
    c, s = np.cos(np.radians(10)), np.sin(np.radians(10))
    lean = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    joints = (joints - hips) @ lean + hips
    alone = estimate_up(balance(joints))
    together = estimate(joints)
    assert degrees_between(together.direction, camera.up) < 0.6 * degrees_between(alone.direction, camera.up)


def test_a_given_pitch_wins_and_people_say_the_roll():
    joints, _ = crowd(KnownCamera(-18, roll=12), 8)
    up = estimate(joints, tilt=Tilt(-22.0))
    assert up.pitch == pytest.approx(-22)
    assert up.roll == pytest.approx(12, abs=2)
    assert up.source == "given"


def test_what_is_wholly_known_needs_nobody():
    up = estimate(np.zeros((0, 17, 3)), tilt=Tilt(-90.0, 0.0, "xmp"))
    np.testing.assert_allclose(up.direction, [0, 0, -1], atol=1e-12)
    assert (up.pitch, up.source, up.confidence) == (-90, "xmp", 1)


@pytest.mark.parametrize("tilt", [Tilt(91.0), Tilt(float("nan")), Tilt(0.0, 200.0), Tilt(float("-inf"))])
def test_angles_that_no_camera_has_are_refused(tilt):
    with pytest.raises(BadInput, match=r"pitch must be from -90"):
        estimate(np.zeros((0, 17, 3)), tilt=tilt)


def test_a_film_of_one_person_is_no_crowd():
    camera = KnownCamera(-30)
    joints = np.repeat(crowd(camera, 1)[0], 200, axis=0)
    film = estimate(joints, person=[0] * 200)
    assert film.confidence < estimate(joints).confidence
    assert film.spread > 1.5 * estimate(joints).spread


def test_a_film_of_one_who_lies_is_no_film_that_is_turned():
    """She may plank in all of it, as straight as if she stood; but several who stand are believed."""
    camera = KnownCamera(-10)
    planks = np.repeat(laid_down(crowd(camera, 1)[0]), 100, axis=0)
    assert degrees_between(estimate(planks, person=[0] * 100).direction, camera.up) < 5
    turned = np.repeat(laid_down(crowd(camera, 3)[0]), 30, axis=0)
    up = estimate(turned, person=np.repeat(range(3), 30).tolist())
    assert abs(up.roll) == pytest.approx(90, abs=5)


def test_people_without_a_place_or_a_shape_say_nothing():
    broken = np.stack([np.zeros((17, 3)), np.full((17, 3), np.nan), STANDING * [1, -1, 1]])
    told = balance(broken, np.stack([np.ones(17), np.ones(17), np.zeros(17)]))
    assert np.isinf(told.spread).all()
    assert not told.on_feet.any()


def test_who_is_cut_off_at_the_hips_tells_by_the_trunk_and_less_surely():
    joints = crowd(KnownCamera(), 1)[0]
    seen = np.ones((1, 17))
    seen[:, 13:] = 0
    whole, cut = balance(joints), balance(joints, seen)
    assert cut.spread[0] > 2 * whole.spread[0]
    assert np.isfinite(cut.spread[0])
    assert not cut.on_feet[0]
