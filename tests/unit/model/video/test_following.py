"""Which of a film's frames are searched for people, in which people are followed, and which no network sees."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from model.results import Camera, Person
from model.video.following import FAST, Follower, Pace, Sighting

RATE = 30
EVERY = Pace(0.0, 0.0)
FRAMES = [np.full((4, 4, 3), number, np.uint8) for number in range(90)]
STANDING = np.column_stack([np.random.default_rng(0).uniform(0, 100, (17, 2)), np.full(17, 0.9)]).astype(np.float32)


def person(raised: float = 0.0) -> Person:
    """Somebody whose box is 100 pixels high, her left wrist raised by so many."""
    keypoints = STANDING.copy()
    keypoints[9, 1] -= raised
    camera = Camera(100.0, (50.0, 50.0), (0.0, 0.0, 4.0), (1.0, 0.0, 0.0))
    nothing = np.zeros((0, 3), np.float32)
    return Person(0.9, (0, 0, 50, 100), keypoints, nothing, nothing, nothing, (), camera)


class Model:
    """Finds who is there, and follows them as long as `sure`; the wrist is where `raised` says for a frame's number."""

    def __init__(self, raised: Callable[[int], float] = lambda _: 0.0) -> None:
        self.there, self.sure, self._raised = 1, True, raised
        self.searched = 0
        self.focal_length = math.nan
        self.hands: list[int] = []
        """The frames whose hands were asked for."""

    def reconstruct(self, frame: np.ndarray, focal_length: float, **options: object) -> SimpleNamespace:
        self.searched += 1
        self.focal_length = focal_length
        return SimpleNamespace(people=self._people(frame, self.there))

    def follow(self, frame: np.ndarray, people: list[Person], mesh: str) -> list[Person] | None:
        return self._people(frame, len(people)) if people and self.sure else None

    def see_hands(self, frame: np.ndarray, people: list[Person]) -> list[Person]:
        self.hands.append(int(frame[0, 0, 0]))
        return people

    def _people(self, frame: np.ndarray, count: int) -> list[Person]:
        return [person(self._raised(int(frame[0, 0, 0])))] * count


@pytest.fixture
def model() -> Model:
    return Model()


def follow(follower: Follower, numbers: range, rate: float = RATE) -> list[Sighting]:
    """What comes of some frames, in the end."""
    return [each for number in numbers for each in follower(number / rate, FRAMES[number])]


def film(model: Model, pace: Pace, count: int = 30, rate: float = RATE) -> list[Sighting]:
    """What comes of all of a film."""
    follower = Follower(model, pace=pace)
    return [*follow(follower, range(count), rate), *follower.finish()]


def seen(sightings: list[Sighting]) -> list[int]:
    """The numbers of the frames that networks saw."""
    return [number for number, each in enumerate(sightings) if each.people is not None]


def counts(sightings: list[Sighting]) -> list[int]:
    return [len(each.people) for each in sightings if each.people is not None]


@pytest.mark.parametrize(("pace", "rate"), [(EVERY, 30), (Pace(0.1, 0.05), 30), (Pace(0.1, 0.05), 7.0), (FAST, 60)])
def test_every_frame_comes_out_once_in_order(model, pace, rate):
    found = film(model, pace, 40, rate)
    assert [each.time for each in found] == [number / rate for number in range(40)]
    assert [int(each.frame[0, 0, 0]) for each in found] == list(range(40))


def test_who_stands_is_seen_ten_times_a_second(model):
    assert seen(film(model, Pace(0.1, 0.05))) == [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 29]
    # 24 frames a second: three steps would be longer than that.
    assert seen(film(model, Pace(0.1, 0.05), 9, 24)) == [0, 2, 4, 6, 8]


def test_frames_between_are_seen_where_somebody_moved():
    """The wrist is raised between the frames 7 and 8, by more than a twentieth of the box."""
    found = film(Model(lambda number: 6.0 if number >= 8 else 0.0), Pace(0.1, 0.05), 16)
    assert seen(found) == [0, 3, 6, 7, 8, 9, 12, 15]


def test_little_motion_and_motion_of_all_joints_alike_is_none():
    assert 1 not in seen(film(Model(lambda number: 1.0 * number), Pace(0.1, 0.05), 7))
    everywhere = Model()
    shifted = person()
    shifted.keypoints_2d[:, 0] += 40
    everywhere._people = lambda frame, count: [shifted if frame[0, 0, 0] > 1 else person()] * count  # type: ignore[method-assign]
    assert seen(film(everywhere, Pace(0.1, 0.05), 7)) == [0, 3, 6]


def test_a_pace_has_a_shortest_step_however_fast_somebody_moves():
    found = seen(film(Model(lambda number: 50.0 * number), Pace(0.134, 0.05, 1 / 15), 29))
    assert set(np.diff(found)) == {2}


def test_frames_are_not_held_without_bound(model, monkeypatch):
    monkeypatch.setattr("model.video.following._HELD", 2 * FRAMES[0].nbytes)
    assert np.diff(seen(film(model, Pace(10.0, 1.0)))[:-1]).max() == 3


def test_a_second_at_thirty_frames_is_searched_four_times(model):
    assert counts(film(model, EVERY)) == [1] * 30
    assert model.searched == 4


def test_who_enters_is_there_soon(model):
    follower = Follower(model, pace=EVERY)
    follow(follower, range(10))
    model.there = 2
    found = counts(follow(follower, range(10, 22)))
    assert 0 < found.index(2) <= 9 and found[-1] == 2


def test_a_cut_ends_what_is_followed(model, monkeypatch):
    monkeypatch.setattr("model.video.following.Cuts", lambda: lambda time, frame: int(frame[0, 0, 0]) == 5)
    found = film(model, Pace(0.1, 0.05), 10)
    assert [number for number, each in enumerate(found) if each.cut] == [5]
    assert seen(found) == [0, 3, 4, 5, 8, 9]  # the shot's last frame, and the next one's first
    assert model.searched == 2


def test_frames_far_apart_are_all_searched(model):
    assert counts(film(model, Pace(0.1, 0.05), 10, 4)) == [1] * 10
    assert model.searched == 10


def test_who_is_lost_is_looked_for_at_once(model):
    follower = Follower(model, pace=EVERY)
    follow(follower, range(3))
    model.sure = False
    follow(follower, range(3, 6))
    assert model.searched == 4


def test_who_is_missed_in_a_search_stays_as_long_as_she_is_surely_seen(model):
    """A search is due in the frame 9; the detector sees nobody from then on."""
    follower = Follower(model, pace=EVERY)
    follow(follower, range(9))
    model.there = 0
    assert counts(follow(follower, range(9, 20))) == [1] * 11
    assert model.searched == 3  # no more often than usual
    model.sure = False
    assert counts(follow(follower, range(20, 21))) == [0]


def test_who_is_missed_and_hardly_seen_is_gone_and_found_in_the_next_frame(model, monkeypatch):
    follower = Follower(model, pace=EVERY)
    follow(follower, range(9))
    model.there = 0
    monkeypatch.setattr("model.video.following.DOUBTED", 0.95)
    assert counts(follow(follower, range(9, 10))) == [0]
    model.there = 1
    assert counts(follow(follower, range(10, 11))) == [1]


def test_of_two_only_who_is_missed_is_followed_and_not_onto_the_other():
    """One goes behind the other: what is followed then is the one who is seen already."""
    model = Model()
    away = person()
    away.keypoints_2d[:, 0] += 300
    found = [[person(), away]] * 9 + [[person()]] * 3
    model._people = lambda frame, count: found[frame[0, 0, 0]][-count:]  # type: ignore[method-assign]
    model.there = 2
    follower = Follower(model, pace=EVERY)
    assert counts(follow(follower, range(11))) == [2] * 9 + [1] * 2


def test_an_empty_scene_is_searched_now_and_then(model):
    model.there = 0
    assert counts(film(model, EVERY, 90)) == [0] * 90
    assert 30 <= model.searched <= 45


def test_nothing_is_left_of_a_film_without_frames(model):
    assert Follower(model, pace=Pace(0.1, math.inf)).finish() == []


def test_hands_are_seen_at_their_own_pace_or_never(model):
    film(model, EVERY)
    assert model.hands == list(range(0, 30, 6))  # five times a second
    model.hands.clear()
    for off in (Follower(model, hands="off"), Follower(model, mesh="raw")):
        follow(off, range(30))
    assert model.hands == []


@pytest.mark.parametrize(("given", "taken"), [(None, 32 / 43.267 * 5), (70.0, 70.0)])
def test_a_film_is_a_phones_unless_its_lens_is_given(model: Model, given: float | None, taken: float) -> None:
    Follower(model, given)(0.0, np.zeros((3, 4, 3), np.uint8))
    assert model.focal_length == pytest.approx(taken, rel=1e-4)
