"""When a film's frames are searched for people, and when people are followed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from model.video.following import Follower

FRAME = np.zeros((8, 8, 3), np.uint8)


class Model:
    """Finds who is there; follows them as long as `sure`."""

    def __init__(self) -> None:
        self.there, self.sure = ["one"], True
        self.searched = 0

    def reconstruct(self, frame: np.ndarray, **options: object) -> SimpleNamespace:
        self.searched += 1
        return SimpleNamespace(people=list(self.there))

    def follow(self, frame: np.ndarray, people: list[str], mesh: str) -> list[str] | None:
        return people if people and self.sure else None


@pytest.fixture
def model() -> Model:
    return Model()


def people_of(follow: Follower, times: np.ndarray) -> list[list[str]]:
    return [follow(float(time), FRAME) for time in times]


def test_a_second_at_thirty_frames_is_searched_four_times(model):
    follow = Follower(model)
    assert people_of(follow, np.arange(30) / 30) == [["one"]] * 30
    assert model.searched == 4


def test_who_enters_is_there_after_a_quarter_of_a_second(model):
    follow = Follower(model)
    people_of(follow, np.arange(10) / 30)
    model.there.append("two")
    found = people_of(follow, np.arange(10, 20) / 30)
    assert 0 < found.index(["one", "two"]) <= 8 and found[-1] == ["one", "two"]


def test_frames_far_apart_are_all_searched(model):
    assert people_of(Follower(model), np.arange(10) / 5) == [["one"]] * 10
    assert model.searched == 10


def test_who_is_lost_is_looked_for_at_once(model):
    follow = Follower(model)
    people_of(follow, np.arange(3) / 30)
    model.sure = False
    people_of(follow, np.arange(3, 6) / 30)
    assert model.searched == 4


def test_who_was_missed_in_one_search_is_found_in_the_next_frame(model):
    follow = Follower(model)
    people_of(follow, np.arange(7) / 30)
    model.there = []
    assert follow(0.25, FRAME) == []
    model.there = ["one"]
    assert follow(0.28, FRAME) == ["one"]


def test_an_empty_scene_is_searched_now_and_then(model):
    follow = Follower(model)
    model.there = []
    assert people_of(follow, np.arange(90) / 30) == [[]] * 90
    assert 30 <= model.searched <= 45


def test_no_more_frames_are_seen_than_asked_for(model):
    follow = Follower(model, most=15.0)
    seen = [follow(float(time), FRAME) is not None for time in np.arange(30) / 30]
    assert sum(seen) == 15 and seen[:4] == [True, False, True, False]
