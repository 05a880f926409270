"""Who is who from one frame of a video to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from model.perception.detection import Detection, similarity

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

    def likeness(self, seen: Detection, time: float, alike: bool) -> float:
        """0..1, by where somebody is who went on as before, or who stayed or came back, or comes out from behind.

        Whatever fits best counts. Who is dressed alike may have been taken for a neighbour in the frames before.
        """
        likeness = max(_likeness(self._expected(time), seen), _likeness(self.last, seen))
        step = time - self.seen
        if step < _SLOW and not alike:
            return likeness
        near = _nearness(self.last.box, seen.box, max(step, _BESIDE) if alike else step)
        if self.behind is not None and self.behind.seen > self.seen:
            near = max(near, _nearness(self.behind.last.box, seen.box, _BESIDE))
        return max(likeness, near / 2)

    def _expected(self, time: float) -> Detection:
        x, y = self.velocity * (time - self.seen)
        left, top, width, height = self.last.box
        keypoints = self.last.keypoints + np.array([x, y, 0], np.float32)
        return replace(self.last, box=(left + x, top + y, width, height), keypoints=keypoints)

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
        dressed = np.array([[_resemblance(track.wears, wears) for wears in worn] for track in self._tracks])
        matched: dict[int, _Track] = {}
        if dressed.size:
            likeness = np.array(
                [
                    [track.likeness(seen, time, alike) for seen, alike in zip(now, row, strict=True)]
                    for track, row in zip(self._tracks, dressed >= _ALIKE, strict=True)
                ]
            )
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
        for track, wears in zip(tracks, worn, strict=True):
            track.behind = _nearest(track, tracks)
            if wears is not None and track.behind is None:
                track.dress(wears)
        return [track.number for track in tracks]


def _resemblance(one: np.ndarray | None, other: np.ndarray | None) -> float:
    """0..1, how alike two people are dressed; NaN if nobody knows."""
    return np.nan if one is None or other is None else resemblance(one, other)


def _nearest(track: _Track, everyone: Sequence[_Track]) -> _Track | None:
    """Who overlaps most with somebody, of those who were seen in the same frame; None if she is apart from all."""
    others = [other for other in everyone if other is not track]
    shared = [_overlap(track.last.box, other.last.box) for other in others]
    return others[int(np.argmax(shared))] if max(shared, default=0.0) > _APART else None


def _likeness(one: Detection, other: Detection) -> float:
    """0..1. Joints tell people who overlap apart; boxes still overlap where somebody moves fast."""
    return (similarity(one, other) + _overlap(one.box, other.box)) / 2


def _nearness(one: Box, other: Box, step: float) -> float:
    """0..1: how near two boxes are, for a time of `step` seconds, and how alike in size."""
    height = max(one[3], other[3])
    away = float(np.linalg.norm(_middle(one) - _middle(other))) / (height * min(_REACH * step, _MOST_REACH))
    return max(0.0, 1 - away) * min(one[3], other[3]) / height


def _middle(box: Box) -> np.ndarray:
    return np.array([box[0] + box[2] / 2, box[1] + box[3] / 2])


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)
