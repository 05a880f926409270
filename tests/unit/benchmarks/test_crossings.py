"""What is counted where people cross."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.crossings import figures
from tests.support.fake_reconstructor import JOINTS

COUNT = 20


def crossing() -> np.ndarray:
    """(2, COUNT, 17, 3) two who pass one another by 0.8 m, both looking at the camera."""
    ways = np.linspace(-1, 1, COUNT)
    places = [np.stack([side * ways, 0 * ways, 4 + 0.4 * side + 0 * ways], axis=1) for side in (1, -1)]
    return np.stack([JOINTS + place[:, None] for place in places])


def tracks(joints: np.ndarray) -> list[dict[int, np.ndarray]]:
    return [dict(enumerate(person)) for person in joints]


def test_who_is_found_as_she_is_costs_nothing() -> None:
    truth = crossing()
    assert figures(tracks(truth), truth) == pytest.approx([2, 0, 0, 0, 0, 0, 0], abs=1e-3)


def test_tracks_that_change_over_to_the_other_one_are_counted() -> None:
    truth = crossing()
    mixed = truth.copy()
    mixed[:, COUNT // 2 :] = truth[::-1, COUNT // 2 :]
    assert figures(tracks(mixed), truth) == pytest.approx([2, 2, 0, 0, 0, 0, 0], abs=1e-3)


def test_a_track_that_breaks_off_and_frames_without_anybody_are_counted() -> None:
    truth = crossing()
    first, second = tracks(truth)
    late = {frame: joints for frame, joints in second.items() if frame >= 15}
    early = {frame: joints for frame, joints in second.items() if frame < 5}
    assert figures([first, early, late], truth)[:3] == pytest.approx([3, 1, 25])


def test_who_faces_the_other_way_is_turned() -> None:
    truth = crossing()
    seen = truth.copy()
    middle = seen[0, 5:10, 11:13].mean(axis=1, keepdims=True)
    seen[0, 5:10] = middle + (seen[0, 5:10] - middle) * [-1, 1, -1]
    turned, aligned, off = figures(tracks(seen), truth)[3:6]
    assert turned == pytest.approx(100 * 5 / (2 * COUNT))
    assert aligned == pytest.approx(0, abs=1e-3)
    assert off > 20


def test_who_is_taken_to_be_nearer_is_so_much_nearer_to_the_other_one() -> None:
    truth = crossing()
    seen = truth.copy()
    seen[0] *= 0.9  # the same picture
    assert figures(tracks(seen), truth)[6] > 50
    assert figures(tracks(seen), truth)[:4] == pytest.approx([2, 0, 0, 0])
