"""Frames that cannot be believed, and what is put in their place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.results import Camera, Person
from model.video.bridging import bridge, fill, find_outliers, interpolate
from model.video.smoothing import steady
from model.video.tracks import Tracks

NO_FACES = np.zeros((0, 3), np.int32)

RATE, COUNT = 30, 60
TIMES = np.arange(COUNT) / RATE
RNG = np.random.default_rng(0)
BODY = RNG.normal(0, 0.4, (17, 3))
KEYPOINTS = np.column_stack([100 + 100 * RNG.uniform(0, 1, (17, 2)), np.full(17, 0.8)]).astype(np.float32)


def person(place: np.ndarray, turn: Rotation | None = None, score: float = 0.7) -> Person:
    joints = (turn.apply(BODY) if turn else BODY).astype(np.float32)
    camera = Camera(700.0, (240, 320), tuple(place), (1, 0, 0))
    return Person(score, (100, 100, 100, 100), KEYPOINTS, joints, joints[:5], NO_FACES, (), camera)


def walk() -> list[Person]:
    """Somebody who walks to the right and wavers a little, as networks' answers do."""
    noise = np.random.default_rng(1).normal(0, (0.005, 0.005, 0.05), (COUNT, 3))
    return [person(np.array([i / RATE, 0, 4]) + noise[i]) for i in range(COUNT)]


def flip(people: list[Person], frames: range, score: float = 0.3) -> None:
    """A backflip as it is seen: for some frames upside down, 3.6 m away."""
    for i in frames:
        place = np.add(people[i].camera.translation, (0.3, 0, 3.6))
        people[i] = person(place, Rotation.from_euler("x", 2.5), score)


def test_a_walk_is_believed():
    assert not find_outliers(TIMES, walk()).any()


@pytest.mark.parametrize("score", [0.3, 0.7])
def test_a_jump_away_and_back_is_not(score):
    """In 0.16 s, whether or not the score tells."""
    people = walk()
    flip(people, range(28, 33), score)
    assert np.flatnonzero(find_outliers(TIMES, people)).tolist() == list(range(28, 33))


def test_low_scores_between_good_ones_are_not_believed():
    people = walk()
    for i in (*range(20, 30), 45):
        people[i] = dataclasses.replace(people[i], score=0.3)
    assert np.flatnonzero(find_outliers(TIMES, people)).tolist() == [*range(20, 30), 45]


@pytest.mark.parametrize("frames", [range(5), range(50, 60), range(15, 45), range(60)])
def test_what_has_no_good_frames_on_both_sides_near_by_stays(frames):
    """At the ends, for longer than it takes to slip, or from beginning to end."""
    people = walk()
    for i in frames:
        people[i] = dataclasses.replace(people[i], score=0.3)
    assert not find_outliers(TIMES, people).any()


def test_fast_motion_is_believed():
    """A somersault in half a second, a jump of a metre: nothing of it comes alone."""
    turns = Rotation.from_euler("x", np.clip((TIMES - 0.7) / 0.5, 0, 1)[:, None] * 2 * np.pi)
    height = -np.clip(1 - ((TIMES - 0.95) / 0.45) ** 2, 0, None)
    people = [person(np.array([0, y, 4]), turn) for y, turn in zip(height, turns)]
    assert not find_outliers(TIMES, people).any()


def test_frames_far_apart_say_nothing_of_each_other():
    people = walk()
    people[20] = person(np.array([0.0, 0, 9]))
    assert not find_outliers(TIMES * 30, people).any()


def test_one_frame_is_believed():
    assert not find_outliers([0.0], walk()[:1]).any()


def test_between_two_frames_by_hand():
    before, after = person(np.array([1.0, 0, 2])), person(np.array([4.0, 0, 8]), Rotation.from_euler("y", 1.0))
    seen = person(np.array([0.0, 0, 1]), score=0.2)
    for share in (0.0, 0.25, 0.5, 1.0):
        middle = interpolate(before, after, share, seen)
        expected = Rotation.from_euler("y", share).apply(BODY)  # turned, and not shrunk on a straight line
        np.testing.assert_allclose(middle.joints, expected, atol=1e-5)
        np.testing.assert_allclose(middle.vertices, expected[:5], atol=1e-5)
        depth = 2 * 4**share  # evenly in the logarithm
        assert middle.camera.translation == pytest.approx((0.5 * depth, 0, depth))  # on the same ray
        assert middle.score == 0.2 and middle.keypoints_2d is seen.keypoints_2d


def followed(people: list[Person]) -> np.ndarray:
    """The pelvis (N, 3) after bridging and smoothing."""
    with Tracks() as tracks:
        for time, someone in zip(TIMES, people):
            tracks.add(time, [someone])
        (track,) = tracks.chosen(RATE, None)
        steady(track)
        assert all(np.isfinite(mesh).all() for mesh in track.meshes)
        return np.array([person.camera.translation for person in track.people])


def test_the_filter_does_not_open_for_outliers():
    """What was smoothed with a backflip is nearly what was smoothed without."""
    calm = walk()
    people = list(calm)
    flip(people, range(28, 33))
    off = np.linalg.norm(followed(people) - followed(calm), axis=1)
    assert off.max() < 0.06
    assert off[:20].max() < 1e-3 and off[40:].max() < 1e-3


def test_smoothing_is_not_late():
    """Somebody who accelerates is where she is, and not where she was."""
    there = np.column_stack([2 * TIMES**2, 0 * TIMES, 4 + 0 * TIMES])
    off = followed([person(place) for place in there]) - there
    assert np.abs(off[5:-10]).max() < 0.02  # at 6 m/s a frame is 0.2 m


def test_what_was_bridged_is_marked_and_nothing_else():
    people = walk()
    flip(people, range(28, 33))
    with Tracks() as tracks:
        for time, someone in zip(TIMES, people):
            tracks.add(time, [someone])
        (track,) = tracks.chosen(RATE, None)
        steady(track)
        assert np.flatnonzero(track.bridged).tolist() == list(range(28, 33))
        # The body goes on upright, while the score remains what it was.
        assert track.people[30].score == pytest.approx(0.3)
        np.testing.assert_allclose(track.people[30].joints, BODY, atol=0.01)
        np.testing.assert_allclose(track.meshes[30], BODY[:5], atol=0.01)


def test_frames_that_no_network_saw_lie_between_their_neighbours():
    """So do those in which she was missed for a moment; where she was away for longer she stays away."""
    away = round(0.7 * RATE / 3) * 3
    with Tracks() as tracks:
        for i in range(13 + away):
            if i % 3:
                tracks.skip(i / RATE)
            else:
                tracks.add(i / RATE, [] if i == 3 or 6 < i < 9 + away else [person(np.array([i / RATE, 0, 4]))])
        (track,) = tracks
        fill(track, tracks.times, tracks.skipped)
        assert track.frames == [*range(7), *range(9 + away, 13 + away)]
        assert [frame for frame, bridged in zip(track.frames, track.bridged) if not bridged] == [
            0,
            6,
            9 + away,
            12 + away,
        ]
        assert track.times == pytest.approx([frame / RATE for frame in track.frames])
        bridge(track)
        places = np.array([one.camera.translation for one in track.people])
        np.testing.assert_allclose(places[:, 0], np.array(track.frames) / RATE, atol=1e-6)
        for index in range(len(track)):
            np.testing.assert_allclose(track.person(index).vertices, BODY[:5], atol=1e-5)
        assert track.people[1].keypoints_2d[:, 2].max() == 0
