"""Everybody in a film: who is who, frame by frame, and who was there for long enough to count."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import IO, overload

import numpy as np

from model.body.motion import SkeletonMotion
from model.body.skeleton import TURN_UP
from model.results import Person
from model.video.clothing import clothing
from model.video.tracking import Tracker

_SHORTEST = 0.5
"""Seconds for which somebody must be seen to count."""
_FEWEST = 3
"""Frames, however far apart: one alone may be a mistake."""
_SHARE = 0.5
"""Of all frames are enough in any case, so that short films have somebody."""


class Meshes(Sequence[np.ndarray]):
    """One person's meshes, each (V, 3) float32, in a file that they share with others."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: list[tuple[int, int]] = []  # where in the file each one begins, and how many vertices it has

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> list[np.ndarray]: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | list[np.ndarray]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        at, count = self._places[index]
        self._file.seek(at)
        return np.frombuffer(self._file.read(12 * count), "<f4").reshape(count, 3).astype(np.float32)

    def __setitem__(self, index: int, mesh: np.ndarray) -> None:
        self._file.seek(self._places[index][0])
        self._file.write(np.ascontiguousarray(mesh, "<f4").tobytes())

    def append(self, mesh: np.ndarray) -> None:
        """Add a mesh (V, 3)."""
        self._places.append((self._file.seek(0, 2), len(mesh)))
        self[len(self) - 1] = mesh

    def insert(self, index: int) -> None:
        """Add a mesh of zeros, to be replaced, before another one."""
        self.append(np.zeros_like(self[index]))
        self._places.insert(index, self._places.pop())


@dataclass
class Track:
    """One person's frames."""

    meshes: Meshes
    frames: list[int] = field(default_factory=list)
    """Of all that the film gave, counted from 0."""
    times: list[float] = field(default_factory=list)
    """Seconds on the film's clock."""
    people: list[Person] = field(default_factory=list)
    """Without vertices, which are in `meshes`."""
    bridged: list[bool] = field(default_factory=list)
    """Where the body is what lies between its neighbours, since what was seen could not be believed."""
    shot: int = 0
    """Of the film, counted from 0: nobody is followed over a cut."""
    views: np.ndarray | None = None
    """(N, 3, 3) of each frame: from its camera's axes to those of a camera that stands still; None if this one does."""
    path: np.ndarray | None = None
    """(N, 3) metres: where each frame's camera is in these axes; None if it goes nowhere."""
    rank: int = 0
    """Sum of the places in the order of each frame's people: small for who is prominent."""

    def __len__(self) -> int:
        return len(self.frames)

    def person(self, index: int) -> Person:
        """With vertices."""
        return dataclasses.replace(self.people[index], vertices=self.meshes[index])

    def stilled(self, motion: SkeletonMotion, frames: np.ndarray | slice = slice(None)) -> SkeletonMotion:
        """A motion of some frames, each in its camera's axes, y up, in those of the camera that stands still."""
        motion = motion if self.views is None else motion.turned(views_up(self.views[frames]))
        return motion if self.path is None else motion.shifted(self.path[frames] * TURN_UP)

    def filmed(self, motion: SkeletonMotion) -> SkeletonMotion:
        """The other way round."""
        motion = motion if self.path is None else motion.shifted(-self.path * TURN_UP)
        return motion if self.views is None else motion.turned(views_up(np.swapaxes(self.views, 1, 2)))

    def still(self, points: np.ndarray, index: int) -> np.ndarray:
        """Points (..., 3) in a frame's camera's axes, y down, in those of the camera that stands still."""
        points = points if self.views is None else points @ self.views[index].T
        return points if self.path is None else points + self.path[index]

    def place(self, index: int) -> np.ndarray:
        """(3,) metres: where the pelvis is in a frame, likewise."""
        return self.still(np.asarray(self.people[index].camera.translation), index)

    def some(self, most: int) -> np.ndarray:
        """At most so many of the frames in which she was seen, evenly over them; of all if she never was."""
        seen = np.flatnonzero(~np.array(self.bridged)) if not all(self.bridged) else np.arange(len(self))
        chosen: np.ndarray = seen[np.unique(np.linspace(0, len(seen) - 1, min(len(seen), most)).round().astype(int))]
        return chosen

    def replace(self, index: int, person: Person) -> None:
        """Put another body in the place of a frame's."""
        self.meshes[index] = person.vertices
        self.people[index] = _without_mesh(person)

    def insert(self, index: int, frame: int, time: float, person: Person) -> None:
        """Add a frame before another one, in which nobody was seen; it has no mesh yet."""
        self.meshes.insert(index)
        self.people.insert(index, _without_mesh(person))
        self.frames.insert(index, frame)
        self.times.insert(index, time)
        self.bridged.insert(index, True)


def views_up(views: np.ndarray) -> np.ndarray:
    """Rotations (N, 3, 3) of cameras' axes, y down, as those of points whose y is up."""
    return np.diag(TURN_UP) @ views @ np.diag(TURN_UP)


def _without_mesh(person: Person) -> Person:
    """The person, who keeps no mesh in memory: an empty slice of it would."""
    return dataclasses.replace(person, vertices=np.zeros((0, 3), np.float32))


class Tracks:
    """People followed through a film. Meshes lie on disk: ten minutes of them are gigabytes."""

    def __init__(self) -> None:
        self.times: list[float] = []
        """Of all frames, seconds."""
        self.skipped: set[int] = set()
        """Frames that no network saw."""
        self._tracker = Tracker()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._tracks: dict[int, Track] = {}
        self._shot = 0

    def __enter__(self) -> Tracks:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Track]:
        """In the order of appearance."""
        return iter(self._tracks.values())

    def add(self, time: float, people: Sequence[Person], frame: np.ndarray | None = None) -> None:
        """Add a frame's people, the most prominent first; times rise.

        Args:
            time: Seconds.
            people: Of the frame.
            frame: (H, W, 3) uint8 RGB, for what they wear; None if they are told apart without.
        """
        wear = [] if frame is None else [clothing(frame, person) for person in people]
        for rank, (number, person) in enumerate(zip(self._tracker.update(people, time, wear), people, strict=True)):
            track = self._tracks.setdefault(number, Track(Meshes(self._file), shot=self._shot))
            track.meshes.append(person.vertices)
            track.frames.append(len(self.times))
            track.times.append(time)
            track.people.append(_without_mesh(person))
            track.bridged.append(False)
            track.rank += rank
        self.times.append(time)

    def cut(self) -> None:
        """Another shot begins with the next frame."""
        self._tracker.forget()
        self._shot += 1

    def skip(self, time: float) -> None:
        """Add a frame that no network sees; times rise."""
        self.skipped.add(len(self.times))
        self.times.append(time)

    def least(self, rate: float) -> int:
        """In how many frames somebody must be seen to count: half a second, or half of a shorter film.

        Args:
            rate: Frames a second.
        """
        return max(1, round(min(max(_SHORTEST * rate, _FEWEST), _SHARE * len(self.times))))

    def chosen(self, rate: float, most: int | None) -> list[Track]:
        """Who was there for long enough, the most present first, and of these who was more prominent.

        Args:
            rate: Frames a second.
            most: People to give, at most; None for all.
        """
        return sorted(self.lasting(rate), key=lambda track: (-self.presence(track), track.rank))[:most]

    def lasting(self, rate: float) -> list[Track]:
        """Who was there for long enough, in the order of appearance; once frames are bridged they may be fewer.

        Args:
            rate: Frames a second.
        """
        return [track for track in self if self.presence(track) >= self.least(rate)]

    def presence(self, track: Track) -> int:
        """In how many frames somebody was seen, and between these in stretches that no network saw.

        Frames in which networks missed her do not count, though they be bridged: two slips half a second apart are
        nobody.
        """
        seen = [frame for frame, is_bridged in zip(track.frames, track.bridged, strict=True) if not is_bridged]
        gaps = (range(first + 1, last) for first, last in pairwise(seen))
        return len(seen) + sum(len(gap) for gap in gaps if self.skipped.issuperset(gap))
