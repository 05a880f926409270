"""Curves through poses: they pass through all of them, go on evenly, and have no kinks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.interpolation import between, turned_between

TIMES = np.array([0.0, 0.1, 0.2, 0.4, 0.5])
FINE = np.linspace(0.0, 0.5, 1001)


@pytest.fixture(scope="module")
def turns() -> np.ndarray:
    """(5, 3, 3, 3) of three joints."""
    vectors = np.cumsum(np.random.default_rng(0).normal(0, 0.4, (5, 3, 3)), axis=0)
    return Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(5, 3, 3, 3)


def speeds(rotations: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(T - 1, J, 3) radians a second."""
    steps = np.swapaxes(rotations[:-1], 2, 3) @ rotations[1:]
    vectors = Rotation.from_matrix(steps.reshape(-1, 3, 3)).as_rotvec().reshape(*steps.shape[:2], 3)
    return vectors / np.diff(at)[:, None, None]


def test_all_poses_are_passed(turns):
    np.testing.assert_allclose(turned_between(TIMES, turns, TIMES), turns, atol=1e-9)
    np.testing.assert_allclose(between(TIMES, turns, TIMES), turns, atol=1e-9)


def test_what_turns_and_goes_evenly_goes_on_so():
    axis = np.array([0.0, 0.6, 0.8])
    turns = Rotation.from_rotvec(np.outer(3 * TIMES, axis)).as_matrix()[:, None]
    expected = Rotation.from_rotvec(np.outer(3 * FINE, axis)).as_matrix()[:, None]
    np.testing.assert_allclose(turned_between(TIMES, turns, FINE), expected, atol=1e-9)
    np.testing.assert_allclose(between(TIMES, 3 * TIMES[:, None] + 1, FINE), 3 * FINE[:, None] + 1, atol=1e-9)


def test_there_are_no_kinks(turns):
    """From one half of a millisecond to the next speeds change by a hundredth of what a straight way's would."""
    changes = np.linalg.norm(np.diff(speeds(turned_between(TIMES, turns, FINE), FINE), axis=0), axis=2).max()
    kinks = np.linalg.norm(np.diff(speeds(turns, TIMES), axis=0), axis=2).max()
    assert changes < 0.05 * kinks
    values = between(TIMES, turns[:, 0, 0], FINE)
    assert (
        np.abs(np.diff(values, n=2, axis=0)).max() / np.diff(FINE)[0]
        < 0.05 * np.abs(np.diff(turns[:, 0, 0], n=2, axis=0)).max() / 0.1
    )


def test_a_parabola_is_followed_within_even_steps():
    times = np.arange(5) / 10
    at = np.linspace(0.1, 0.3, 50)
    np.testing.assert_allclose(between(times, times[:, None] ** 2, at), at[:, None] ** 2, atol=1e-12)


def test_one_pose_stays(turns):
    assert np.array_equal(turned_between(TIMES[:1], turns[:1], np.zeros(2)), turns[[0, 0]])
    assert np.array_equal(between(TIMES[:1], turns[:1], np.zeros(2)), turns[[0, 0]])
