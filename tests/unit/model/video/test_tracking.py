"""People keep their numbers from frame to frame."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from model.perception.detection import Detection, similarities, similarity
from model.results import Camera, Person
from model.video.clothing import resemblance
from model.video.tracking import Tracker

NO_FACES = np.zeros((0, 3), np.int32)

POSE = np.random.default_rng(0).uniform(0.1, 0.9, (17, 2))  # within the box


def person(x: float, y: float = 50.0, size: float = 100.0, pose: np.ndarray = POSE) -> Person:
    """Somebody whose box begins at x, y, half as wide as high."""
    keypoints = np.column_stack([(x, y) + pose * (size / 2, size), np.full(17, 0.8)]).astype(np.float32)
    nothing = np.zeros((0, 3), np.float32)
    return Person(
        0.9,
        (x, y, size / 2, size),
        keypoints,
        nothing,
        nothing,
        np.zeros((0, 3), np.int32),
        (),
        Camera(1.0, (0, 0), (0, 0, 1), (1, 0, 0)),
    )


def test_numbers_follow_people_whatever_their_order():
    tracker = Tracker()
    assert tracker.update([person(0), person(200)], 0.0) == [0, 1]
    assert tracker.update([person(195), person(5)], 0.1) == [1, 0]
    assert tracker.update([person(10), person(400), person(190)], 0.2) == [0, 2, 1]


def test_people_who_pass_each_other_keep_their_numbers():
    """Their boxes coincide in the middle; their poses tell them apart."""
    tracker = Tracker()
    other = 1 - POSE
    for step in range(21):
        people = [person(100 - 5 * step, pose=other), person(5 * step)]
        assert tracker.update(people if step % 2 else people[::-1], step / 30) == ([0, 1] if step % 2 else [1, 0])[::-1]


def test_who_walks_behind_somebody_comes_out_as_the_same():
    """Hidden for a third of a second, and much alike: where they were heading tells them apart."""
    tracker = Tracker()
    for step in range(31):
        front, back = person(4 * step), person(120 - 4 * step, y=55, size=90)
        if 11 <= step <= 20:
            assert tracker.update([front], step / 30) == [0]
        else:
            assert tracker.update([front, back], step / 30) == [0, 1]


@pytest.mark.parametrize("side", [-1, 1])
def test_who_walks_behind_somebody_for_long_comes_out_beside_her(side):
    """Two seconds, on either side; her clothes were never seen alone. Who comes in elsewhere is somebody else."""
    tracker, pace = Tracker(), 60
    for step in range(81):
        time = step / 20
        front, back = person(pace * time), person(pace * time + 30 * side * (1 if time > 2 else -1), y=55, size=90)
        numbers = tracker.update([front] if 0.5 < time < 2.5 else [front, back], time)
        assert numbers == ([0] if 0.5 < time < 2.5 else [0, 1])
    assert tracker.update([person(pace * 4), person(pace * 4 + 300)], 4.05) == [0, 2]


def test_who_turns_back_out_of_sight_comes_back_as_the_same():
    tracker = Tracker()
    for step in range(10):
        assert tracker.update([person(90 - 10 * step)], step / 10) == [0]
    assert tracker.update([person(0)], 1.7) == [0]  # and not 80 further on


def test_the_best_of_all_pairs_counts_not_the_first():
    tracker = Tracker()
    tracker.update([person(0), person(30)], 0.0)
    # Both are nearest to 30, but only one can be it.
    assert tracker.update([person(22), person(36)], 0.1) == [0, 1]


def test_who_moves_fast_is_still_the_same():
    tracker = Tracker()
    numbers = [tracker.update([person(20 * step)], step / 10) for step in range(10)]  # two fifths of the width a frame
    assert numbers == [[0]] * 10


def test_who_was_hidden_for_a_moment_comes_back_and_who_was_long_gone_is_new():
    tracker = Tracker(memory=1.0)
    assert tracker.update([person(0)], 0.0) == [0]
    assert tracker.update([], 0.5) == []
    assert tracker.update([person(3)], 0.9) == [0]
    assert tracker.update([], 1.5) == []
    assert tracker.update([], 2.0) == []
    assert tracker.update([person(3)], 2.1) == [1]


@pytest.mark.parametrize("step", [1.0, 2.0, 60.0])
def test_frames_far_apart_in_time_have_the_same_people(step):
    """A frame a second, or a minute: who is not in one is still the same in the next, and people walk meanwhile."""
    tracker = Tracker()
    for frame in range(6):
        people = [person(40 * frame, size=100), person(600 - 50 * frame, size=110)]
        assert tracker.update(people[: 1 if frame == 3 else 2], step * frame) == [0, 1][: 1 if frame == 3 else 2]


def test_somebody_elsewhere_is_somebody_else():
    tracker = Tracker()
    tracker.update([person(0)], 0.0)
    assert tracker.update([person(300)], 0.1) == [1]
    assert tracker.update([person(0, size=20)], 0.2) == [2]  # far away, where the first was near


@pytest.mark.parametrize("hidden", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("returns", [False, True])
def test_who_meet_in_the_same_pose_are_told_apart_by_their_clothes(hidden, returns):
    """They are in one place for a moment, one before the other, or one hidden; then both go on, or one goes back."""
    tracker, red, blue = Tracker(), np.zeros((2, 4, 6, 6)), np.zeros((2, 4, 6, 6))
    red[:, 1, 4, 3], blue[:, 0, 2, 3] = 1, 1
    for step in range(121):
        time = step / 30
        way = 60 * (time - 2)
        there = -way if time < 2 or not returns else 0.3 * way
        covered = max(0.0, 1 - abs(way - there) / 50)
        seen = [(person(300 + way), red), (person(300 + there), covered * red + (1 - covered) * blue)]
        seen = seen[:1] if abs(time - 2) < hidden / 2 else seen
        seen = seen[::-1] if step % 2 else seen
        numbers = tracker.update([one for one, _ in seen], time, [wears for _, wears in seen])
        if abs(way - there) > 50 and step % 2 == 0:
            assert numbers == [0, 1]


@pytest.mark.parametrize("pause", [0.1, 0.5])
def test_who_comes_in_where_somebody_else_left_is_somebody_else(pause):
    tracker, red, blue = Tracker(), np.zeros((2, 4, 6, 6)), np.zeros((2, 4, 6, 6))
    red[:, 1, 4, 3], blue[:, 0, 2, 3] = 1, 1
    for step in range(10):
        assert tracker.update([person(5 * step)], step / 30, [red]) == [0]
    there = deepcopy(tracker)
    tracker.update([], 0.35)
    assert tracker.update([person(48)], 0.35 + pause, [blue]) == [1]
    assert there.update([person(48)], 0.35, [blue]) == [0]  # who is there all the time is no other person


def test_who_was_taken_for_a_neighbour_for_a_moment_is_known_by_her_clothes():
    """A network that sees one of two for some frames puts her joints on the other one; then it sees both again."""
    tracker, red, blue = Tracker(), np.zeros((2, 4, 6, 6)), np.zeros((2, 4, 6, 6))
    red[:, 1, 4, 3], blue[:, 0, 2, 3] = 1, 1
    for step in range(20):
        assert tracker.update([person(0), person(60)], step / 30, [red, blue]) == [0, 1]
    for step in range(20, 25):
        assert tracker.update([person(12 * (step - 19))], step / 30, [red]) == [0]
    assert tracker.update([person(0), person(60)], 25 / 30, [red, blue]) == [0, 1]
    assert tracker.update([person(0), person(60), person(200)], 26 / 30, [red, blue, red]) == [0, 1, 2]


def test_who_is_gone_for_long_comes_back_in_the_same_clothes():
    """After two seconds near by; in others, or after longer than three, she is somebody new."""
    red, blue = np.zeros((2, 4, 6, 6)), np.zeros((2, 4, 6, 6))
    red[:, 1, 4, 3], blue[:, 0, 2, 3] = 1, 1
    for wait, wears, number in ((2.0, red, 0), (2.0, blue, 1), (2.0, None, 1), (3.5, red, 1)):
        tracker = Tracker()
        for step in range(10):
            assert tracker.update([person(10.0 * step)], step / 30, [red]) == [0]
        for step in range(3):  # others go on, far away
            tracker.update([], 0.4 + step / 30)
        assert tracker.update([person(150)], 0.3 + wait, [wears]) == [number]


def test_pairs_are_alike_by_themselves_as_among_all():
    """Object keypoint similarity as it is defined, and Bhattacharyya's coefficient of the parts that both show."""
    chances = np.random.default_rng(0)
    crowd = []
    for _ in range(9):
        keypoints = np.column_stack([chances.uniform(0, 60, (17, 2)), chances.uniform(0, 1, 17)]).astype(np.float32)
        crowd.append(Detection((*chances.uniform(0, 60, 2), *chances.uniform(20, 80, 2)), 0.9, keypoints))
    worn: list[np.ndarray | None] = [part.reshape(2, 4, 6, 6) for part in chances.dirichlet(np.full(144, 0.1), (9, 2))]
    worn[2] = None
    for number, part in ((3, 0), (4, 1), (5, slice(None))):
        worn[number][part] = 0.0
    alike, dressed = similarities(crowd[:4], crowd), resemblance(worn, worn)
    for row, one in enumerate(crowd[:4]):
        for column, other in enumerate(crowd):
            away = np.linalg.norm(one.keypoints[:, :2] - other.keypoints[:, :2], axis=1)
            size = 0.1 * max(*one.box[2:], *other.box[2:])
            weights = one.keypoints[:, 2] * other.keypoints[:, 2]
            expected = np.average(np.exp(-(away**2) / (2 * size**2)), weights=weights)
            assert alike[row, column] == pytest.approx(expected, abs=1e-6) == similarity(one, other)
    for row, first in enumerate(worn):
        for column, second in enumerate(worn):
            parts = [] if first is None or second is None else [
                np.sqrt(a * b).sum() for a, b in zip(first, second, strict=True) if a.any() and b.any()
            ]  # fmt: skip
            coefficient = np.nan if first is None or second is None else np.mean(parts) if parts else 0.5
            assert dressed[row, column] == pytest.approx(coefficient, nan_ok=True)
    assert similarities([], crowd).shape == (0, 9) and similarities(crowd, []).shape == (9, 0)
