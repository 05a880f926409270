"""Who is who from one frame of a video to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from model.perception.detection import Detection, overlaps, similarities

if TYPE_CHECKING:
    from model.interfaces import Box
from model.results import Person
from model.video.clothing import resemblance

_LEAST = 0.2
"""Likeness below which two people are never taken for one."""
_DRESSED = 1.0
"""What the same clothes are worth, by likeness: as much as the same place, for two who cross are in one place."""
_UNDRESSED = 0.5
"""What clothes that nobody knows are worth."""
_ALIKE = 0.8
"""Resemblance of clothes from which somebody who was out of sight for long may be the same."""
_UNLIKE = 0.2
"""Resemblance below which nobody who was out of sight is the same: those who came out from behind others have 0.45."""
_APART = 0.1
"""Overlap with everybody else up to which a person's box shows nobody else's clothes."""
_MEMORY = 0.3
"""Seconds over which somebody's speed is averaged: whom another one begins to hide seems to turn round at once."""
_NEW = 0.1
"""Share of what somebody is known to wear that each frame renews."""
_SLOW = 0.25
"""Seconds between two frames from which on people may be anywhere near, in another pose."""
_BESIDE = 0.5
"""Seconds in which people get as far away as one who was hidden may be from who hid her."""
_REACH = 2.0
"""Heights of their box that people get away in a second, at most."""
_MOST_REACH = 2.0
"""Heights, however long it takes."""


@dataclass(eq=False)
class _Track:
    number: int
    last: Detection
    seen: float  # seconds
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))  # pixels a second
    wears: np.ndarray | None = None
    behind: _Track | None = None
    """Whom she overlapped with most when she was seen last, who hides her since, if she is out of sight."""

    def expected(self, time: float) -> Detection:
        """Who goes on as before."""
        x, y = self.velocity * (time - self.seen)
        left, top, width, height = self.last.box
        keypoints = self.last.keypoints + np.array([x, y, 0], np.float32)
        return replace(self.last, box=(left + x, top + y, width, height), keypoints=keypoints)

    def hider(self) -> Detection | None:
        """Who hides her, as seen last; None if nobody does."""
        return None if self.behind is None or self.behind.seen <= self.seen else self.behind.last

    def follow(self, now: Detection, time: float) -> None:
        """Goes on from what was seen now."""
        step = time - self.seen
        share = 1 - math.exp(-step / _MEMORY)
        self.velocity = self.velocity + share * ((_middle(now.box) - _middle(self.last.box)) / step - self.velocity)
        self.last, self.seen = now, time

    def dress(self, wears: np.ndarray) -> None:
        """Goes on from the clothes that were seen now."""
        self.wears = wears if self.wears is None else self.wears + _NEW * (wears - self.wears)


class Tracker:
    """Gives people numbers that stay theirs, by where their joints and boxes are in the picture.

    Each frame's people are matched at once with those of the frames before, or where they should be by now, by the
    Hungarian method, as SORT does (Bewley et al., ICIP 2016): who walks behind somebody else comes out as the same.
    Of those who may be the same by where they are, clothes choose; in quite other ones nobody comes back.
    Who is out of sight for longer than `memory`, and for more than one frame, comes back as somebody new, unless before
    `long_memory` is over in the same clothes, or from behind somebody, if nobody knows hers.

    Args:
        memory: Seconds.
        long_memory: Seconds.
    """

    def __init__(self, memory: float = 1.0, long_memory: float = 3.0):
        self._memory, self._long_memory = memory, long_memory
        self._tracks: list[_Track] = []
        self._count = 0
        self._latest = [-math.inf, -math.inf]
        """Times of the two frames before."""

    def forget(self) -> None:
        """Whoever comes now is somebody new: the film was cut."""
        self._tracks = []

    def update(self, people: Sequence[Person], time: float, wear: Sequence[np.ndarray | None] = ()) -> list[int]:
        """The number of each person of a frame; numbers count from 0 in the order of appearance.

        Args:
            people: as reconstructed from this frame, in any order.
            time: seconds, later than at the last call.
            wear: what each of them wears, see `clothing`; None of whom nobody knows, empty if of nobody.
        """
        recent = min(time - self._memory, self._latest[0])
        oldest = min(time - self._long_memory, recent)
        self._tracks = [track for track in self._tracks if track.seen >= oldest]
        self._latest = [self._latest[1], time]
        now = [Detection(person.bbox, person.score, person.keypoints_2d) for person in people]
        worn = list(wear) or [None] * len(now)
        matched: dict[int, _Track] = {}
        if now and self._tracks:
            dressed = resemblance([track.wears for track in self._tracks], worn)
            likeness = _likeness(self._tracks, now, time, dressed >= _ALIKE)
            gone = np.array([[track.seen < recent] for track in self._tracks])
            hidden = np.array([[track.behind is not None] for track in self._tracks])
            known = ~gone | (dressed >= _ALIKE) | (hidden & np.isnan(dressed))
            missed = np.array([[track.seen < self._latest[0]] for track in self._tracks])
            possible = (likeness >= _LEAST) & known & ~(missed & (dressed < _UNLIKE))
            worth = np.where(possible, likeness + _DRESSED * np.nan_to_num(dressed, nan=_UNDRESSED), 0)
            for row, column in zip(*linear_sum_assignment(worth, maximize=True)):
                if possible[row, column]:
                    matched[int(column)] = self._tracks[row]
        tracks = []
        for index, seen in enumerate(now):
            track = matched.get(index)
            if track is None:
                track = _Track(self._count, seen, time)
                self._count += 1
                self._tracks.append(track)
            else:
                track.follow(seen, time)
            tracks.append(track)
        for track, behind, wears in zip(tracks, _nearest(tracks), worn, strict=True):
            track.behind = behind
            if wears is not None and behind is None:
                track.dress(wears)
        return [track.number for track in tracks]


def _likeness(tracks: Sequence[_Track], now: Sequence[Detection], time: float, alike: np.ndarray) -> np.ndarray:
    """(T, P) 0..1, by where somebody is who went on as before, or who stayed or came back, or comes out from behind.

    Whatever fits best counts. Who is dressed alike, (T, P) bool, may have been taken for a neighbour in the frames
    before.
    """
    last = [track.last for track in tracks]
    likeness = np.maximum(_coincidence([track.expected(time) for track in tracks], now), _coincidence(last, now))
    step = time - np.array([[track.seen] for track in tracks])
    near = _nearness(last, now, np.where(alike, np.maximum(step, _BESIDE), step))
    hiders = [track.hider() for track in tracks]
    hidden = [index for index, hider in enumerate(hiders) if hider is not None]
    if hidden:
        beside = _nearness([hider for hider in hiders if hider is not None], now, np.array(_BESIDE))
        near[hidden] = np.maximum(near[hidden], beside)
    return np.where((step >= _SLOW) | alike, np.maximum(likeness, near / 2), likeness)


def _nearest(tracks: Sequence[_Track]) -> list[_Track | None]:
    """Who overlaps most with each of those who are seen in a frame, of the others; None for who is apart from all."""
    if not tracks:
        return []
    last = [track.last for track in tracks]
    shared = _overlap(last, last)
    np.fill_diagonal(shared, 0.0)
    return [tracks[row.argmax()] if row.max() > _APART else None for row in shared]


def _coincidence(some: Sequence[Detection], others: Sequence[Detection]) -> np.ndarray:
    """(N, M) 0..1. Joints tell people who overlap apart; boxes still overlap where somebody moves fast."""
    return (similarities(some, others) + _overlap(some, others)) / 2


def _nearness(some: Sequence[Detection], others: Sequence[Detection], step: np.ndarray) -> np.ndarray:
    """(N, M) 0..1: how near boxes are, for a time of `step` seconds, and how alike in size."""
    one, other = _boxes(some)[:, None], _boxes(others)
    height, lower = np.maximum(one[..., 3], other[..., 3]), np.minimum(one[..., 3], other[..., 3])
    between = one[..., :2] + one[..., 2:] / 2 - other[..., :2] - other[..., 2:] / 2
    away = np.linalg.norm(between, axis=2) / (height * np.minimum(_REACH * step, _MOST_REACH))
    return np.maximum(0.0, 1 - away) * lower / height


def _overlap(some: Sequence[Detection], others: Sequence[Detection]) -> np.ndarray:
    return overlaps([person.box for person in some], [person.box for person in others])


def _boxes(people: Sequence[Detection]) -> np.ndarray:
    return np.array([person.box for person in people], float)


def _middle(box: Box) -> np.ndarray:
    return np.array([box[0] + box[2] / 2, box[1] + box[3] / 2])
