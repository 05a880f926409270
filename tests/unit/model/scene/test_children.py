"""Who is a child: by feet on a known plane, and by heads."""

from __future__ import annotations

import numpy as np
import pytest

from model.scene.children import Children, find_children
from model.scene.up import Up

KIDS = Children(np.arange(2.0, 12.0), np.log([0.51, 0.56, 0.6, 0.64, 0.68, 0.72, 0.76, 0.79, 0.82, 0.85]))
UP = Up(np.array([0.0, -1.0, 0.0]), 0.9, "people", np.radians(4.0))
UNKNOWN = float("nan")
ADULTS_HEAD, CHILDS_HEAD = -1.92, -1.58


def ages(sizes: list[float], heads: list[float] | None = None, camera_height: float | None = None) -> np.ndarray:
    """Of people of these sizes by adults', who stand 5 m before a camera at 1.5 m, all taken for grown up."""
    size = np.array(sizes)
    known = np.array(heads or [UNKNOWN] * len(sizes))
    return find_children(KIDS, UP, 1.5 / size, 5.0 / size, known, camera_height)


def test_a_child_beside_an_adult_is_told_and_about_how_old_she_is() -> None:
    found = ages([1.0, 0.6], [ADULTS_HEAD, CHILDS_HEAD])
    assert np.isnan(found[0]) and found[1] == pytest.approx(4, abs=1)
    np.testing.assert_allclose(ages([0.6, 1.0], [CHILDS_HEAD, ADULTS_HEAD]), found[::-1])
    grown, older = ages([1.0, 0.68], [ADULTS_HEAD, -1.71])
    assert np.isnan(grown) and found[1] + 1 < older == pytest.approx(6, abs=1)


@pytest.mark.parametrize("sizes", [[1.0], [0.5], [1.0, 1.0], [1.05, 0.93], [1.1, 0.9, 1.0], [0.6, 0.6], [1.0] * 12])
def test_grown_ups_stay_grown_up_and_so_does_who_lacks_evidence(sizes: list[float]) -> None:
    for head in (UNKNOWN, ADULTS_HEAD, CHILDS_HEAD):
        assert np.isnan(ages(sizes, [head] * len(sizes))).all()


def test_a_head_as_grown_ups_have_it_speaks_against_a_child_and_a_large_one_for_it() -> None:
    assert np.isnan(ages([1.0, 0.55], [ADULTS_HEAD, ADULTS_HEAD])).all()
    assert np.isfinite(ages([1.0, 0.55], [ADULTS_HEAD, CHILDS_HEAD])).tolist() == [False, True]
    assert np.isnan(ages([1.0, 0.8])).all()
    assert np.isfinite(ages([1.0, 0.72], [ADULTS_HEAD, CHILDS_HEAD])[1])


def test_of_two_either_may_stand_elsewhere_and_a_third_decides() -> None:
    """Where nobody's head is known: one of them stands on something, or the other is a child."""
    assert np.isnan(ages([1.0, 0.55])).all() and np.isnan(ages([1.8, 1.0])).all()
    assert np.isfinite(ages([1.0, 1.0, 0.58])).tolist() == [False, False, True]
    assert np.isnan(ages([1.0, 1.0, 1.8])).all()


def test_much_hair_alone_makes_no_child() -> None:
    assert np.isnan(ages([1.0, 0.97, 1.02], [ADULTS_HEAD, -1.35, ADULTS_HEAD])).all()


def test_who_stands_elsewhere_is_no_child() -> None:
    assert np.isnan(ages([1.0, 1.0, 0.25])).all()  # four times as deep below: no ground of theirs
    assert np.isnan(ages([1.0, 1.8])).all()  # on something


def test_a_known_height_of_the_camera_tells_a_child_who_is_alone() -> None:
    assert ages([0.6], [CHILDS_HEAD], camera_height=1.5)[0] == pytest.approx(4, abs=1)
    assert np.isnan(ages([1.0], [CHILDS_HEAD], camera_height=1.5)[0])


def test_those_who_do_not_stand_say_nothing() -> None:
    heights = np.array([1.5, UNKNOWN, -0.2])
    found = find_children(KIDS, UP, heights, np.full(3, 5.0), np.full(3, CHILDS_HEAD))
    assert np.isnan(found).all()
    assert len(find_children(KIDS, UP, np.zeros(0), np.zeros(0), np.zeros(0))) == 0


def test_a_body_that_knows_no_children_makes_none() -> None:
    """As SMPL's, and rigs that were made before there were any."""
    none = Children(np.zeros(0), np.zeros(0))
    heights = 1.5 / np.array([1.0, 0.6])
    for camera_height in (None, 1.5):
        found = find_children(none, UP, heights, 2 * heights, np.array([ADULTS_HEAD, CHILDS_HEAD]), camera_height)
        assert np.isnan(found).all() and len(found) == 2
