"""How the camera turns in a film, told by its background.

A camera that is held by hand, or follows somebody from where it stands, turns about itself; how far it goes is little
beside how far away things are. A turn moves all of the background alike, near and far, so that it can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from model.interfaces import Box
from model.video.background import Background, Change

_SIDE = 320  # pixels of a picture's longer side: enough to see a camera move
_EVERY = 0.25  # seconds from one picture to the next of a camera that stands still
_LIVELY, _LASTS = 0.2, 1.0
"""Pixels that the background goes from one picture to the next, if the camera moves; then all frames are looked at, for
so many seconds."""
_FAR = np.radians(6.0)
"""From where points were chosen: then they are chosen anew, since they leave the picture, and lenses distort it."""
_GROWN, _ZOOMED = 0.1, 0.02
"""Logarithms: how much longer the lens is when points are chosen anew, and from which on it counts."""
_STILL = 0.4
"""Pixels that the background goes in all of a shot, at most, if the camera stands still."""
_EXPLAINED, _GOES = 0.6, 0.2
"""Share of the background that a turn must explain; and share of pictures from which on, if it does not, the camera
goes somewhere: a lorry that passes, or a blow, is less."""


@dataclass
class ShotMotion:
    """How the camera of one shot moves."""

    start: int
    """The number of its first frame."""
    known: dict[int, Change] = field(default_factory=dict)
    """Of frames that were looked at: what the camera did since the shot's first one."""
    farthest: float = 0.0
    """Pixels that the background went by turns, at most."""
    explained: list[bool] = field(default_factory=list)
    """Of pictures, whether a turn explains where the background is."""

    @property
    def moves(self) -> bool:
        """Whether the camera goes somewhere, so that what it does cannot be taken back."""
        return bool(self.explained) and float(np.mean(self.explained)) <= 1 - _GOES

    @property
    def turns(self) -> bool:
        """Whether it turns without going anywhere."""
        return self.farthest > _STILL and not self.moves

    def views(self, times: np.ndarray) -> np.ndarray:
        """(N, 3, 3) of all its frames, which are at these times (N,): from each one's axes to the first's."""
        if not self.turns or len(self.known) < 2:
            return np.tile(np.eye(3), (len(times), 1, 1))
        at = times[np.array(list(self.known)) - self.start]
        turned = Slerp(at, Rotation.from_matrix(np.stack([change.turn for change in self.known.values()])))
        views: np.ndarray = turned(times.clip(at[0], at[-1])).as_matrix()
        return views

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
        self._times: list[float] = []
        self.shots: list[ShotMotion] = []
        """In order."""
        self.cut()

    def cut(self) -> None:
        """Another shot begins with the next frame."""
        self.shots.append(ShotMotion(len(self._times)))
        self._points: Background | None = None
        # Of the last picture, and of the one in which points were chosen.
        self._last = self._chosen = Change(np.eye(3), 1.0)
        self._people: Sequence[Box] = ()
        self._looked = self._lively = -np.inf

    def add(self, time: float, frame: np.ndarray, people: Sequence[Box] | None) -> None:
        """Look at a frame, if it is time.

        Args:
            time: Seconds, rising.
            frame: (H, W, 3) uint8 RGB.
            people: Where people are in it; None if no network saw it.
        """
        number, shot = len(self._times), self.shots[-1]
        self._times.append(time)
        self._people = self._people if people is None else people
        if time > self._lively and time - self._looked < _EVERY - 1e-3:
            return
        self._looked = time
        scale = min(1.0, _SIDE / max(frame.shape[:2]))
        size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
        # Grey first: to average three colours takes three times as long.
        grey = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        focal = scale * self._focal_length  # of the shot's first frame
        if self._points is None:
            self._lively = time + _LASTS
            shot.known[number] = self._last
        elif self._points.follow(grey):
            shot.explained.append(self._points.explained >= _EXPLAINED)
            turn, zoom = self._points.change
            before, self._last = self._last, Change(self._chosen.turn @ turn, self._chosen.zoom * zoom)
            grown = max(size) / 2 * abs(np.log(self._last.zoom / before.zoom))
            if focal * _angle(before.turn, self._last.turn) + grown > _LIVELY:
                self._lively = time + _LASTS
            shot.farthest = max(shot.farthest, focal * _angle(np.eye(3), self._last.turn))
            shot.known[number] = self._last
            if _angle(np.eye(3), turn) < _FAR and abs(np.log(zoom)) < _GROWN and not self._points.fades:
                return
        boxes = [(scale * x, scale * y, scale * w, scale * h) for x, y, w, h in self._people]
        self._points, self._chosen = Background(grey, boxes, focal * self._last.zoom), self._last

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


def _angle(one: np.ndarray, other: np.ndarray) -> float:
    """Radians from one rotation (3, 3) to another."""
    return float(Rotation.from_matrix(one.T @ other).magnitude())
