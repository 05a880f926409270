"""The lens of a film that does not tell it, by people who walk before a camera that stands still.

A lens that is taken for a shorter one puts everybody too near, by as many times: who walks on a level floor seems to
walk on one that slopes, more than upright bodies let up be off. So which lens it was is the one for which the floor is
level: feet on one plane across the direction in which people hold themselves upright. A camera that looks along the
floor learns nothing of it, nor does one before which people stay where they are: there the lens stays as it was. Stairs
slope likewise, and are more common before one or two people than long lenses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from model.results import Person
from model.scene.lines import Lines
from model.video.plane import HIGH, LEVEL, Walker, find_plane, turns_through
from model.video.tracks import Track

_FACTORS = np.exp(np.arange(-7, 12) / 10)
"""By which the lens may be another one."""
_USUAL = 0.3
"""Standard deviation of its logarithm: most films are phones'."""
_SURE = 1.5
"""Twice the logarithm of how much likelier another lens is, or it stays."""

_SEVERAL, _FEW = 3, 1.0
"""People whose feet are seen for longer than these seconds, or it may be stairs that they climb."""


def find_lens(tracks: Sequence[Track], lines: Lines | None) -> float:
    """How many times as long the lens is as it was taken for; 1 where people do not tell.

    Args:
        tracks: Everybody in a shot by a camera that stands still.
        lines: Of one of its frames.
    """
    walkers = [Walker.of(track) for track in tracks]
    if sum(walker.counts.sum() > _FEW for walker in walkers) < _SEVERAL:
        return 1.0
    usual = find_plane(walkers, lines).cost
    if usual <= _SURE:
        return 1.0
    planes = [
        find_plane([walker.through(factor) for walker in walkers], None if lines is None else lines.through(factor))
        for factor in _FACTORS.tolist()
    ]
    costs = [plane.cost for plane in planes] + np.square(np.log(_FACTORS) / _USUAL)
    best = int(np.argmin(costs))
    surely = usual - costs[best] > _SURE and planes[best].tilt < LEVEL and planes[best].below > HIGH
    return float(_FACTORS[best]) if surely else 1.0


def refocus(track: Track, factor: float) -> None:
    """Put the track's people where they are if the lens is so many times as long: they look the same."""
    places = np.array([person.camera.translation for person in track.people])
    for index, turn in enumerate(turns_through(places, factor)):
        track.replace(index, _refocused(track.person(index), factor, turn))


def _refocused(person: Person, factor: float, turn: np.ndarray) -> Person:
    """The person turned (3, 3) with the ray on which she is seen."""
    turn32, body = turn.T.astype(np.float32), person.body
    if body is not None:
        body = dataclasses.replace(body, rotations=np.concatenate([turn @ body.rotations[:1], body.rotations[1:]]))
    return dataclasses.replace(
        person,
        camera=person.camera.zoomed(factor),
        joints=person.joints @ turn32,
        vertices=person.vertices @ turn32,
        hand_joints=None if person.hand_joints is None else person.hand_joints @ turn32,
        body=body,
    )
