"""Which scales and parts of a photo are searched for people, and where those who are found are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.errors import BadInput
from model.interfaces import DetectorOutputs
from model.joints import COCO_MIRROR
from model.perception.detection import Detection, is_there, suppress_duplicates
from model.perception.people import SEARCH, PeopleSearch, detect_people
from tests.support.multipose_heads import YES, empty, put


class FakeDetector:
    """Sees people of given sizes in a photo whose colours tell which part of it is shown; notes its inputs' sizes."""

    def __init__(self, *people: tuple[float, float]) -> None:
        self.people, self.asked, self.parts = people, [], 0

    def __call__(self, images: np.ndarray) -> DetectorOutputs:
        assert images.dtype == np.uint8 and images.shape[0] == 1 and not (np.array(images.shape[1:3]) % 32).any()
        self.asked.append(images.shape[1:3])
        outputs = empty(images.shape[1] // 4, images.shape[2] // 4)
        margin = SEARCH.near_margin if images[0, 0, 0, 2] else 0  # the photo has no blue
        left, top = images[0, margin, margin, :2] / 255
        if max(left, top) > 0.7:  # the photo is turned: its upper left corner is elsewhere
            return outputs
        size = SEARCH.sides[2 + self.parts] if left or top else images.shape[2] - 2 * margin
        self.parts += size > SEARCH.sides[1]
        unit = size / 4  # cells that the photo is wide
        for index, (share, logit) in enumerate(self.people):
            row, column = round((0.375 - top) * unit), round((0.2 + 0.4 * index - left) * unit)
            around = margin // 4
            put(outputs, row + around, column + around, share * unit, logit, spacing=share * unit / 20)
        return outputs


def coloured_photo(height: int, width: int) -> np.ndarray:
    """A photo of which red and green say how far to the right and down they are, as parts of the width."""
    rows, columns = np.mgrid[:height, :width]
    return np.rint(np.stack([columns, rows, 0 * rows], axis=2) * 255 / width).astype(np.uint8)


PHOTO = coloured_photo(480, 640)
SCALES = [(192, 256), (352, 448)]  # the whole photo, padded
NEAR = (224, 256)  # with grey about it
SIDES = [(256, 192), (192, 256), (256, 192)]
FINEST = [(576, 768), NEAR, (1024, 1344)]
CROWD = [(row, column) for row in (6, 18, 30, 42) for column in range(3, 63, 6)]  # in cells at the first scale


@pytest.mark.parametrize(
    ("people", "sizes"),
    [
        ([(0.6, YES)], SCALES[:1]),  # she fills the photo: the first scale is enough
        ([(0.6, YES), (0.5, YES)], SCALES[:1]),
        ([], [SCALES[0], NEAR, SCALES[1], *SIDES, *FINEST]),  # nobody: coarser, finer, from each other side, finest
        ([(0.3, YES)], SCALES),  # somebody small: there may be more
        ([(0.2, YES)], [*SCALES, (480, 352)]),  # smaller still
        ([(0.12, YES)], [*SCALES, (288, 256), (512, 416)]),
        ([(0.6, YES), (0.3, -2.0)], SCALES),  # a faint hint of somebody small
        ([(0.12, -2.0)], [SCALES[0], NEAR, SCALES[1], (288, 256), (512, 416), *SIDES, *FINEST]),
        ([(0.6, YES), (0.3, -6.0)], SCALES[:1]),  # no hint
        ([(0.6, YES), (0.5, -1.5)], SCALES),  # somebody large is faint, as in groups: once more, and no finer
        ([(0.6, -1.5)], [SCALES[0], NEAR, SCALES[1], *SIDES, *FINEST]),  # nobody for sure
    ],
)
def test_finer_scales_are_searched_where_they_may_find_somebody(people: list, sizes: list[tuple[int, int]]) -> None:
    detector = FakeDetector(*people)
    found = detect_people(detector, PHOTO)
    assert detector.asked == sizes
    assert sum(not person.faint for person in found) == sum(
        logit == YES for _, logit in people
    )  # seen twice: one person each


@pytest.mark.parametrize(("logit", "thorough", "found"), [(-0.6, True, 1), (-0.6, False, 0), (-1.2, True, 0)])
def test_who_leaves_no_trace_at_the_first_scales_is_found(logit: float, thorough: bool, found: int) -> None:
    """And nobody of whom the detector is not surer than where something calls for a scale; of a film's frames none."""

    def detector(images: np.ndarray) -> DetectorOutputs:
        outputs = empty(images.shape[1] // 4, images.shape[2] // 4)
        if images.shape[2] == 1344:
            put(outputs, 128, 200, 20, logit)
        return outputs

    people = detect_people(detector, PHOTO, thorough=thorough)
    assert len(people) == found
    if people:
        x, y, w, h = people[0].box
        unit = 640 / 336  # the photo is 336 cells wide
        assert (x + w / 2, y + h / 2) == pytest.approx((200 * unit, 128 * unit), abs=2 * unit)


def test_whom_the_edge_cuts_is_seen_with_something_about_the_photo() -> None:
    """The detector sees her only where what it is shown goes on beyond her: half of her box is in the photo."""

    def detector(images: np.ndarray) -> DetectorOutputs:
        outputs = empty(images.shape[1] // 4, images.shape[2] // 4)
        if (images[0, 0, 0] == 128).all():
            put(outputs, 12 + 15, 12, 20, spacing=0.5)  # the photo begins at 12 cells
        return outputs

    (person,) = detect_people(detector, PHOTO)
    unit = 640 / 40  # the photo is 40 cells wide
    assert person.box == pytest.approx((0, 5 * unit, 5 * unit, 20 * unit))
    assert person.keypoints[8, :2] == pytest.approx((0, 15 * unit), abs=1) and not person.faint


def test_who_is_hardly_seen_may_be_there_if_somebody_else_is() -> None:
    sure, faint = detect_people(FakeDetector((0.4, YES), (0.6, -1.5)), PHOTO)  # the larger one is the faint one
    assert (sure.faint, faint.faint) == (False, True)
    assert sure.score > 0.7 and faint.score == pytest.approx(0.16, abs=0.01)
    (alone,) = detect_people(FakeDetector((0.6, YES), (0.5, -2.2)), PHOTO)  # 0.09
    assert not alone.faint
    assert detect_people(FakeDetector((0.6, -1.5)), PHOTO) == []


@pytest.mark.parametrize(("column", "counts"), [(3, True), (20, False), (37, True)])
def test_who_is_hardly_seen_may_be_there_alone_if_she_is_halved(column: int, counts: bool) -> None:
    def detector(images: np.ndarray) -> DetectorOutputs:
        outputs = empty(images.shape[1] // 4, images.shape[2] // 4)
        if (images[0, 0, 0] == 128).all():
            put(outputs, 12 + 15, 12 + column, 20, logit=-1.5, spacing=0.5)  # the photo is 40 cells wide
        return outputs

    assert [person.faint for person in detect_people(detector, PHOTO)] == [True] * counts


def test_the_faint_are_there_if_their_joints_are_seen() -> None:
    sure = Detection((0, 0, 10, 10), 0.2, np.zeros((17, 3)))
    assert is_there(sure, 0.0)
    faint = replace(sure, faint=True)
    assert is_there(faint, 0.13) and not is_there(faint, 0.12)  # 0.2 x 0.125 = 0.025
    assert not is_there(replace(faint, score=0.15), 0.16)


def test_somebody_who_is_seen_from_both_sides_is_one() -> None:
    rng = np.random.default_rng(0)
    joints = np.column_stack([rng.uniform(0, 100, (17, 2)), np.full(17, 0.8)])
    front = Detection((0, 0, 100, 100), 0.9, joints)
    back = Detection((0, 0, 100, 100), 0.6, joints[list(COCO_MIRROR)])
    other = Detection((0, 0, 100, 100), 0.5, joints * [-1, 1, 1] + [100, 0, 0])  # in the mirror, elsewhere
    assert [person.score for person in suppress_duplicates([back, other, front])] == [0.9, 0.5]


def test_who_is_seen_in_a_part_is_in_pixels_of_the_photo() -> None:
    detector = FakeDetector((0.08, YES))
    (person,) = detect_people(detector, coloured_photo(1440, 1920))
    x, y, w, h = person.box
    assert (x + w / 2, y + h / 2) == pytest.approx((0.2 * 1920, 0.375 * 1920), abs=8)
    assert h == pytest.approx(0.08 * 1920, rel=0.01)
    assert person.keypoints[8, :2] == pytest.approx((0.2 * 1920, 0.375 * 1920), abs=8)
    assert max(detector.asked[2]) < 400 and max(detector.asked[3]) < 500  # not the whole photo's 768 and 1344


@pytest.mark.parametrize("edge", ["left", "top", "right", "bottom"])
def test_a_part_gives_nobody_whom_its_edge_cuts(edge: str) -> None:
    class Parts(FakeDetector):
        def __call__(self, images: np.ndarray) -> DetectorOutputs:
            outputs = super().__call__(images)
            if len(self.asked) > 2:
                height, width = [(50, 51), (80, 71)][len(self.asked) - 3]  # of the part, in cells
                row, column = height // 2, width // 2
                row, column = {"left": (row, 4), "right": (row, width - 4), "top": (6, column)}.get(
                    edge, (height - 6, column)
                )
                put(outputs, row, column, 12, logit=4.0, spacing=0.5)
            return outputs

    photo = coloured_photo(1440, 1920)
    found = detect_people(Parts((0.08, YES)), photo)
    assert len(found) == 1 and found[0].score < 0.8


def test_a_small_image_is_not_enlarged_beyond_reason() -> None:
    detector = FakeDetector((0.12, YES))
    detect_people(detector, coloured_photo(225, 300))
    assert len(detector.asked) == 2
    detector = FakeDetector()
    detect_people(detector, coloured_photo(90, 90))
    assert detector.asked == [(256, 256), (256, 256), *[(256, 256)] * 3]


@pytest.mark.parametrize("quarters", [0, 1])
def test_a_panorama_is_searched_as_large_as_a_photo_of_its_area(quarters: int) -> None:
    asked = []

    def detector(images: np.ndarray) -> DetectorOutputs:
        asked.append(images.shape[1:3])
        return empty(images.shape[1] // 4, images.shape[2] // 4)

    panorama = np.rot90(np.zeros((100, 2000, 3), np.uint8), quarters)
    assert detect_people(detector, panorama, thorough=False) == []
    lying = [(64, 832), (128, 608), (96, 1440), (832, 64), (64, 832), (832, 64)]  # 256 x 13 by its longer side
    assert [size[::-1] if quarters else size for size in asked] == lying


def test_who_is_in_the_foreground_comes_first() -> None:
    near, far = detect_people(FakeDetector((0.3, YES), (0.6, 1.2)), PHOTO)
    assert near.box[3] > 1.5 * far.box[3] and near.score < far.score


def test_everyone_of_a_crowd_is_found() -> None:
    def detector(images: np.ndarray) -> DetectorOutputs:
        outputs = empty(images.shape[1] // 4, images.shape[2] // 4)
        unit = images.shape[2] / 4 / 64
        for row, column in CROWD:
            put(outputs, round(unit * row), round(unit * column), 10 * unit, spacing=0.5 * unit)
        return outputs

    assert len(detect_people(detector, PHOTO)) == len(CROWD) == 40


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_people_of_a_turned_photo_are_in_pixels_of_the_upright_one(quarters: int) -> None:
    photo = np.zeros((384, 512, 3), np.uint8)
    photo[100:140, 340:380, 0] = 255  # she is here, on a photo
    photo[:32, :32, 1] = 255  # with this corner up and left

    def detector(images: np.ndarray) -> DetectorOutputs:
        outputs = empty(images.shape[1] // 4, images.shape[2] // 4)
        if images[0, 4, 4, 1] > 128:
            row, column = (int(where.mean()) // 4 for where in np.nonzero(images[0, :, :, 0] > 200))
            put(outputs, row, column, 26, spacing=0.5)
        return outputs

    (person,) = detect_people(detector, np.ascontiguousarray(np.rot90(photo, quarters)))
    y, x = (where.mean() for where in np.nonzero(np.rot90(photo, quarters)[..., 0]))
    left, top, width, height = person.box
    assert (left + width / 2, top + height / 2) == pytest.approx((x, y), abs=12)  # a cell and a half
    assert (height > width) == (quarters == 2)  # who lies is wider than tall
    assert person.keypoints[8, :2] == pytest.approx((x, y), abs=12)
    feet_from_head = person.keypoints[16, :2] - person.keypoints[0, :2]
    down = {1: (1, 0), 2: (0, -1), 3: (-1, 0)}[quarters]  # of the photo before it was turned
    assert feet_from_head / np.linalg.norm(feet_from_head) == pytest.approx(down, abs=0.1)


@pytest.mark.parametrize(
    ("upright", "turned", "right_way_up"),
    [
        (-0.5, 0.5, False),  # scores of 0.33 and 0.55: upside down, she was taken for somebody else
        (-0.5, -0.2, True),  # 0.33 and 0.40: no reason to turn it
        (0.5, 8.0, True),  # 0.55 and 0.88: sure enough, so the sides are not searched
        (-0.5, -2.0, True),
    ],
)
def test_a_photo_is_turned_if_that_shows_much_surer_people(upright: float, turned: float, right_way_up: bool) -> None:
    photo = np.zeros((384, 512, 3), np.uint8)
    photo[:32, :32, 1] = 255  # with this corner up and left

    def detector(images: np.ndarray) -> DetectorOutputs:
        outputs = empty(images.shape[1] // 4, images.shape[2] // 4)
        put(outputs, 24, 30, 30, turned if images[0, 4, 4, 1] > 128 else upright)
        return outputs

    (person,) = detect_people(detector, np.ascontiguousarray(np.rot90(photo, 2)))
    assert (person.keypoints[16, 1] > person.keypoints[0, 1]) == right_way_up  # feet below the head


def test_a_photo_that_is_turned_is_searched_for_small_people_too() -> None:
    photo = np.zeros((384, 512, 3), np.uint8)
    photo[:32, :32, 1] = 255  # with this corner up and left

    def detector(images: np.ndarray) -> DetectorOutputs:
        height, width = images.shape[1] // 4, images.shape[2] // 4
        outputs = empty(height, width)
        if images[0, 4, 4, 1] > 128:
            put(outputs, height // 2, width // 4, 0.4 * width)
            fine = width > 100
            put(outputs, height // 2, 3 * width // 4, 0.2 * width, YES if fine else -2.0, spacing=0.01 * width)
        return outputs

    (large, small) = detect_people(detector, np.ascontiguousarray(np.rot90(photo, 2)))
    assert large.box[3] == pytest.approx(0.4 * 512, abs=8) and small.box[3] == pytest.approx(0.2 * 512, abs=8)
    assert small.keypoints[8, :2] == pytest.approx((512 / 4, 384 / 2), abs=12)  # at the right, upside down at the left


def test_people_are_in_pixels_of_the_image() -> None:
    (wide,) = detect_people(FakeDetector((0.6, YES)), PHOTO)
    (twice,) = detect_people(FakeDetector((0.6, YES)), coloured_photo(960, 1280))
    np.testing.assert_allclose(np.array(twice.box), 2 * np.array(wide.box))
    np.testing.assert_allclose(twice.keypoints[:, :2], 2 * wide.keypoints[:, :2])
    assert detect_people(FakeDetector((0.6, YES)), PHOTO, PeopleSearch(threshold=0.99)) == []


@pytest.mark.parametrize("image", [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3))])
def test_what_is_no_image_gets_a_sentence(image: np.ndarray) -> None:
    with pytest.raises(BadInput, match="uint8 RGB"):
        detect_people(FakeDetector(), image)


def test_of_two_sightings_of_one_person_the_better_stays() -> None:
    joints = np.column_stack([np.random.default_rng(0).uniform(0, 100, (17, 2)), np.ones(17)])
    beside = joints + np.array([60, 0, 0])
    seen = ((0.5, joints + np.array([3, 0, 0])), (0.9, joints), (0.3, beside))
    people = [Detection((0, 0, 100, 100), score, own) for score, own in seen]
    assert [person.score for person in suppress_duplicates(people)] == [0.9, 0.3]
