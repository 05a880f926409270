"""People in a video, smoothed over time: the One-Euro filter, forwards and then backwards.

Casiez, Roussel and Vogel, "1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems",
CHI 2012. It smooths much where things are slow, since there jitter is seen, and little where they are fast, since
there delay is seen. Backwards it is late the other way round, so that in the end nothing is.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from model.errors import BadInput
from model.results import Person
from model.video.bridging import bridge
from model.video.tracks import Track

# Cut-offs in Hz for what is at rest, and what each unit a second of speed adds. On two cameras of Pose2Sim's
# single-person demo at 30 frames a second, joints accelerate by 14.7 and 13.2 m/s^2 (in truth by 16.2, without a
# filter by 36 and 30) and lie 12.9 and 13.5 pixels from where they are in the picture: 13.5 and 13.9 without a filter,
# and 15.0 and 15.6 with one of half these cut-offs that goes forwards only.
_POSE = (3.0, 8.0)
"""For points of the body about the pelvis, in metres."""
_PLACE = (4.0, 80.0)
"""For the pelvis in the picture, in focal lengths."""
_DEPTH = (2.0, 2.0)
"""For the logarithm of its distance, which is little more than a guess in each frame."""

_NEAREST = 0.1  # metres: a frame's guess may be behind the camera, which has no logarithm


class OneEuro:
    """The filter for points, each with a speed of its own, the same in all directions.

    Args:
        still: the cut-off in Hz for a point at rest.
        moving: Hz that are added for each unit a second of its speed.
        speed: the cut-off in Hz for the speeds themselves.
    """

    def __init__(self, still: float, moving: float, speed: float = 3.0):
        self._still, self._moving, self._speed = still, moving, speed
        self._value: np.ndarray | None = None
        self._velocity: np.ndarray
        self._time: float

    def __call__(self, value: np.ndarray, time: float) -> np.ndarray:
        """The smoothed value.

        Args:
            value: (..., D) points, any unit.
            time: seconds, later than at the last call.
        """
        if self._value is None:
            self._value, self._velocity = value, np.zeros_like(value)
        else:
            step = time - self._time
            velocity = (value - self._value) / step
            self._velocity = self._velocity + _share(self._speed, step) * (velocity - self._velocity)
            speed = np.sqrt(np.square(self._velocity).sum(axis=-1, keepdims=True))
            self._value = self._value + _share(self._still + self._moving * speed, step) * (value - self._value)
        self._time = time
        return self._value


class PersonSmoother:
    """Smooths one person's body and place, frame by frame."""

    def __init__(self) -> None:
        self._joints, self._vertices = OneEuro(*_POSE), OneEuro(*_POSE)
        self._place, self._depth = OneEuro(*_PLACE), OneEuro(*_DEPTH)

    def __call__(self, person: Person, time: float) -> Person:
        """The person with joints, vertices and translation smoothed; what was seen in the photo stays.

        Args:
            person: as reconstructed from this frame.
            time: seconds, later than at the last call.
        """
        x, y, z = person.camera.translation
        z = max(z, _NEAREST)
        x, y = self._place(np.array([x / z, y / z]), time)
        z = math.exp(self._depth(np.array([math.log(z)]), time)[0])
        return dataclasses.replace(
            person,
            joints=self._joints(person.joints, time),
            vertices=self._vertices(person.vertices, time),
            camera=dataclasses.replace(person.camera, translation=(float(x * z), float(y * z), z)),
        )


def steady(track: Track) -> None:
    """Bridge the frames of a person that cannot be believed, and smooth all, where they lie.

    The filter never sees what was bridged: an outlier's speed would open it for what follows.

    Raises:
        BadInput: A mesh is none.
    """
    if not all(np.isfinite(mesh).all() for mesh in track.meshes):
        raise BadInput("A person came out as no mesh. Another checkpoint may help.")
    bridge(track)
    for order, direction in ((range(len(track)), 1), (reversed(range(len(track))), -1)):
        smooth = PersonSmoother()
        for index in order:
            track.replace(index, smooth(track.person(index), direction * track.times[index]))


def _share(cut_off: np.ndarray | float, step: float) -> np.ndarray | float:
    """How far a first-order low-pass goes towards the new value: 1 / (1 + tau / step), tau = 1 / (2 pi cut_off)."""
    turn = 2 * math.pi * cut_off * step
    return turn / (1 + turn)
