"""Who wins where two sights of a person and a rough third one differ."""

from __future__ import annotations

import numpy as np
import pytest

from model.joints import BLAZEPOSE_COCO
from model.perception.votes import vote

LEFT_ANKLE, RIGHT_ANKLE = 15, 16


def sights() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two alike and a rough one two pixels beside them, of somebody who is 100 pixels high."""
    rng = np.random.default_rng(0)
    landmarks = np.column_stack([rng.uniform(0, 100, (33, 2)), np.full(33, 0.8)])
    landmarks[[BLAZEPOSE_COCO[0], BLAZEPOSE_COCO[-1]], :2] = [(0, 0), (50, 100)]
    rough = landmarks[list(BLAZEPOSE_COCO)] + (2, 0, -0.3)
    return landmarks, landmarks.copy(), rough


def test_who_agree_are_averaged_by_how_sure_they_are() -> None:
    one, other, rough = sights()
    one[:, 2], other[:, 0], other[:, 2] = 0.9, other[:, 0] + 2, 0.6
    agreed = vote(one, other, rough)
    hands = [17, 18]  # no joints of COCO's, so that nobody but both sights speaks of them
    np.testing.assert_allclose(agreed[hands, 0], one[hands, 0] + 2 * 0.6 / 1.5)
    np.testing.assert_allclose(agreed[:, 1], one[:, 1], atol=1e-9)
    np.testing.assert_allclose(agreed[:, 2], 0.75)
    joints = list(BLAZEPOSE_COCO)
    assert ((agreed[joints, 0] > one[joints, 0]) & (agreed[joints, 0] < other[joints, 0])).all()


@pytest.mark.parametrize("wrong", [0, 1])
def test_the_rough_one_says_which_sight_has_exchanged_the_legs(wrong: int) -> None:
    both = sights()
    truth = both[0].copy()
    ankles = [BLAZEPOSE_COCO[LEFT_ANKLE], BLAZEPOSE_COCO[RIGHT_ANKLE]]
    truth[ankles, :2] = [(10, 95), (90, 95)]
    one, other, rough = truth.copy(), truth.copy(), both[2]
    rough[[LEFT_ANKLE, RIGHT_ANKLE], :2] = [(12, 95), (92, 95)]
    (one, other)[wrong][ankles, :2] = [(90, 95), (10, 95)]
    agreed = vote(one, other, rough)
    np.testing.assert_allclose(agreed[ankles, :2], truth[ankles, :2], atol=0.1)


def test_a_surer_sight_wins_over_two_that_doubt() -> None:
    one, other, rough = sights()
    wrist = BLAZEPOSE_COCO[9]
    one[wrist], other[wrist], rough[9] = (20, 20, 0.9), (80, 80, 0.3), (80, 20, 0.2)
    np.testing.assert_allclose(vote(one, other, rough)[wrist], (20, 20, 0.6), atol=1e-3)


def test_the_rough_one_gives_the_place_only_where_it_wins_alone() -> None:
    one, other, rough = sights()
    wrist = BLAZEPOSE_COCO[9]
    one[wrist], other[wrist], rough[9] = (20, 20, 0.2), (80, 80, 0.3), (80, 20, 0.6)
    np.testing.assert_allclose(vote(one, other, rough)[wrist], (80, 20, 0.25))
    other[wrist] = (79, 21, 0.3)
    np.testing.assert_allclose(vote(one, other, rough)[wrist], (79, 21, 0.25), atol=1e-3)


def test_nobody_sure_and_nobody_of_any_extent_come_out_finite() -> None:
    nothing = np.zeros((33, 3))
    assert np.isfinite(vote(nothing, nothing, np.zeros((17, 3)))).all()
