"""The One-Euro filter: still where things are still, with things where they move."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.results import Camera, Person
from model.video.smoothing import OneEuro, PersonSmoother

NO_FACES = np.zeros((0, 3), np.int32)

RATE = 30.0


def run(values: np.ndarray, rate: float = RATE, still: float = 1.0, moving: float = 4.0) -> np.ndarray:
    smooth = OneEuro(still, moving)
    return np.stack([smooth(value, index / rate) for index, value in enumerate(values)])


def test_one_step_by_hand():
    """From 0 to 1 in 0.1 s: speed 10, of which the share s / (1 + s) with s = 2 pi 0.1; the value's share likewise."""
    smooth = OneEuro(still=0.5, moving=0.2, speed=1.0)
    assert smooth(np.array([0.0]), 3.0) == 0
    turn = 2 * math.pi * 0.1
    speed = 10 * turn / (1 + turn)
    turn = 2 * math.pi * (0.5 + 0.2 * speed) * 0.1
    assert smooth(np.array([1.0]), 3.1)[0] == pytest.approx(turn / (1 + turn))


def test_what_stands_still_stays_and_jitter_is_damped():
    np.testing.assert_array_equal(run(np.ones((20, 4, 3))), np.ones((20, 4, 3)))
    noise = np.random.default_rng(0).normal(0, 0.002, (300, 50, 3))
    smooth = run(noise)[30:]
    assert smooth.std() < 0.45 * noise.std()
    assert np.diff(smooth, axis=0).std() < 0.25 * np.diff(noise, axis=0).std()


def test_fast_motion_lags_little_and_less_than_without_the_speed():
    ramp = np.zeros((60, 1, 3))
    ramp[:, 0, 0] = 2.0 * np.arange(60) / RATE  # metres at 2 m/s
    lag = np.abs(run(ramp) - ramp)[-1, 0, 0] / 2.0
    slow = np.abs(run(ramp, moving=0.0) - ramp)[-1, 0, 0] / 2.0
    assert lag < 0.025  # seconds
    assert slow > 3 * lag


def test_a_rotated_input_gives_the_rotated_output():
    walk = np.cumsum(np.random.default_rng(1).normal(0, 0.05, (40, 5, 3)), axis=0)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    np.testing.assert_allclose(run(walk @ turn), run(walk) @ turn, atol=1e-9)


def test_the_frame_rate_hardly_matters():
    def wave(rate: float) -> np.ndarray:
        return np.sin(2 * np.pi * 0.5 * np.arange(int(4 * rate)) / rate)[:, None]

    np.testing.assert_allclose(run(wave(30.0), 30.0), run(wave(120.0), 120.0)[::4], atol=0.05)


def person(shift: float = 0.0, depth: float = 3.0) -> Person:
    joints = np.full((17, 3), shift, np.float32)
    camera = Camera(700.0, (240, 320), (0.1 * depth, 0.2 * depth, depth), (1, 0, 0))
    return Person(0.9, (0, 0, 9, 9), np.zeros((17, 3), np.float32), joints, joints[:5] + 1, NO_FACES, (), camera)


def test_a_person_is_smoothed_and_what_was_seen_stays():
    smooth = PersonSmoother()
    first = smooth(person(), 0.0)
    assert first.camera.translation == pytest.approx((0.3, 0.6, 3.0))
    second = smooth(person(shift=0.1, depth=3.3), 0.03)
    assert 0 < second.joints[0, 0] < 0.1 and 1 < second.vertices[0, 0] < 1.1
    x, y, z = second.camera.translation
    assert 3.0 < z < 3.15
    assert (x / z, y / z) == pytest.approx((0.1, 0.2))  # in the picture nothing moved
    assert second.bbox == (0, 0, 9, 9) and second.keypoints_2d.dtype == np.float32
    assert second.joints.dtype == second.vertices.dtype == np.float32
