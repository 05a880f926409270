"""Everybody in a film, and who counts."""

from __future__ import annotations

import dataclasses
import weakref

import numpy as np
import pytest

from model.results import Camera, Person
from model.video.bridging import fill
from model.video.tracks import Tracks

NO_FACES = np.zeros((0, 3), np.int32)

NOTHING = np.zeros((17, 3), np.float32)


def person(x: float, mark: float = 0.0) -> Person:
    """Somebody whose box begins at x; the mesh has one vertex, to be known by."""
    rng = np.random.default_rng(0)
    keypoints = np.column_stack([(x, 50) + rng.uniform(0.1, 0.9, (17, 2)) * (50, 100), np.full(17, 0.8)])
    camera = Camera(1.0, (0, 0), (0, 0, 1), (1, 0, 0))
    return Person(
        0.9, (x, 50, 50, 100), keypoints.astype(np.float32), NOTHING, np.full((1, 3), mark), NO_FACES, (), camera
    )


def film(count: int, rate: float, **present: range) -> Tracks:
    """People at their places, in the frames of their ranges."""
    tracks = Tracks()
    for frame in range(count):
        there = [i for i, frames in enumerate(present.values()) if frame in frames]
        tracks.add(frame / rate, [person(300 * i, i + frame / 1000) for i in there])
    return tracks


def who(tracks: Tracks, rate: float, most: int | None = None) -> list[int]:
    return [int(track.meshes[0][0, 0]) for track in tracks.chosen(rate, most)]


@pytest.mark.parametrize(("count", "rate"), [(1, 30), (2, 30), (20, 60), (3, 1), (5, 0.5), (3, 1 / 60), (10, 30)])
def test_who_is_in_every_frame_counts_however_short_the_film(count, rate):
    assert who(film(count, rate, a=range(count)), rate) == [0]


@pytest.mark.parametrize(("count", "rate", "least"), [(300, 30, 15), (20, 60, 10), (60, 1, 3), (3, 1, 2), (4, 30, 2)])
def test_who_is_there_for_a_moment_does_not(count, rate, least):
    tracks = film(count, rate, a=range(count), b=range(least), c=range(least - 1))
    assert tracks.least(rate) == least
    assert who(tracks, rate) == [0, 1]


def test_two_slips_do_not_make_somebody_of_what_is_bridged_between_them():
    tracks = film(60, 30, a=range(60), b=range(0, 18, 17))
    for track in tracks:
        fill(track, tracks.times, tracks.skipped)
    assert [len(track) for track in tracks] == [60, 18] and tracks.least(30) == 15
    assert who(tracks, 30) == [0]


def test_frames_that_no_network_saw_count_between_those_that_one_saw():
    with Tracks() as tracks:
        for frame in range(25):
            if frame % 4:
                tracks.skip(frame / 30)
            else:
                tracks.add(frame / 30, [person(0)] if frame < 17 else [])
        (track,) = tracks
        assert tracks.presence(track) == 17
        fill(track, tracks.times, tracks.skipped)
        assert tracks.presence(track) == len(track) == 17
        assert who(tracks, 30) == [0]


def test_nobody_is_followed_over_a_cut():
    tracks = Tracks()
    for frame in range(30):
        if frame == 18:
            tracks.cut()
        tracks.add(frame / 30, [person(0)])
    assert [(track.shot, track.frames) for track in tracks] == [(0, list(range(18))), (1, list(range(18, 30)))]


def test_the_most_present_come_first_and_whole():
    tracks = film(40, 20, a=range(15), b=range(40), c=range(10, 40))
    assert who(tracks, 20) == [1, 2, 0]
    assert who(tracks, 20, 2) == [1, 2]
    first, second = tracks.chosen(20, 2)
    assert (len(first), len(second)) == (40, 30)
    assert second.frames == list(range(10, 40)) and second.times[0] == pytest.approx(0.5)  # the film's clock


def test_of_those_who_are_always_there_the_prominent_come_first():
    with Tracks() as tracks:
        for frame in range(20):
            tracks.add(frame / 20, [person(300, 1), person(0, 0)])
        assert who(tracks, 20) == [1, 0]


def test_meshes_come_back_and_can_be_replaced():
    tracks = film(4, 10, a=range(4), b=range(4))
    one, other = tracks.chosen(10, None)
    assert [float(mesh[0, 0]) for mesh in one.meshes] == pytest.approx([0, 0.001, 0.002, 0.003])
    one.replace(2, dataclasses.replace(one.person(2), vertices=np.full((1, 3), 9.0)))
    assert [float(mesh[0, 0]) for mesh in one.meshes[1:]] == pytest.approx([0.001, 9, 0.003])
    assert [float(mesh[0, 0]) for mesh in other.meshes] == pytest.approx([1, 1.001, 1.002, 1.003])
    assert one.people[2].vertices.size == 0


def test_meshes_are_not_kept_in_memory():
    mesh = np.zeros((100, 3), np.float32)
    seen = weakref.ref(mesh)
    with Tracks() as tracks:
        tracks.add(0.0, [dataclasses.replace(person(0, 0), vertices=mesh)])
        (track,) = tracks
        track.replace(0, dataclasses.replace(person(0, 0), vertices=mesh))
        del mesh
        assert seen() is None
