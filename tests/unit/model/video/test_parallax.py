"""Cameras that go somewhere: points that lie near and far tell how they turned, and their lens."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.video.parallax import Pair, lens_of_views

LENS = 300.0
"""Pixels of pictures of 320 x 320."""


def pairs(taken: float, way: float = 0.3, flat: bool = False, count: int = 8) -> tuple[list[Pair], list[np.ndarray]]:
    """What pictures show of a room by a camera that goes and turns, its lens taken for so many times as long.

    Args:
        taken: times; way: metres from one picture to the next.
        flat: whether there is but a wall.
    """
    rng, told, turns = np.random.default_rng(0), [], []
    for number in range(count):
        away = np.full(150, 4.0) if flat else rng.uniform(2.0, 9.0, 150)
        seen = rng.uniform(-150, 150, (150, 2))
        points = np.column_stack([seen / LENS, np.ones(150)]) * away[:, None]
        turn = Rotation.from_euler("yx", [0.1, 0.02]).as_matrix()
        moved = (points - [way, 0.05, 0.1 * way]) @ turn
        there = LENS * moved[:, :2] / moved[:, 2:]
        here, there = (each + rng.normal(0, 0.15, (150, 2)) for each in (seen, there))
        in_both = np.abs(there).max(axis=1) < 160
        views = (each[in_both].astype(np.float32) for each in (here, there))
        told.append(Pair(number, number + 1, taken * LENS, *views, None))
        turns.append(turn)
    return told, turns


@pytest.mark.parametrize("taken", [0.7, 0.8, 1.5])
def test_another_lens_is_told_and_how_the_camera_turned_by_it(taken: float) -> None:
    seen, turns = pairs(taken)
    factor = lens_of_views(seen)
    assert factor * taken == pytest.approx(1, abs=0.12)
    for pair, turn in zip(seen, turns, strict=True):
        off, was = (degrees_apart(each, turn) for each in (pair.turned(factor), pair.turned()))
        assert off is not None and off < 0.7
        assert was is None or was > 2 * off


def degrees_apart(told: np.ndarray | None, turn: np.ndarray) -> float | None:
    """Between a turn that is told, if it is sure, and what it is."""
    return None if told is None else float(np.degrees(Rotation.from_matrix(told.T @ turn).magnitude()))


def test_the_right_lens_stays() -> None:
    assert lens_of_views(pairs(1.0)[0]) == 1.0


def test_nor_is_another_one_told_by_a_wall_or_by_few_pictures() -> None:
    """All lenses explain a wall; of few pictures chance may tell one."""
    assert lens_of_views(pairs(0.7, flat=True)[0]) == 1.0
    assert lens_of_views(pairs(0.7)[0][:5]) == 1.0
    points = np.random.default_rng(0).uniform(-100, 100, (40, 2)).astype(np.float32)
    for there in (points, points + 3, np.ones_like(points)):
        assert lens_of_views([Pair(0, 1, LENS, points, there, None)] * 8) == 1.0


def test_a_turn_on_the_spot_is_smaller_through_a_longer_lens() -> None:
    """A point ahead that goes 30 pixels aside turned by atan(30 / 300), or by atan(30 / 600)."""
    nothing = np.zeros((0, 2), np.float32)
    turn = Rotation.from_euler("y", np.arctan(0.1)).as_matrix()
    turned = Pair(0, 1, 300.0, nothing, nothing, turn).turned(2.0)
    assert turned is not None
    assert Rotation.from_matrix(turned).as_rotvec() == pytest.approx([0, np.arctan(0.05), 0], abs=1e-3)
    assert lens_of_views([Pair(0, 1, 300.0, nothing, nothing, turn)] * 10) == 1.0
