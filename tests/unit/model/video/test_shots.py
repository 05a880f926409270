"""Each shot of a film that is cut has an up and a floor of its own."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.motion import SkeletonMotion
from model.body.skeleton import TURN_UP
from model.video.camera_motion import ShotMotion
from model.video.following import Sighting
from model.video.motion_files import MovingPerson
from model.video.shots import Shots
from model.video.tracks import Meshes, Tracks
from tests.support.tracked import tracked
from tests.support.walker import walker

GREY = np.full((64, 64, 3), 128, np.uint8)
CHECKS = np.kron((np.indices((4, 4)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None], np.ones((64, 64, 3), np.uint8))


def test_each_shot_has_its_own_up():
    """The second one's camera is held level, the first one's looks down by 20 degrees."""
    level = walker(1.0, 10.0)[0].shifted(np.array([0.3, -1.5, -5.0]))
    tilt = Rotation.from_euler("x", 20, degrees=True)
    motions: list[SkeletonMotion | None] = [level.turned(tilt.as_matrix()), level]
    with Tracks() as tracks, Tracks() as others:
        shots = Shots(tracks, 60.0)
        for shot, motion in enumerate(motions):
            seen = tracked(motion, Meshes(others._file))
            for index, time in enumerate(seen.times):
                cut = shot > 0 and index == 0
                shots.add([Sighting(time + 2 * shot, GREY, [seen.person(index)], cut)])
        chosen = tracks.chosen(10.0, None)
        assert [track.shot for track in chosen] == [0, 1]
        shots.turn_back(chosen)
        assert all(track.views is None for track in chosen)
        worlds, placed = shots.find_worlds(chosen, motions)
    ups = [tilt.apply([0, 1, 0]), np.array([0.0, 1.0, 0.0])]
    for world, up, motion in zip(worlds, ups, placed, strict=True):
        assert np.degrees(np.arccos(world.scene.up.direction * TURN_UP @ up)) < 5
        assert not world.camera_moves
        ankles = world.place(motion).joints[:, [7, 8], 1]
        assert 0.0 < ankles.min() < 0.12


def test_before_a_camera_that_is_carried_along_nobody_knows_where_people_are(monkeypatch):
    """By all its frames, the last ones too, which wait to be looked at."""
    with Tracks() as tracks, Tracks() as others:
        seen, shots = tracked(walker(1.5, 10.0)[0], Meshes(others._file)), Shots(tracks, 60.0)
        monkeypatch.setattr(ShotMotion, "moves", property(lambda shot: not shots._camera._waiting))
        for index, time in enumerate(seen.times):
            shots.add([Sighting(time, GREY, [seen.person(index)])])
        (track,) = tracks
        assert shots.places(track) is None


def test_a_zoom_is_no_way_towards_the_camera():
    """She stands, looks up to twice as large, and so is taken to be nearer and nearer."""
    times, focal, side = np.arange(20) / 10, 400.0, 480
    standing = walker(0.1, 10.0)[0].at(np.zeros(20)).shifted(np.array([0.3, -1.5, -5.0]))
    wall = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (side, side), np.uint8), (0, 0), 2.5)
    with Tracks() as tracks, Tracks() as others:
        seen, shots = tracked(replace(standing, times=times), Meshes(others._file)), Shots(tracks, focal)
        for index, time in enumerate(times.tolist()):
            zoom, middle = 1 + index / 19, (side - 1) / 2
            to_frame = np.array([[zoom, 0, middle * (1 - zoom)], [0, zoom, middle * (1 - zoom)]])
            frame = np.dstack([cv2.warpAffine(wall, to_frame, (side, side))] * 3)
            person = seen.person(index)
            x, y, z = person.camera.translation
            camera = replace(person.camera, focal_length=focal, translation=(x, y, z / zoom))
            shots.add([Sighting(time, frame, [replace(person, camera=camera, bbox=(0, 0, 9, 9))])])
        (track,) = tracks
        still = shots.places(track)
        shots.turn_back([track])
        one = MovingPerson("one", track, np.zeros((1, 3), int), None, (side, side), 10.0, 2.0, "smpl", None, None)
        ((_, _, write),) = one.files(frozenset(["npz"]))
        write(file := BytesIO())
    places = np.array([person.camera.translation for person in track.people])
    assert still is not None
    np.testing.assert_allclose(still, places, rtol=1e-6)
    np.testing.assert_allclose(places, np.tile(seen.people[0].camera.translation, (20, 1)), rtol=0.02)
    assert track.people[-1].camera.focal_length == pytest.approx(2 * focal, rel=0.02)
    file.seek(0)
    np.testing.assert_allclose(np.load(file)["focal_lengths"], focal * np.linspace(1, 2, 20), rtol=0.02)


def test_people_are_where_the_lens_has_them_that_they_tell_and_lines_too(monkeypatch):
    monkeypatch.setattr("model.video.shots.find_lens", lambda tracks, lines: 1.5)
    walk = walker(1.0, 10.0)[0].shifted(np.array([0.3, -1.5, -5.0]))
    with Tracks() as tracks, Tracks() as others:
        seen, shots = tracked(walk, Meshes(others._file)), Shots(tracks, 1000.0)
        for index, time in enumerate(seen.times):
            shots.add([Sighting(time, CHECKS, [seen.person(index)])])
        _, before = shots._lines[0]
        shots.find_lenses(list(tracks))
        (track,) = tracks
    assert track.people[4].camera.focal_length == 1500.0
    assert track.place(4) == pytest.approx(seen.place(4) * [1, 1, 1.5], rel=1e-6)
    assert len(before.normals) and np.array_equal(shots._lines[0][1].normals, before.through(1.5).normals)


def test_people_are_where_the_lens_has_them_that_a_camera_tells_which_goes_somewhere(monkeypatch):
    """So are its turns, though it was asked for them before."""
    monkeypatch.setattr("model.video.shots.lens_of_views", lambda pairs: 1.5)
    monkeypatch.setattr(ShotMotion, "moves", property(lambda shot: True))
    monkeypatch.setattr(ShotMotion, "views", lambda shot, times: np.tile(shot.lens * np.eye(3), (len(times), 1, 1)))
    with Tracks() as tracks, Tracks() as others:
        seen, shots = tracked(walker(1.0, 10.0)[0], Meshes(others._file)), Shots(tracks, 1000.0)
        for index, time in enumerate(seen.times):
            shots.add([Sighting(time, GREY, [seen.person(index)])])
        (track,) = tracks
        assert shots.places(track) is None
        shots.find_lenses([track])
        assert {person.camera.focal_length for person in track.people} == {1500.0}
        assert shots._moved()[0][3, 0, 0] == 1.5


@pytest.mark.parametrize("way", ["turns", "zooms"])
def test_before_a_camera_that_turns_or_zooms_the_lens_stays(way, monkeypatch):
    monkeypatch.setattr("model.video.shots.find_lens", lambda tracks, lines: 1.5)
    monkeypatch.setattr(ShotMotion, way, property(lambda shot: True))
    with Tracks() as tracks, Tracks() as others:
        seen, shots = tracked(walker(1.0, 10.0)[0], Meshes(others._file)), Shots(tracks, 1000.0)
        for index, time in enumerate(seen.times):
            shots.add([Sighting(time, GREY, [seen.person(index)])])
        shots.find_lenses(list(tracks))
        assert {person.camera.focal_length for track in tracks for person in track.people} == {1000.0}
