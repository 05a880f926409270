"""Who is regressed again, from which crop, and which answer counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from model.interfaces import CameraSpaceMeshes, Network
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import Crop, upright_crop
from model.perception.detection import Detection
from model.perception.refinement import neighbours_of, refine

SIZE, FOCAL = (400, 400), 400.0
BOX = (150.0, 100.0, 100.0, 200.0)


def answer(crop: Crop, confidence: float, lean: float = 0.0) -> CropResult:
    """Somebody 2 m tall at a distance of 4 m, so 200 pixels, who leans clockwise by so many degrees."""
    c, s = math.cos(math.radians(lean)), math.sin(math.radians(lean))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)
    outline = np.array([[-0.5, -1, 0], [0.5, -1, 0], [-0.5, 1, 0], [0.5, 1, 0]], np.float32)
    joints = np.zeros((17, 3), np.float32)
    joints[[5, 6], 1], joints[[13, 14], 1] = -0.6, 0.5
    keypoints = np.full((17, 3), confidence, np.float32)
    translation = np.array([0, 0, 4], np.float32)
    return CropResult(
        crop, CameraSpaceMeshes(outline @ turn.T, joints @ turn.T, keypoints, translation, np.zeros(3, np.float32))
    )


class Answers(CropRegressor):
    """Answers with the confidences that it is given, in turn, and notes which crops it was asked for."""

    def __init__(self, confidences: Sequence[float], lean: float = 0.0, size: tuple[int, int] = SIZE):
        super().__init__(cast(Network, None), np.zeros((size[1], size[0], 3), np.uint8), FOCAL)
        self.confidences, self.lean, self.crops = list(confidences), lean, list[Crop]()

    def __call__(self, crops: Sequence[Crop]) -> list[CropResult]:
        self.crops += crops
        return [answer(crop, self.confidences.pop(0), self.lean) for crop in crops]


class By(CropRegressor):
    """Answers as a function says."""

    def __init__(self, answers: Callable[[Sequence[Crop]], list[CropResult]]):
        super().__init__(cast(Network, None), np.zeros((SIZE[1], SIZE[0], 3), np.uint8), FOCAL)
        self.answers = answers

    def __call__(self, crops: Sequence[Crop]) -> list[CropResult]:
        return self.answers(crops)


def closer(results: list[CropResult], network: Answers) -> list[CropResult]:
    """Refines people who have no neighbours."""
    return refine(results, [()] * len(results), network)


def test_who_fits_the_crop_is_not_refined() -> None:
    network, first = Answers([]), answer(upright_crop(BOX), 0.6, lean=8)
    assert closer([first], network) == [first]
    assert network.crops == []


@pytest.mark.parametrize("lean", [30, -90, 170])
def test_who_leans_is_regressed_the_right_way_up(lean: float) -> None:
    network = Answers([0.7], lean)
    (result,) = closer([answer(upright_crop(BOX), 0.6, lean)], network)
    (crop,) = network.crops
    assert result.crop == crop and result.confidence == pytest.approx(0.7)
    assert math.degrees(crop.angle) == pytest.approx(lean)
    assert crop.centre == pytest.approx((200, 200), abs=0.01) and crop.side == pytest.approx(250, rel=1e-4)
    head = np.array([math.sin(math.radians(lean)), -math.cos(math.radians(lean))])
    assert crop.axes @ head == pytest.approx([0, -1], abs=1e-6)  # up in the crop


def test_a_loose_box_is_cropped_to_its_person_alone() -> None:
    loose, fits = answer(upright_crop((0.0, 0.0, 400.0, 400.0)), 0.5), answer(upright_crop(BOX), 0.6)
    network = Answers([0.6])
    first, second = closer([loose, fits], network)
    assert first.crop.side == pytest.approx(250, rel=1e-4) and second is fits and len(network.crops) == 1


def test_an_answer_that_is_less_sure_does_not_count() -> None:
    first = answer(upright_crop(BOX), 0.6, lean=60)
    network = Answers([0.5], lean=60)
    assert closer([first], network) == [first] and len(network.crops) == 1


def test_the_unsure_are_turned_to_all_sides_and_crops_are_bounded() -> None:
    network = Answers([0.2, 0.45, 0.1, 0.46, 0.47], lean=60)
    (result,) = closer([answer(upright_crop(BOX), 0.15, lean=60)], network)
    turns = [round(math.degrees(crop.angle)) for crop in network.crops]
    assert turns == [90, 180, 270, 60]  # then it fits
    assert result.confidence == pytest.approx(0.46)


def test_of_whom_little_is_seen_either_way_is_upright() -> None:
    first = answer(upright_crop(BOX), 0.15)
    assert closer([first], Answers([0.3, 0.38, 0.1])) == [first]
    bust = answer(upright_crop(BOX), 0.6, lean=60)
    bust.mesh.keypoints[11:, 2] = 0.1
    assert closer([bust], Answers([])) == [bust]


def test_the_outline_outside_of_the_photo_does_not_count() -> None:
    network = Answers([0.9], size=(400, 200))  # the photo ends at the hips, which it has in its middle
    (result,) = closer([answer(upright_crop((0.0, -100.0, 400.0, 400.0)), 0.5)], network)
    assert 0 <= result.crop.centre[1] <= 200 and result.crop.side < 260


def standing(x: float, quarters: int = 0) -> np.ndarray:
    """(17, 3) joints of somebody who stands about (x, 200), turned clockwise by some quarters; all are seen well."""
    down = np.linspace(-90, 90, 17)  # COCO's joints go down from the head
    turn = np.array([(0, 1), (-1, 0), (0, -1), (1, 0)][quarters])
    return np.column_stack([(x, 200) + down[:, None] * turn, np.full(17, 0.9)]).astype(np.float32)


def seen(crop: Crop, confidence: float, keypoints: np.ndarray) -> CropResult:
    """An answer with these joints, of somebody who fits the crop."""
    result = answer(crop, confidence)
    met = np.column_stack([keypoints[:, :2], np.full(17, confidence)]).astype(np.float32)
    return CropResult(crop, result.mesh._replace(keypoints=met))


BOXED = Detection(BOX, 1.0, np.zeros((0, 3), np.float32))
ME = Detection(BOX, 0.5, standing(200))
NEIGHBOUR = Detection((210.0, 100.0, 100.0, 200.0), 0.6, standing(260))


def test_what_the_detector_tells_counts_where_there_are_several() -> None:
    far = Detection((0.0, 0.0, 50.0, 90.0), 0.4, standing(20))
    assert neighbours_of([ME, far, NEIGHBOUR]) == [(ME, NEIGHBOUR), (far,), (NEIGHBOUR, ME)]
    assert neighbours_of([ME]) == [()] and neighbours_of([]) == []
    faint = replace(NEIGHBOUR, faint=True)  # nobody's neighbour, but has some
    assert neighbours_of([ME, faint]) == [(), (faint, ME)]
    assert neighbours_of([BOXED]) == [(BOXED,)]


def test_who_was_found_the_right_way_up_is_not_turned_however_unsure() -> None:
    network, first = Answers([]), seen(upright_crop(BOX), 0.1, ME.keypoints)
    assert refine([first], [(ME,)], network) == [first] and network.crops == []


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_who_was_found_lying_is_turned_as_found(quarters: int) -> None:
    found, crops = Detection(BOX, 0.5, standing(200, quarters)), list[Crop]()

    def regress(asked: Sequence[Crop]) -> list[CropResult]:
        crops.extend(asked)
        return [seen(crop, 0.5, found.keypoints) for crop in asked]

    refine([seen(upright_crop(BOX), 0.1, found.keypoints)], [(found,)], By(regress))
    assert round(math.degrees(crops[0].angle)) == 90 * quarters


def test_who_was_mistaken_for_a_neighbour_is_regressed_with_the_neighbour_hidden() -> None:
    crops = list[Crop]()

    def regress(asked: Sequence[Crop]) -> list[CropResult]:
        crops.extend(asked)
        return [seen(crop, 0.3, (NEIGHBOUR if crop.within is None else ME).keypoints) for crop in asked]

    first = [
        seen(upright_crop(BOX), 0.6, NEIGHBOUR.keypoints),
        seen(upright_crop(NEIGHBOUR.box), 0.6, NEIGHBOUR.keypoints),
    ]
    mine, other = refine(first, neighbours_of([ME, NEIGHBOUR]), By(regress))
    (crop,) = crops
    assert crop.within == pytest.approx((140, 80, 120, 240))  # a tenth more on each side
    assert mine.crop == crop and mine.confidence == pytest.approx(0.3) and other is first[1]


def test_hiding_counts_only_if_it_shows_the_person() -> None:
    first = seen(upright_crop(BOX), 0.6, NEIGHBOUR.keypoints)

    def regress(asked: Sequence[Crop]) -> list[CropResult]:
        return [seen(crop, 0.9, standing(330)) for crop in asked]  # a third one

    assert refine([first], [(ME,)], By(regress)) == [first]


def test_refinement_does_not_go_over_to_a_neighbour() -> None:
    asked = list[Crop]()

    def regress(crops: Sequence[Crop]) -> list[CropResult]:
        asked.extend(crops)
        return [seen(crop, 0.9, NEIGHBOUR.keypoints) for crop in crops]

    wide = seen(upright_crop((0.0, 0.0, 400.0, 400.0)), 0.5, ME.keypoints)
    assert refine([wide], [(ME, NEIGHBOUR)], By(regress)) == [wide] and len(asked) == 1


@pytest.mark.parametrize(
    ("shown", "confidence", "counts"),
    [
        (200, 0.45, True),
        (200, 0.3, False),  # hardly anybody is there
        (290, 0.5, False),  # the same person: the box is tight
    ],
)
def test_a_given_box_means_the_person_within(shown: float, confidence: float, counts: bool) -> None:
    first = seen(upright_crop(BOX), 0.6, standing(290))

    def regress(asked: Sequence[Crop]) -> list[CropResult]:
        return [seen(crop, confidence, standing(shown)) for crop in asked]

    (result,) = refine([first], neighbours_of([BOXED]), By(regress))
    assert (result.crop.within is not None) == counts
