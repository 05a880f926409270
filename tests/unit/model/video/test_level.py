"""The floor by feet that stood: on one plane though up is off, on several levels, under who lies before she gets up."""

from __future__ import annotations

import numpy as np
import pytest

from model.video.level import Footing, find_floor, lowest_level, slope

SPREAD = np.radians(3.0)


def footprints(rise: float = 0.0, steps: int = 8, seed: int = 0) -> np.ndarray:
    """Of who goes along x, two centimetres off, on what rises by so many metres for each of hers."""
    rng = np.random.default_rng(seed)
    places = np.stack([0.6 * np.arange(steps), np.zeros(steps), 0.2 * (np.arange(steps) % 2)], axis=1)
    places[:, 1] = rise * places[:, 0] + rng.normal(0, 0.02, steps)
    return places - np.median(places, axis=0)


def test_of_stairs_the_floor_is_the_lowest_level():
    """Feet on one level vary, and are somewhat lower in a crouch; what is lower now and then is a mistake."""
    rng = np.random.default_rng(0)
    level = rng.normal(0, 0.02, 300)
    stairs = np.concatenate([level[:60], 0.18 + level[60:160], 0.36 + level[160:], [-0.3, -0.25]])
    crouching = np.concatenate([level[:200], level[200:] - 0.12])
    assert lowest_level(level) == pytest.approx(0, abs=0.01)
    assert lowest_level(crouching) == pytest.approx(0, abs=0.03)
    assert lowest_level(stairs) == pytest.approx(0, abs=0.02)


def test_a_floor_on_which_somebody_walks_up_a_little_all_the_way_is_level():
    assert slope(footprints(0.05), SPREAD) == pytest.approx([0.05, 0.0], abs=0.02)
    assert np.abs(slope(footprints(), SPREAD)).max() < 0.01


def test_one_footprint_that_is_wrong_does_not_tilt_the_floor():
    wrong = footprints()
    wrong[-1, 1] = 0.5
    assert np.abs(slope(wrong, SPREAD)).max() < 0.01


def test_stairs_do_not_tilt_the_floor():
    """Neither those that are climbed all the way, nor a level way with a step at its end."""
    stairs, step = footprints(0.3), footprints()
    step[5:, 1] += 0.2
    assert (slope(stairs, SPREAD) == 0).all()
    assert (slope(step, SPREAD) == 0).all()


def test_one_whose_size_is_wrong_does_not_tilt_the_floor_that_others_walk_on():
    """The one comes out too high all the way, who walks beside the other."""
    one, other = footprints(seed=1), footprints(seed=2) + np.array([0, 0.1, 3])
    footings = [Footing(each, np.arange(8), np.ones(8, bool)) for each in (one, other)]
    assert find_floor(footings, SPREAD)[0] == pytest.approx([0, 1, 0], abs=0.01)


def test_who_lay_and_stands_up_has_the_floor_where_she_stands():
    """Whoever lies is seen too high or too low by decimetres; who stands is not."""
    places = np.concatenate([footprints(steps=30) - [0, 0.3, 0], footprints(steps=10)])
    upright = np.arange(40) >= 30
    normal, height = find_floor([Footing(places, np.arange(40), upright)], SPREAD)
    assert height == pytest.approx(0, abs=0.02)
    assert normal == pytest.approx([0, 1, 0], abs=0.02)
    assert find_floor([Footing(places[:30], np.arange(30), upright[:30])], SPREAD)[1] == pytest.approx(-0.3, abs=0.02)
