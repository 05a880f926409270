"""The up direction in a camera's frame, and with it the camera's pitch and roll, by the people before it.

Each body says where up is, more or less surely; several people share one ground; lines behind them stand upright. All
that is weighed, together with how cameras are held, over all directions at once: so nobody who bends, lies or stands
on his hands tilts the world, and what is left of doubt can be said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from model.errors import BadInput
from model.scene.balance import Balance, unit
from model.scene.lines import Lines, upright

Source = Literal["people", "lines", "given", "exif", "xmp", "assumed"]

_PITCH = np.radians([-9.0, 14.0])
"""Mean and standard deviation of cameras' pitch as people hold them. Of pre-training's virtual cameras it is 10
degrees; it is wider here, since the network's answers lean towards that mean already."""
_ROLL = np.radians(5.0)
"""Standard deviation of cameras' roll, as in pre-training."""
_CANTED, _CANTED_ROLL = 0.15, np.radians(15.0)
"""The share of cameras that nobody held level, and their roll's standard deviation."""
_ODD_CAMERA, _ODD_FILM = 0.05, 0.002
"""Share of cameras that are held any other way, or turned by who saved the photo. Films come as they are watched, and
in more of them than are turned people lie, or hold themselves as straight as if they stood, all the time."""
_ODD_PERSON = 0.15
"""Share of people whose body says nothing: who lie, hang, tumble, or came out wrong."""
_DEPTH = np.radians(6.0)
"""Standard error that the network adds to a body's direction, mostly as a lean towards the camera or away."""
_SIZE, _ODD_SIZE = 0.1, 0.15
"""Standard deviation of people's sizes as the network answers them, as a share, and the share of those who are
children, do not touch the ground, or have no size at all."""
_COARSE, _MIDDLE, _FINE = np.radians([4.0, 2.0, 0.5])
_WIDE, _NARROW = np.radians([32.0, 6.0])
_CLOSE = np.radians(10.0)
"""An estimate is right if it is nearer than this to the truth: what the confidence is the probability of."""
_LOWEST = 0.05  # metres: a camera is at least so far above people's ankles
_ANKLE = 0.1  # metres above the ground, standing and walking
_KNOWN = np.radians(1.0)
"""Standard error of what is measured or said, and the least of what is estimated."""
_ENOUGH = 10  # lines
_ANY_HEIGHT = 0.25  # density of the logarithm of a height of which nothing is known
_AT_ONCE = 1024  # directions: bounds the memory of a film


class Tilt(NamedTuple):
    """How a camera is held, as far as somebody knows."""

    pitch: float
    """Degrees, see `Up.pitch`."""
    roll: float | None = None
    """Degrees, see `Up.roll`; None if nobody knows, and people say it."""
    source: Source = "given"


@dataclass(frozen=True)
class Up:
    """Which way is up, seen by a camera."""

    direction: np.ndarray
    """(3,) float64 unit vector in the camera's frame: x right, y down, z forward."""
    confidence: float
    """0..1: the probability that it is within 10 degrees of the truth."""
    source: Source
    """Who said so: the people with the lines around them, the lines alone, the caller, EXIF or XMP, or nobody."""
    spread: float
    """Radians: standard error about an axis."""

    @property
    def pitch(self) -> float:
        """Degrees by which the camera looks above the horizon; negative: down."""
        return float(np.degrees(np.arcsin(np.clip(self.direction[2], -1, 1))))

    @property
    def roll(self) -> float:
        """Degrees, -180 to 180, by which what is upright is turned clockwise in the picture."""
        return float(np.degrees(np.arctan2(self.direction[0], -self.direction[1])))


def check_tilt(tilt: Tilt | None) -> None:
    """Raises BadInput unless what is known is a camera's: a pitch of -90 to 90 degrees, a roll of -180 to 180."""
    if tilt is None:
        return
    roll = tilt.roll or 0.0
    if not (np.isfinite([tilt.pitch, roll]).all() and abs(tilt.pitch) <= 90 and abs(roll) <= 180):
        raise BadInput("The camera's pitch must be from -90 (down) to 90 degrees, its roll from -180 to 180.")


def directions(pitch: np.ndarray | float, roll: np.ndarray | float) -> np.ndarray:
    """Up directions (..., 3) of cameras with these angles, radians."""
    across = np.cos(pitch)
    return np.stack(np.broadcast_arrays(across * np.sin(roll), -across * np.cos(roll), np.sin(pitch)), axis=-1)


def estimate_up(
    bodies: Balance,
    ankles: np.ndarray | None = None,
    person: Sequence[int] | None = None,
    tilt: Tilt | None = None,
    camera_height: float | None = None,
    lines: Lines | None = None,
) -> Up:
    """The up direction by people before one camera that stands still.

    Args:
        bodies: what P bodies say, in one photo or in all frames of a film.
        ankles: (P, 3) metres, camera frame: the middle of each one's; None if nobody knows where people are.
        person: (P,) which person each is, where several are of one; None if each is another one.
        tilt: what is known of the camera; the people say the rest.
        camera_height: metres above the ground, if it is known.
        lines: that were found in the photo, or in a frame of the film.

    Raises:
        BadInput: an angle that no camera can have.
    """
    check_tilt(tilt)
    if tilt is not None and tilt.roll is not None:
        return Up(directions(*np.radians([tilt.pitch, tilt.roll])), 1.0, tilt.source, _KNOWN)
    heard = np.isfinite(bodies.spread)
    on_ground = None
    if ankles is not None and (heard & bodies.on_feet).sum() > (camera_height is None):  # one alone says nothing of it
        on_ground = np.where(bodies.on_feet[:, None], ankles, np.nan)[heard]
    share = _shares(person, len(heard))[heard]
    odd = _ODD_CAMERA if person is None else _ODD_FILM
    told = _Told(bodies.up[heard], bodies.spread[heard], share, on_ground, camera_height, odd)
    pitches = np.radians([tilt.pitch]) if tilt else np.arange((_COARSE - np.pi) / 2, np.pi / 2, _COARSE)
    anywhere = _Posterior(pitches, np.arange(-np.pi, np.pi, _COARSE), told)
    # Lines do not know walls from floors: they are heard near what the people say.
    rough = anywhere.best
    near = _Posterior(*_around(rough, _WIDE, _MIDDLE, tilt), told, lines, _MIDDLE)
    fine = _Posterior(*_around(near.best, _NARROW, _FINE, tilt), told, lines, _FINE)
    direction = fine.mean
    if tilt is not None:  # the mean of several rolls looks less far down
        direction = directions(rough[0], float(np.arctan2(direction[0], -direction[1])))
    elsewhere = anywhere.share_beyond(directions(*rough), _WIDE)
    off = np.arccos(np.clip(near.directions @ direction, -1, 1))
    close = off <= _CLOSE
    confidence = (1 - elsewhere) * float(near.mass[close].sum())
    # Near the estimate the fine grid knows, beyond it the others.
    variance = confidence * fine.variance(direction) + (1 - elsewhere) * float(
        (near.mass * np.square(off))[~close].sum()
    )
    spread = float(np.sqrt(0.5 * (variance + elsewhere)))
    by_lines = lines is not None and len(lines.normals) >= _ENOUGH
    source: Source = tilt.source if tilt else "people" if heard.any() else "lines" if by_lines else "assumed"
    return Up(direction, min(confidence, 1.0), source, max(spread, _KNOWN))


def _around(best: tuple[float, float], reach: float, step: float, tilt: Tilt | None) -> tuple[np.ndarray, np.ndarray]:
    """Pitches and rolls about the best ones, radians; the pitch alone if it is known."""
    pitch, roll = best
    steps = np.arange(-reach, reach + step / 2, step)
    # A turn of the roll moves the direction by less the more the camera looks up or down.
    sideways = np.clip(steps / max(float(np.cos(pitch)), 0.1), -np.pi, np.pi)
    pitches = np.radians([tilt.pitch]) if tilt else pitch + steps[np.abs(pitch + steps) < np.pi / 2]
    return pitches, roll + sideways


def _shares(person: Sequence[int] | None, count: int) -> np.ndarray:
    """(P,) by how much each body counts: a person once, since the network sees her lean alike in all frames."""
    if person is None:
        return np.ones(count)
    _, which, frames = np.unique(np.asarray(person), return_inverse=True, return_counts=True)
    shares: np.ndarray = (1.0 / frames)[which]
    return shares


class _Told(NamedTuple):
    """What P people say."""

    up: np.ndarray
    """(P, 3)."""
    spread: np.ndarray
    """(P,)."""
    share: np.ndarray
    """(P,) by how much each counts."""
    ankles: np.ndarray | None
    """(P, 3) NaN of those who are not on their feet; None if nobody knows."""
    camera_height: float | None
    odd_camera: float
    """Share of cameras that may be held any way."""


class _Posterior:
    """The probability of up directions on a grid of pitches and rolls."""

    def __init__(
        self, pitches: np.ndarray, rolls: np.ndarray, told: _Told, lines: Lines | None = None, step: float = 0.0
    ):
        self._pitch, self._roll = (each.ravel() for each in np.meshgrid(pitches, rolls, indexing="ij"))
        self.directions = directions(self._pitch, self._roll)  # (G, 3)
        self._area = np.maximum(np.cos(self._pitch), 1e-3)
        level = (1 - _CANTED) * _normal(self._roll, _ROLL) + _CANTED * _normal(self._roll, _CANTED_ROLL)
        held = _normal(self._pitch - _PITCH[0], _PITCH[1]) * level / self._area
        log = np.log((1 - told.odd_camera) * held + told.odd_camera / (4 * np.pi)) + np.log(self._area)
        for start in range(0, len(self.directions), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            log[part] += _said(self.directions[part], told)
            if lines is not None:
                log[part] += upright(self.directions[part], lines, step / 2)
        mass = np.exp(log - log.max())
        self.mass = mass / mass.sum()

    @property
    def best(self) -> tuple[float, float]:
        """Pitch and roll of the likeliest direction."""
        index = int(np.argmax(self.mass / self._area))  # cells near the poles are small
        return float(self._pitch[index]), float(self._roll[index])

    def share_beyond(self, direction: np.ndarray, angle: float) -> float:
        """How probable it is that up is farther off a direction (3,) than an angle in radians."""
        return float(self.mass[self.directions @ direction < np.cos(angle)].sum())

    def variance(self, direction: np.ndarray) -> float:
        """Mean square angle to a direction (3,), square radians."""
        chords = 2 - 2 * np.clip(self.directions @ direction, -1, 1)
        return float(self.mass @ chords)

    @property
    def mean(self) -> np.ndarray:
        """(3,) the mean direction."""
        mean: np.ndarray = unit(self.mass @ self.directions)
        return mean


def _said(grid: np.ndarray, told: _Told) -> np.ndarray:
    """(G,) log likelihood of all that is told, if up is along each of the grid's directions (G, 3)."""
    if not len(told.up):
        return np.zeros(len(grid))
    squared = 2 - 2 * np.clip(grid @ told.up.T, -1, 1)  # (G, P) of the chord, about the angle's
    ahead = np.square(grid[:, 2:] - told.up[:, 2])
    across, along = np.square(told.spread), np.square(told.spread) + _DEPTH**2
    upright = np.exp(-0.5 * ((squared - ahead) / across + ahead / along)) / (2 * np.pi * np.sqrt(across * along))
    upright *= 1 - _ODD_PERSON
    odd = np.full_like(upright, _ODD_PERSON / (4 * np.pi))
    if told.ankles is not None:
        on_ground = _on_ground(grid, told, told.share * upright / (upright + odd))
        upright, odd = upright * on_ground, odd * _ANY_HEIGHT
    total: np.ndarray = np.log(upright + odd) @ told.share
    return total


def _on_ground(grid: np.ndarray, told: _Told, weight: np.ndarray) -> np.ndarray:
    """(G, P) likelihood of people's ankles on one plane across each direction: the camera is as high above all of them.

    A person of a wrong size is as much nearer or farther, and the camera as much higher or lower above her feet.

    Args:
        weight: (G, P) by how much each person's height counts.
    """
    assert told.ankles is not None
    known = np.isfinite(told.ankles[:, 0])
    height = np.log(np.maximum(-(grid @ told.ankles[known].T), _LOWEST))  # (G, Q)
    if told.camera_height is None:
        plane = _weighted_medians(height, weight[:, known])
    else:
        plane = np.full(len(grid), np.log(max(told.camera_height - _ANKLE, _LOWEST)))
    likelihood = np.full((len(grid), len(known)), _ANY_HEIGHT)
    likelihood[:, known] *= _ODD_SIZE
    likelihood[:, known] += (1 - _ODD_SIZE) * _normal(height - plane[:, None], _SIZE)
    return likelihood


def _weighted_medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(G,) of each row of values (G, Q)."""
    order = np.argsort(values, axis=1)
    reached = np.take_along_axis(weights, order, axis=1).cumsum(axis=1)
    half = (reached < reached[:, -1:] / 2).sum(axis=1, keepdims=True)
    medians: np.ndarray = np.take_along_axis(values, np.take_along_axis(order, half, axis=1), axis=1)[:, 0]
    return medians


def _normal(off: np.ndarray, deviation: float) -> np.ndarray:
    return np.exp(-0.5 * np.square(off / deviation)) / (np.sqrt(2 * np.pi) * deviation)
