"""When people are looked at again, and which look counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from model.interfaces import Placed
from model.perception.crops import View, upright
from model.perception.detection import Detection
from model.perception.refinement import Look, known_of, look_again

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


def closer(looks: list[Look], network: Network, size: tuple[int, int] = SIZE) -> list[Look]:
    """Looks again at people about whom nothing is known."""
    return look_again(looks, [()] * len(looks), network, FOCAL, size)


def test_who_fits_the_view_is_not_looked_at_again() -> None:
    network, first = Network([]), answer(upright(BOX), 0.6, lean=8)
    assert closer([first], network) == [first]
    assert network.views == []


@pytest.mark.parametrize("lean", [30, -90, 170])
def test_who_leans_is_looked_at_the_right_way_up(lean: float) -> None:
    network = Network([0.7], lean)
    (look,) = closer([answer(upright(BOX), 0.6, lean)], network)
    (view,) = network.views
    assert look.view == view and look.confidence == pytest.approx(0.7)
    assert math.degrees(view.angle) == pytest.approx(lean)
    assert view.centre == pytest.approx((200, 200), abs=0.01) and view.side == pytest.approx(250, rel=1e-4)
    head = np.array([math.sin(math.radians(lean)), -math.cos(math.radians(lean))])
    assert view.axes @ head == pytest.approx([0, -1], abs=1e-6)  # up in the view


def test_a_loose_box_is_looked_into_closer_and_only_its_person() -> None:
    loose, fits = answer(upright((0.0, 0.0, 400.0, 400.0)), 0.5), answer(upright(BOX), 0.6)
    network = Network([0.6])
    first, second = closer([loose, fits], network)
    assert first.view.side == pytest.approx(250, rel=1e-4) and second is fits and len(network.views) == 1


def test_a_look_that_is_less_sure_does_not_count() -> None:
    first = answer(upright(BOX), 0.6, lean=60)
    network = Network([0.5], lean=60)
    assert closer([first], network) == [first] and len(network.views) == 1


def test_the_unsure_are_seen_from_all_sides_and_looks_are_bounded() -> None:
    network = Network([0.2, 0.35, 0.1, 0.36, 0.37], lean=60)
    (look,) = closer([answer(upright(BOX), 0.15, lean=60)], network)
    turns = [round(math.degrees(view.angle)) for view in network.views]
    assert turns == [90, 180, 270, 60]  # then it fits
    assert look.confidence == pytest.approx(0.36)


def test_the_outline_outside_of_the_photo_does_not_count() -> None:
    network = Network([0.9])
    half = (400, 200)  # the photo ends at the hips, which it has in its middle
    (look,) = closer([answer(upright((0.0, -100.0, 400.0, 400.0)), 0.5)], network, half)
    assert 0 <= look.view.centre[1] <= 200 and look.view.side < 260


def standing(x: float, quarters: int = 0) -> np.ndarray:
    """(17, 3) joints of somebody who stands about (x, 200), turned clockwise by some quarters; all are seen well."""
    down = np.linspace(-90, 90, 17)  # COCO's joints go down from the head
    turn = np.array([(0, 1), (-1, 0), (0, -1), (1, 0)][quarters])
    return np.column_stack([(x, 200) + down[:, None] * turn, np.full(17, 0.9)]).astype(np.float32)


def seen(view: View, confidence: float, keypoints: np.ndarray) -> Look:
    """A look that meets these joints, at somebody who fits the view."""
    look = answer(view, confidence)
    met = np.column_stack([keypoints[:, :2], np.full(17, confidence)]).astype(np.float32)
    return Look(view, look.placed._replace(keypoints=met))


BOXED = Detection(BOX, 1.0, np.zeros((0, 3), np.float32))
ME = Detection(BOX, 0.5, standing(200))
NEIGHBOUR = Detection((210.0, 100.0, 100.0, 200.0), 0.6, standing(260))


def test_what_the_detector_tells_counts_where_there_are_several() -> None:
    far = Detection((0.0, 0.0, 50.0, 90.0), 0.4, standing(20))
    assert known_of([ME, far, NEIGHBOUR]) == [(ME, NEIGHBOUR), (far,), (NEIGHBOUR, ME)]
    assert known_of([ME]) == [()] and known_of([]) == []
    assert known_of([BOXED]) == [(BOXED,)]


def test_who_was_found_the_right_way_up_is_not_turned_however_unsure() -> None:
    network, first = Network([]), seen(upright(BOX), 0.1, ME.keypoints)
    assert look_again([first], [(ME,)], network, FOCAL, SIZE) == [first] and network.views == []


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_who_was_found_lying_is_turned_as_found(quarters: int) -> None:
    found, views = Detection(BOX, 0.5, standing(200, quarters)), list[View]()

    def take(asked: Sequence[View]) -> list[Look]:
        views.extend(asked)
        return [seen(view, 0.5, found.keypoints) for view in asked]

    look_again([seen(upright(BOX), 0.1, found.keypoints)], [(found,)], take, FOCAL, SIZE)
    assert round(math.degrees(views[0].angle)) == 90 * quarters


def test_who_was_mistaken_for_a_neighbour_is_looked_at_with_the_neighbour_hidden() -> None:
    views = list[View]()

    def take(asked: Sequence[View]) -> list[Look]:
        views.extend(asked)
        return [seen(view, 0.3, (NEIGHBOUR if view.within is None else ME).keypoints) for view in asked]

    first = [seen(upright(BOX), 0.6, NEIGHBOUR.keypoints), seen(upright(NEIGHBOUR.box), 0.6, NEIGHBOUR.keypoints)]
    mine, other = look_again(first, known_of([ME, NEIGHBOUR]), take, FOCAL, SIZE)
    (view,) = views
    assert view.within == pytest.approx((140, 80, 120, 240))  # a tenth more on each side
    assert mine.view == view and mine.confidence == pytest.approx(0.3) and other is first[1]


def test_hiding_counts_only_if_it_shows_the_person() -> None:
    first = seen(upright(BOX), 0.6, NEIGHBOUR.keypoints)

    def take(asked: Sequence[View]) -> list[Look]:
        return [seen(view, 0.9, standing(330)) for view in asked]  # a third one

    assert look_again([first], [(ME,)], take, FOCAL, SIZE) == [first]


def test_a_closer_look_does_not_go_over_to_a_neighbour() -> None:
    asked = list[View]()

    def take(views: Sequence[View]) -> list[Look]:
        asked.extend(views)
        return [seen(view, 0.9, NEIGHBOUR.keypoints) for view in views]

    wide = seen(upright((0.0, 0.0, 400.0, 400.0)), 0.5, ME.keypoints)
    assert look_again([wide], [(ME, NEIGHBOUR)], take, FOCAL, SIZE) == [wide] and len(asked) == 1


@pytest.mark.parametrize(
    ("shown", "confidence", "counts"),
    [
        (200, 0.45, True),
        (200, 0.3, False),  # hardly anybody is there
        (290, 0.5, False),  # the same person: the box is tight
    ],
)
def test_a_given_box_means_the_person_within(shown: float, confidence: float, counts: bool) -> None:
    first = seen(upright(BOX), 0.6, standing(290))

    def take(asked: Sequence[View]) -> list[Look]:
        return [seen(view, confidence, standing(shown)) for view in asked]

    (look,) = look_again([first], known_of([BOXED]), take, FOCAL, SIZE)
    assert (look.view.within is not None) == counts
