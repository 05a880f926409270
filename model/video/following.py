"""A film's people frame by frame: found in the whole frame from time to time, and followed in between.

Networks see some frames only, which are a moment apart. Where people moved more than a little from one of these to the
next, networks see the frames between, too: hindsight needs no guess of how somebody will move.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.inputs import lens_in_pixels
from model.people import detections_of, distinct_people
from model.perception.detection import SAME_PERSON, mean_confidence, similarities
from model.perception.landmarks import DOUBTED
from model.results import Person
from model.video.cuts import Cuts

if TYPE_CHECKING:
    from model.reconstructor import HandsMode, MeshKind, Reconstructor


@dataclass(frozen=True)
class Pace:
    """Which frames networks see; docs/video.md says what that costs."""

    longest: float
    """Seconds between two of them, at most."""
    still: float
    """How far a joint may move beside the others from one to the next, by the longer side of the person's box."""
    shortest: float = 0.0
    """Seconds between two of them, at least."""


USUAL = Pace(0.1, 0.12)
FAST = Pace(0.134, 0.25, 1 / 15)
"""Where time counts for more."""

_ANEW = 0.3
"""Seconds after which all of a frame is searched: so late may somebody be found who enters."""
_FAR = 0.2
"""Seconds between two frames beyond which people may have gone too far to be followed."""
_HANDS = 0.2
"""Seconds from one frame in which hands are seen to the next, at least."""
_GONE = 1.0
"""Seconds without anybody after which there is no hurry to find somebody again."""
_HELD = 100_000_000
"""Bytes of frames of which it is not known yet whether networks see them."""
_EARLY = 0.002
"""Seconds by which a frame's time may be off: containers round them to milliseconds."""
_LENS = 32.0
"""Millimetres before 35 mm film, of whose lens nobody knows it: phones' cameras have 24 to 28, and films are cut out of
what they see. For photos it is `check_focal_length`'s."""
_SEEN = 0.5  # confidence from which a joint tells how far somebody moved


class Sighting(NamedTuple):
    """A frame, and who is in it."""

    time: float
    """Seconds."""
    frame: np.ndarray
    """(H, W, 3) uint8 RGB."""
    people: list[Person] | None
    """The most prominent of the last search first; None if no network sees this frame."""
    cut: bool = False
    """Whether another shot begins with it."""


def film_lens(focal_length: float | None, width: int, height: int, millimetres: float | None = None) -> float:
    """The focal length of a film of this size, pixels.

    Args:
        focal_length: Pixels, if it is given.
        width: Pixels; height: likewise.
        millimetres: Before 35 mm film, else; None assumes a phone's, see `_LENS`.
    """
    known = lens_in_pixels(_LENS if millimetres is None else millimetres, width, height)
    return known if focal_length is None else focal_length


class Follower:
    """Reconstructs people in a film's frames.

    Args:
        model: Finds, follows and reconstructs them.
        focal_length: Pixels, see `film_lens`.
        mesh: See `Reconstructor.reconstruct`.
        pace: Which frames networks see.
        hands: "auto" sees the hands that are large enough, too; "off" none.
    """

    def __init__(
        self,
        model: Reconstructor,
        focal_length: float | None = None,
        mesh: MeshKind = "body",
        pace: Pace = USUAL,
        hands: HandsMode = "auto",
    ) -> None:
        self._model, self._focal_length, self._mesh, self._pace = model, focal_length, mesh, pace
        self._hands_next = -math.inf if hands == "auto" and mesh == "body" else math.inf
        self._last: Sighting | None = None
        self._waiting: list[Sighting] = []
        self._searched = -math.inf
        self._seen: float | None = None
        self._cuts = Cuts()

    def __call__(self, time: float, frame: np.ndarray) -> list[Sighting]:
        """The frames that are settled with this one, in order: none, or all that came since some were.

        Args:
            time: Seconds, rising.
            frame: (H, W, 3) uint8 RGB, all of one size.
        """
        if self._cuts(time, frame):
            shot = self.finish()
            self._last, self._searched, self._seen = None, -math.inf, None
            self._waiting.append(Sighting(time, frame, None, cut=True))
            return [*shot, *self.finish()]
        step = time - (self._waiting or [self._last or Sighting(time, frame, None)])[-1].time
        self._waiting.append(Sighting(time, frame, None))
        held = sum(each.frame.nbytes for each in self._waiting)
        if self._last is None or time + step > self._last.time + self._pace.longest + _EARLY or held > _HELD:
            return self.finish()
        return []

    def finish(self) -> list[Sighting]:
        """The frames that are not settled yet, when no more will come."""
        if not self._waiting:
            return []
        *between, latest = self._waiting
        self._waiting = []
        people = self._people_of(latest.time, latest.frame)
        if latest.time >= self._hands_next - _EARLY:
            people, self._hands_next = self._model.see_hands(latest.frame, people), latest.time + _HANDS
        before, now = self._last, latest._replace(people=people)
        self._last = now
        return [*(between if before is None else self._settle(before, between, now)), now]

    def _people_of(self, time: float, frame: np.ndarray) -> list[Person]:
        """The people of a frame after the last one that was seen."""
        last, before = (-math.inf, []) if self._last is None else (self._last.time, self._last.people or [])
        self._seen = time if self._seen is None or before else self._seen
        if time - self._searched < _ANEW - _EARLY:
            if not before and time - self._seen > _GONE:
                return []
            if time - last <= _FAR + _EARLY and (people := self._model.follow(frame, before, self._mesh)) is not None:
                return people
        people = self._search(frame, before if time - last <= _FAR + _EARLY else [])
        # Who is missed now may be there in the next frame.
        self._searched = time if len(people) >= len(before) else -math.inf
        return people

    def _search(self, frame: np.ndarray, before: Sequence[Person]) -> list[Person]:
        """The people of a frame; who was there before and is surely seen stays, though the detector misses her."""
        height, width = frame.shape[:2]
        answer = self._model.reconstruct(
            frame,
            focal_length=film_lens(self._focal_length, width, height),
            ground=False,
            mesh=self._mesh,
            hands="off",
            twice=False,  # nor is who is followed: joints would jump where the two take turns
            bodies="fitted",
        )
        people: list[Person] = answer.people
        if len(people) >= len(before):
            return people
        likest = similarities(detections_of(before), detections_of(people)).max(axis=1, initial=0.0)
        for person, likeness in zip(before, likest.tolist(), strict=True):
            if likeness < SAME_PERSON:
                now = self._model.follow(frame, [person], self._mesh) or []
                people = distinct_people([*people, *filter(_seen, now)])
        return people

    def _settle(self, before: Sighting, frames: list[Sighting], after: Sighting) -> list[Sighting]:
        """Frames between two that were seen; the middle one is seen if people moved, and so on on both sides of it."""
        middle = len(frames) // 2
        if not frames or not _moved(before.people or [], after.people or [], self._pace.still):
            return frames
        time, frame, *_ = frames[middle]
        if min(time - before.time, after.time - time) < self._pace.shortest - _EARLY:
            return frames
        people = self._model.follow(frame, before.people or [], self._mesh)
        now = Sighting(time, frame, self._search(frame, before.people or []) if people is None else people)
        return [*self._settle(before, frames[:middle], now), now, *self._settle(now, frames[middle + 1 :], after)]


def _moved(before: Sequence[Person], now: Sequence[Person], still: float) -> bool:
    """Whether somebody who is in both frames moved a joint farther beside the others than that, by the box's side."""
    if not now:
        return False
    same = similarities(detections_of(before), detections_of(now)).argmax(axis=1)
    for person, other in zip(before, same.tolist(), strict=True):
        own, then = person.keypoints_2d, now[other].keypoints_2d
        sure = np.minimum(own[:, 2], then[:, 2]) >= _SEEN
        way = (then - own)[sure, :2]
        if len(way) and np.abs(way - np.median(way, axis=0)).max() > still * max(person.bbox[2:]):
            return True
    return False


def _seen(person: Person) -> bool:
    return mean_confidence(person.keypoints_2d) >= DOUBTED
