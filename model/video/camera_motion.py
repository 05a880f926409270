"""How the camera turns in a film, told by its background.

A camera that is held by hand, or follows somebody from where it stands, turns about itself; how far it goes is little
beside how far away things are. A turn moves all of the background alike, near and far, so that it can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from model.interfaces import Box
from model.video.background import SAME, Background, Change, Followed
from model.video.parallax import Pair

_SIDE = 320  # pixels of a picture's longer side: enough to see a camera move
_SAMPLES = 2  # pixels of the frame across one of these, at least
_EVERY = 0.25  # seconds from one picture to the next of a camera that stands still
_ASKED = 0.1  # seconds from one picture to the next of those that are asked how a camera turned that goes somewhere
_LIVELY, _LASTS = 0.2, 1.0
"""Pixels that the background goes from one picture to the next, if the camera moves; then frames between are looked at,
too, and all those of so many seconds after."""
_GLIDES = 5.0  # pixels from one picture to the next from which on it is likely to go on so
_FAR = np.radians(6.0)
"""From where points were chosen: then they are chosen anew, since they leave the picture, and lenses distort it."""
_GROWN, _ZOOMED = 0.1, 0.02
"""Logarithms: how much longer the lens is when points are chosen anew, and from which on it counts."""
_STILL = 0.4
"""Pixels that the background goes in all of a shot, at most, if the camera stands still."""
_GOES = 0.2
"""Share of pictures from which on, if a turn does not explain where the background is, the camera goes somewhere: a
lorry that passes, or a blow, is less."""


class Picture(NamedTuple):
    """A frame, small."""

    number: int
    time: float
    """Seconds."""
    grey: np.ndarray
    """(h, w) uint8."""
    people: list[Box]
    """Where people are in it, pixels of it."""


@dataclass
class ShotMotion:
    """How the camera of one shot moves."""

    start: int
    """The number of its first frame."""
    known: dict[int, Change] = field(default_factory=dict)
    """Of frames that were looked at: what the camera did since the shot's first one."""
    farthest: float = 0.0
    """Pixels that the background went by turns, at most, in two pictures one after the other."""
    pairs: list[Pair] = field(default_factory=list)
    """What some frames show, in order, if the camera goes somewhere, too."""
    lens: float = 1.0
    """How many times as long its lens is as it was taken for, if it does."""
    explained: list[bool] = field(default_factory=list)
    """Of pictures, whether a turn explains where the background is."""

    @property
    def moves(self) -> bool:
        """Whether the camera goes somewhere, so that what it does cannot be taken back.

        None does without turning a little: before one that does not, water or a crowd goes.
        """
        return self.farthest > _STILL and float(np.mean(self.explained)) <= 1 - _GOES

    @property
    def turns(self) -> bool:
        """Whether it turns without going anywhere."""
        return self.farthest > _STILL and not self.moves

    def views(self, times: np.ndarray) -> np.ndarray:
        """(N, 3, 3) of all its frames, which are at these times (N,): from each one's axes to the first's.

        If it goes somewhere, too, errors add up: in minutes by many degrees.
        """
        known = self._going() if self.moves else {number: change.turn for number, change in self.known.items()}
        if not (self.turns or self.moves) or len(known) < 2:
            return np.tile(np.eye(3), (len(times), 1, 1))
        at = times[np.array(list(known)) - self.start]
        turned = Slerp(at, Rotation.from_matrix(np.stack(list(known.values()))))
        views: np.ndarray = turned(times.clip(at[0], at[-1])).as_matrix()
        return views

    def _going(self) -> dict[int, np.ndarray]:
        """Of some frames, (3, 3) how the camera turned since the first one if it goes somewhere, too."""
        known, since, chosen = {next(iter(self.known)): np.eye(3)}, -1, np.eye(3)
        for pair in self.pairs:
            if pair.since != since:
                since, chosen = pair.since, next(reversed(known.values()))
            if (turn := pair.turned(self.lens)) is not None:
                known[pair.number] = chosen @ turn
        return known

    @property
    def zooms(self) -> bool:
        """Whether the lens grows longer or shorter."""
        return not self.moves and any(abs(np.log(change.zoom)) > _ZOOMED for change in self.known.values())

    def lengths(self, times: np.ndarray) -> np.ndarray:
        """(N,) of all its frames, likewise: how many times as long as in the first one the lens is."""
        if not self.zooms:
            return np.ones(len(times))
        at = times[np.array(list(self.known)) - self.start]
        return np.exp(np.interp(times, at, np.log([change.zoom for change in self.known.values()])))


class CameraMotion:
    """Looks at a film's frames as they come, and says in the end how the camera was turned in each.

    Args:
        focal_length: Pixels of the film's frames, the principal point of which is in their middle.
    """

    def __init__(self, focal_length: float) -> None:
        self._focal_length = focal_length
        self._focal = 0.0  # pixels of pictures, in the shot's first one
        self._waiting: list[Picture] = []
        """Those after the last one that was looked at."""
        self._times: list[float] = []
        self.shots: list[ShotMotion] = []
        """In order."""
        self.cut()

    def cut(self) -> None:
        """Another shot begins with the next frame."""
        self.finish()
        self.shots.append(ShotMotion(len(self._times)))
        self._points: Background | None = None
        self._chosen = self._change = SAME
        """What the camera did up to where points were chosen, and from there to the last picture."""
        self._since = 0
        """The number of the picture where they were."""
        self._going = np.eye(3)
        """How it turned from the last picture but one to the last."""
        self._away = 0.0  # pixels that the background is from where it was at first, in the last picture
        self._people: Sequence[Box] = ()
        self._looked = self._lively = self._asked = -np.inf

    def add(self, time: float, frame: np.ndarray, people: Sequence[Box] | None) -> None:
        """Look at a frame, if it is time, and back at those before if the camera moved meanwhile.

        Args:
            time: Seconds, rising.
            frame: (H, W, 3) uint8 RGB.
            people: Where people are in it; None if no network saw it.
        """
        self._people = self._people if people is None else people
        grey, scale = _small(frame)
        boxes = [(scale * x, scale * y, scale * w, scale * h) for x, y, w, h in self._people]
        self._waiting.append(Picture(len(self._times), time, grey, boxes))
        self._times.append(time)
        self._focal = scale * self._focal_length
        if time <= self._lively or time - self._looked >= _EVERY - 1e-3:
            self._look()

    def finish(self) -> None:
        """The shot has no more frames."""
        if self._waiting:
            self._look()

    def _look(self) -> None:
        """At pictures that wait: at the last one, and if it moved at all."""
        pictures, self._waiting = self._waiting, []
        *between, last = pictures
        self._looked = last.time
        if self._points is None:
            self._lively = last.time + _LASTS
            self.shots[-1].known[last.number] = SAME
            self._choose(last)
            return
        followed = self._follow(last)
        if between and (followed is None or not followed.holds or self._moved(last, followed.change) > _LIVELY):
            for picture in pictures:
                self._take(picture, self._follow(picture))
        else:
            self._take(last, followed)

    def _follow(self, picture: Picture) -> Followed | None:
        """What a picture shows of the points, which go on as they went, or do not."""
        assert self._points is not None
        going = self._change._replace(turn=self._change.turn @ self._going)
        if self._moved(picture, going) > _GLIDES:
            followed = self._points.follow(picture.grey, going)
            if followed is not None and followed.holds:
                return followed
        return self._points.follow(picture.grey, self._change)

    def _take(self, picture: Picture, followed: Followed | None) -> None:
        """Note what a picture shows of the points."""
        assert self._points is not None
        shot = self.shots[-1]
        if followed is not None:
            shot.explained.append(followed.holds)
            if self._moved(picture, followed.change) > _LIVELY:
                self._lively = picture.time + _LASTS
            self._going, self._change = self._change.turn.T @ followed.change.turn, followed.change
            now = self._since_first(followed.change)
            away = self._focal * _angle(np.eye(3), now.turn)
            shot.farthest, self._away = max(shot.farthest, min(away, self._away)), away
            shot.known[picture.number] = now
            turn, zoom = followed.change
            leaves = _angle(np.eye(3), turn) >= _FAR or abs(np.log(zoom)) >= _GROWN or followed.fades
            if leaves or picture.time - self._asked >= _ASKED - 1e-3:
                self._asked = picture.time
                shot.pairs.append(self._points.pair(followed, self._since, picture.number))
            if not leaves:
                return
        self._choose(picture)

    def _choose(self, picture: Picture) -> None:
        """Points anew, in a picture that was taken."""
        self._chosen, self._change = self._since_first(self._change), SAME
        self._since, self._asked = picture.number, picture.time
        self._points = Background(picture.grey, picture.people, self._focal * self._chosen.zoom)

    def _since_first(self, change: Change) -> Change:
        """What the camera did since the shot's first picture, if that is what it did since points were chosen."""
        return Change(self._chosen.turn @ change.turn, self._chosen.zoom * change.zoom)

    def _moved(self, picture: Picture, change: Change) -> float:
        """Pixels that the background goes from the last picture to another one."""
        grown = max(picture.grey.shape) / 2 * abs(np.log(change.zoom / self._change.zoom))
        return float(self._focal * _angle(self._change.turn, change.turn) + grown)

    def views(self) -> np.ndarray:
        """(N, 3, 3) of each frame: from its camera's axes to those of its shot's first."""
        return np.concatenate([shot.views(times) for shot, times in self._each()])

    def lengths(self) -> np.ndarray:
        """(N,) of each frame: how many times as long as in its shot's first the lens is."""
        return np.concatenate([shot.lengths(times) for shot, times in self._each()])

    def _each(self) -> Iterator[tuple[ShotMotion, np.ndarray]]:
        times = np.array(self._times)
        ends = [shot.start for shot in self.shots[1:]] + [len(times)]
        for shot, end in zip(self.shots, ends, strict=True):
            yield shot, times[shot.start : end]


def _small(frame: np.ndarray) -> tuple[np.ndarray, float]:
    """A frame (H, W, 3) in grey, and how many times as large it is."""
    height, width = frame.shape[:2]
    if (step := max(height, width) // (_SAMPLES * _SIDE)) > 1:  # all pixels of a large frame take milliseconds
        frame = cv2.resize(frame, (max(1, width // step), max(1, height // step)), interpolation=cv2.INTER_NEAREST)
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Grey first: to average three colours takes three times as long.
    return cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA), scale


def _angle(one: np.ndarray, other: np.ndarray) -> float:
    """Radians from one rotation (3, 3) to another."""
    return float(Rotation.from_matrix(one.T @ other).magnitude())
