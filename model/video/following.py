"""A film's people frame by frame: found in the whole frame from time to time, and followed in between."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from model.results import Person
from model.video.timing import Thinning

if TYPE_CHECKING:
    from model.reconstructor import MeshKind, Reconstructor

FAST = 15.0
"""Frames a second that networks see where time counts for more; docs/video.md says what it costs."""

_ANEW = 0.25
"""Seconds after which all of a frame is searched: so late may somebody be found who enters."""
_FAR = 0.1
"""Seconds between two frames from which on people may have gone too far to be followed."""
_GONE = 1.0
"""Seconds without anybody after which there is no hurry to find somebody again."""


class Follower:
    """Reconstructs people in a film's frames.

    Args:
        model: Finds, follows and reconstructs them.
        focal_length: Pixels; None if nobody knows.
        mesh: See `Reconstructor.reconstruct`.
        most: Frames a second that networks see, at most.
    """

    def __init__(
        self,
        model: Reconstructor,
        focal_length: float | None = None,
        mesh: MeshKind = "body",
        most: float = math.inf,
    ) -> None:
        self._model, self._focal_length, self._mesh = model, focal_length, mesh
        self._is_seen = Thinning(most)
        self._people: list[Person] = []
        self._time = self._searched = -math.inf
        self._seen: float | None = None

    def __call__(self, time: float, frame: np.ndarray) -> list[Person] | None:
        """The people of a frame, the most prominent of the last search first; None if no network sees this one.

        Args:
            time: Seconds, rising.
            frame: (H, W, 3) uint8 RGB, all of one size.
        """
        if not self._is_seen(time):
            return None
        people: list[Person] | None = None
        self._seen = time if self._seen is None or self._people else self._seen
        if time - self._searched < _ANEW - 1e-3:
            if not self._people and time - self._seen > _GONE:
                return []
            if time - self._time <= _FAR + 1e-3:
                people = self._model.follow(frame, self._people, self._mesh)
        if people is None:
            found = self._model.reconstruct(
                frame,
                focal_length=self._focal_length,
                ground=False,
                mesh=self._mesh,
                hands="off",
                twice=False,  # nor is who is followed: joints would jump where the two take turns
            )
            people = found.people
            # Who is missed now may be there in the next frame.
            self._searched = time if len(people) >= len(self._people) else -math.inf
        self._people, self._time = people, time
        return people
