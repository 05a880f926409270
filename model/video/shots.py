"""A film's shots: what each one shows of people, the camera and upright lines, and the world that it is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.body.motion import SkeletonMotion
from model.people import extent
from model.scene.lines import Lines, find_lines
from model.video.camera_motion import CameraMotion
from model.video.following import Sighting
from model.video.lens import find_lens, refocus
from model.video.parallax import lens_of_views
from model.video.tracks import Track, Tracks
from model.video.world import FilmWorld, find_world, of_height


class Shots:
    """Looks at a film's frames as they come.

    Args:
        tracks: Where its people are put.
        focal_length: Pixels.
    """

    def __init__(self, tracks: Tracks, focal_length: float) -> None:
        self._tracks, self._camera = tracks, CameraMotion(focal_length)
        self._lines: dict[int, tuple[int, Lines]] = {}
        """Of each shot that shows somebody: the first frame that does, and its lines."""
        self._motion: tuple[np.ndarray, np.ndarray] | None = None

    def add(self, sightings: Sequence[Sighting]) -> None:
        """Look at some more frames."""
        for time, frame, people, cut in sightings:
            if cut:
                self._tracks.cut()
                self._camera.cut()
            self._camera.add(time, frame, None if people is None else [person.bbox for person in people])
            if people is None:
                self._tracks.skip(time)
                continue
            shot = len(self._camera.shots) - 1
            if people and shot not in self._lines:
                before = people[0].camera
                boxes = [extent(person) for person in people]
                lines = find_lines(frame, before.focal_length, before.principal_point, boxes)
                self._lines[shot] = len(self._tracks.times), lines
            self._tracks.add(time, people, frame)

    def find_lenses(self, tracks: Sequence[Track]) -> None:
        """Put everybody where the lens has them that is told by what they do or, if the camera goes somewhere, it does.

        Args:
            tracks: Not turned back yet.
        """
        self._camera.finish()  # the last frames may wait to be looked at
        for number in {track.shot for track in tracks}:
            shot, (first, lines) = self._camera.shots[number], self._lines[number]
            here = [track for track in tracks if track.shot == number]
            if shot.moves:
                factor = shot.lens = lens_of_views(shot.pairs)
            else:
                factor = 1.0 if shot.turns or shot.zooms else find_lens(here, lines)
            if factor == 1:
                continue
            self._motion = None
            self._lines[number] = first, lines.through(factor)
            for track in here:
                refocus(track, factor)

    def turn_back(self, tracks: Sequence[Track]) -> None:
        """Tell tracks how the camera turned and zoomed since the first frame of their shot that shows somebody."""
        for track in tracks:
            views, factors = self._since_first(track)
            if self._camera.shots[track.shot].turns:
                track.views = views
            if self._camera.shots[track.shot].zooms:
                track.people = [
                    replace(person, camera=person.camera.zoomed(factor))
                    for person, factor in zip(track.people, factors.tolist(), strict=True)
                ]

    def places(self, track: Track) -> np.ndarray | None:
        """(N, 3) metres: where somebody is before a camera that stands still; None if this one goes somewhere.

        Args:
            track: Not turned back yet.
        """
        views, factors = self._since_first(track)
        if self._camera.shots[track.shot].moves:
            return None
        places = np.array([person.camera.translation for person in track.people])
        places[:, 2] *= factors
        still: np.ndarray = (views @ places[..., None])[..., 0]
        return still

    def _since_first(self, track: Track) -> tuple[np.ndarray, np.ndarray]:
        """How the camera turned (N, 3, 3) and zoomed (N,) in a track's frames since the first with somebody."""
        views, lengths = self._moved()
        first, _ = self._lines[track.shot]
        return np.swapaxes(views[first], 0, 1) @ views[track.frames], lengths[track.frames] / lengths[first]

    def _moved(self) -> tuple[np.ndarray, np.ndarray]:
        """Of all frames, once there are no more: how the camera was turned (N, 3, 3), and its focal length (N,)."""
        if self._motion is None:
            self._camera.finish()
            self._motion = self._camera.views(), self._camera.lengths()
        return self._motion

    def find_worlds(
        self, tracks: Sequence[Track], motions: Sequence[SkeletonMotion | None], height: float | None = None
    ) -> tuple[list[FilmWorld], list[SkeletonMotion | None]]:
        """Of each track the world of its shot, see `find_world`; and its motion in it.

        Args:
            tracks, motions: of everyone who counts.
            height: metres that the first one is tall, if it is known.
        """
        worlds: dict[int, FilmWorld] = {}
        if height is not None and tracks:
            motions = of_height(tracks, motions, height)
        grounded = list(motions)
        for shot in {track.shot for track in tracks}:
            here = [number for number, track in enumerate(tracks) if track.shot == shot]
            _, lines = self._lines[shot]
            found, moved = find_world(
                [tracks[number] for number in here],
                [motions[number] for number in here],
                self._camera.shots[shot].moves,
                lines,
                first_known=height is not None and here[0] == 0,
                turns=self._moved()[0],
            )
            worlds[shot] = found
            for number, motion in zip(here, moved, strict=True):
                grounded[number] = motion
        return [worlds[track.shot] for track in tracks], grounded
