"""Who walks before a camera that looks down at a floor tells its lens; where nobody can tell it, it stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.motion import SkeletonMotion
from model.scene.lines import Lines
from model.video.lens import find_lens, refocus
from model.video.tracks import Meshes, Track, Tracks
from tests.support.tracked import tracked
from tests.support.walker import walker

STARTS = ((-3.0, -30.0, 0.0), (1.0, -13.0, 180.0), (6.0, -26.0, -60.0))
"""Metres to the right of the camera, and behind it, and degrees by which each one's way is turned from towards it."""


@pytest.fixture(scope="module")
def walk() -> SkeletonMotion:
    return walker(12.0, 10.0)[0]


@pytest.fixture
def seen_from(walk: SkeletonMotion) -> Iterator:
    """The walkers before a camera so high, metres, that looks down by so many degrees."""
    with Tracks() as tracks:
        meshes = Meshes(tracks._file)

        def before(height: float, pitch: float, starts=STARTS) -> list[Track]:
            tilt = Rotation.from_euler("x", pitch, degrees=True).as_matrix()
            ways = [Rotation.from_euler("y", turn, degrees=True).as_matrix() for *_, turn in starts]
            places = [np.array([right, -height, behind]) for right, behind, _ in starts]
            return [
                tracked(walk.turned(way).shifted(place).turned(tilt), meshes)
                for way, place in zip(ways, places, strict=True)
            ]

        yield before


@pytest.mark.parametrize(("factor", "height", "pitch"), [(0.6, 14.0, 35.0), (1.7, 7.0, 20.0)])
def test_who_walks_below_the_camera_tells_a_lens_that_was_taken_for_another(seen_from, factor, height, pitch):
    tracks = seen_from(height, pitch)
    for track in tracks:
        refocus(track, 1 / factor)
    # Usual lenses are likelier: not all of the way.
    assert 0.35 < np.log(find_lens(tracks, None)) / np.log(factor) < 1.1


def test_the_right_lens_stays(seen_from):
    assert find_lens(seen_from(7.0, 20.0), None) == 1.0


def test_a_camera_that_looks_along_the_floor_learns_nothing(seen_from):
    tracks = seen_from(1.5, 0.0)
    for track in tracks:
        refocus(track, 1 / 1.7)
    assert find_lens(tracks, None) == 1.0


def test_who_is_there_alone_and_goes_sideways_tells_nothing(seen_from):
    tracks = seen_from(4.0, 20.0, [(-2.5, -10.0, 90.0)])
    refocus(tracks[0], 1 / 1.7)
    assert find_lens(tracks, None) == 1.0


@pytest.mark.parametrize("starts", [[(0.0, -14.0, 0.0)], [(-2.0, -16.0, 0.0), (1.0, -5.0, 180.0)]])
def test_stairs_are_no_other_lens(walk, starts):
    """They rise by six tenths away from a camera that looks down by 15 degrees."""
    tilt = Rotation.from_euler("x", 15.0, degrees=True).as_matrix()
    with Tracks() as tracks:
        people = []
        for right, behind, turn in starts:
            own = walk.turned(Rotation.from_euler("y", turn, degrees=True).as_matrix())
            own = own.shifted(np.array([right, -3.0, behind]))
            climbed = own.roots - 0.6 * (own.roots[:, 2:] + 5.0) * [0.0, 1.0, 0.0]
            people.append(tracked(replace(own.turned(tilt), roots=climbed @ tilt.T), Meshes(tracks._file)))
        assert find_lens(people, None) == 1.0


def test_people_look_the_same_through_another_lens(seen_from):
    (track,) = seen_from(4.0, 20.0, [(2.0, -9.0, 0.0)])
    before = track.person(3)
    refocus(track, 1.5)
    after = track.person(3)
    assert after.camera.focal_length == 1.5 * before.camera.focal_length
    assert after.root == pytest.approx(before.root * [1, 1, 1.5], rel=1e-6)
    # Seen by turned rays, from half as far again: alike but for the perspective of her nearer and farther parts.
    pixels = [person.camera.project(person.vertices) for person in (before, after)]
    assert np.abs(pixels[1] - pixels[0]).max() < 0.04 * np.ptp(pixels[0], axis=0).max()
    rays = [person.root / np.linalg.norm(person.root) for person in (before, after)]
    bodies = [person.body.rotations[0].T @ ray for person, ray in zip((before, after), rays, strict=True)]
    assert bodies[1] == pytest.approx(bodies[0], abs=1e-6)


def test_lines_look_the_same_through_another_lens():
    """An edge from 3 to 5 m above and 1 m beside the camera, 10 m before it, through a lens twice as long: 20 m."""
    ends = np.array([[1.0, -3.0, 10.0], [1.0, -5.0, 10.0]])
    normal = np.cross(*ends) / np.linalg.norm(np.cross(*ends))
    far = Lines(normal[None], np.array([0.01])).through(2.0).normals[0]
    assert far @ (ends * [1, 1, 2]).T == pytest.approx([0, 0], abs=1e-9)
    assert np.linalg.norm(far) == pytest.approx(1.0)
