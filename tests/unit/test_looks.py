"""When people are looked at again, and which look counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from model.looks import Look, look_again
from model.network import Placed
from model.views import View, upright

SIZE, FOCAL = (400, 400), 400.0
BOX = (150.0, 100.0, 100.0, 200.0)


def answer(view: View, confidence: float, lean: float = 0.0) -> Look:
    """Somebody 2 m tall at a distance of 4 m, so 200 pixels, who leans clockwise by so many degrees."""
    c, s = math.cos(math.radians(lean)), math.sin(math.radians(lean))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)
    outline = np.array([[-0.5, -1, 0], [0.5, -1, 0], [-0.5, 1, 0], [0.5, 1, 0]], np.float32)
    joints = np.zeros((17, 3), np.float32)
    joints[[5, 6], 1], joints[[13, 14], 1] = -0.6, 0.5
    keypoints = np.full((17, 3), confidence, np.float32)
    translation = np.array([0, 0, 4], np.float32)
    return Look(view, Placed(outline @ turn.T, joints @ turn.T, keypoints, translation, np.zeros(3, np.float32)))


class Network:
    """Answers with the confidences that it is given, in turn, and notes where it looks."""

    def __init__(self, confidences: Sequence[float], lean: float = 0.0):
        self.confidences, self.lean, self.views = list(confidences), lean, list[View]()

    def __call__(self, views: Sequence[View]) -> list[Look]:
        self.views += views
        return [answer(view, self.confidences.pop(0), self.lean) for view in views]


def test_who_fits_the_view_is_not_looked_at_again() -> None:
    network, first = Network([]), answer(upright(BOX), 0.6, lean=8)
    assert look_again([first], network, FOCAL, SIZE) == [first]
    assert network.views == []


@pytest.mark.parametrize("lean", [30, -90, 170])
def test_who_leans_is_looked_at_the_right_way_up(lean: float) -> None:
    network = Network([0.7], lean)
    (look,) = look_again([answer(upright(BOX), 0.6, lean)], network, FOCAL, SIZE)
    (view,) = network.views
    assert look.view == view and look.confidence == pytest.approx(0.7)
    assert math.degrees(view.angle) == pytest.approx(lean)
    assert view.centre == pytest.approx((200, 200), abs=0.01) and view.side == pytest.approx(250, rel=1e-4)
    head = np.array([math.sin(math.radians(lean)), -math.cos(math.radians(lean))])
    assert view.axes @ head == pytest.approx([0, -1], abs=1e-6)  # up in the view


def test_a_loose_box_is_looked_into_closer_and_only_its_person() -> None:
    loose, fits = answer(upright((0.0, 0.0, 400.0, 400.0)), 0.5), answer(upright(BOX), 0.6)
    network = Network([0.6])
    first, second = look_again([loose, fits], network, FOCAL, SIZE)
    assert first.view.side == pytest.approx(250, rel=1e-4) and second is fits and len(network.views) == 1


def test_a_look_that_is_less_sure_does_not_count() -> None:
    first = answer(upright(BOX), 0.6, lean=60)
    network = Network([0.5], lean=60)
    assert look_again([first], network, FOCAL, SIZE) == [first] and len(network.views) == 1


def test_the_unsure_are_seen_from_all_sides_and_looks_are_bounded() -> None:
    network = Network([0.2, 0.35, 0.1, 0.36, 0.37], lean=60)
    (look,) = look_again([answer(upright(BOX), 0.15, lean=60)], network, FOCAL, SIZE)
    turns = [round(math.degrees(view.angle)) for view in network.views]
    assert turns == [90, 180, 270, 60]  # then it fits
    assert look.confidence == pytest.approx(0.36)


def test_the_outline_outside_of_the_photo_does_not_count() -> None:
    network = Network([0.9])
    half = (400, 200)  # the photo ends at the hips, which it has in its middle
    (look,) = look_again([answer(upright((0.0, -100.0, 400.0, 400.0)), 0.5)], network, FOCAL, half)
    assert 0 <= look.view.centre[1] <= 200 and look.view.side < 260
