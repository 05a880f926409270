"""Each shot of a film that is cut has an up and a floor of its own."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.motion import SkeletonMotion
from model.body.skeleton import TURN_UP
from model.video.following import Sighting
from model.video.shots import Shots
from model.video.tracks import Meshes, Tracks
from tests.support.tracked import tracked
from tests.support.walker import walker

GREY = np.full((64, 64, 3), 128, np.uint8)


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
