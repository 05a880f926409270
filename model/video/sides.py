"""Left and right: limbs that a 2D network took for those of the other side, told by the frames around.

Of who is seen from the side, or is dark, networks take one leg for the other in one frame of ten or so, and of who is
hardly seen front for back. One frame alone cannot tell; in a film limbs would jump to the other side and back.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.joints import BLAZEPOSE_MIRROR, COCO_MIRROR, COCO_ROOT
from model.results import Person
from model.video.tracks import Track

if TYPE_CHECKING:
    from model.reconstructor import MeshKind, Reconstructor

_RARE = 2.0
"""What it costs to exchange a part of the body in a frame, by the logarithms below: in most frames it is right."""
_NOISE = 0.06
"""Of the person's extent: how far joints are seen off where they are."""
_SPEEDING = 8.0
"""Extents a second squared: how much hands and feet speed up."""
_APART = 0.25
"""Seconds between two frames beyond which one tells nothing of the other."""


class _Part(NamedTuple):
    """Joints that are exchanged together."""

    joints: tuple[int, ...]
    """COCO's."""
    telling: tuple[int, ...]
    """Those of them that tell whether they are."""
    landmarks: tuple[int, ...]
    """BlazePose's."""


_PARTS = (
    _Part((*range(7), 11, 12), (5, 6, 11, 12), (*range(13), 23, 24)),  # the trunk, and its face
    _Part(tuple(range(7, 11)), tuple(range(7, 11)), tuple(range(13, 23))),  # arms
    _Part(tuple(range(13, 17)), tuple(range(13, 17)), tuple(range(25, 33))),  # legs
)


def put_right(track: Track, model: Reconstructor, mesh: MeshKind) -> None:
    """Exchange left and right where a person's frames say so, and regress her there anew.

    Args:
        track: As networks saw her.
        model: Answers for keypoints.
        mesh: See `Reconstructor.reconstruct`.
    """
    keypoints = np.stack([person.keypoints_2d for person in track.people])
    exchanged = find_exchanged(np.array(track.times), keypoints)
    frames = np.flatnonzero(exchanged.any(axis=1)).tolist()
    if not frames:
        return
    people = model.lift_again([_exchanged(track.people[index], exchanged[index]) for index in frames], mesh)
    for index, person in zip(frames, people, strict=True):
        track.replace(index, person)


def _exchanged(person: Person, which: np.ndarray) -> Person:
    """The person with left and right exchanged in some of the parts (3,) bool."""
    joints, landmarks = np.arange(len(COCO_MIRROR)), np.arange(len(BLAZEPOSE_MIRROR))
    for part, is_exchanged in zip(_PARTS, which, strict=True):
        if is_exchanged:
            joints[list(part.joints)] = np.array(COCO_MIRROR)[list(part.joints)]
            landmarks[list(part.landmarks)] = np.array(BLAZEPOSE_MIRROR)[list(part.landmarks)]
    return replace(
        person,
        keypoints_2d=person.keypoints_2d[joints],
        landmarks_2d=None if person.landmarks_2d is None else person.landmarks_2d[landmarks],
        depths=None if person.depths is None else person.depths[joints],
    )


def find_exchanged(times: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    """In which frames parts of a person have left for right, (N, 3) bool: the trunk with its face, arms, legs.

    Of all ways to exchange a part the one on which its joints speed up least, and which exchanges few: the shortest way
    through the frames, of which each three in a row say how much they speed up (Viterbi's algorithm).

    Args:
        times: (N,) seconds, rising.
        keypoints: (N, 17, 3) COCO's joints as seen: x, y in pixels and confidence.
    """
    exchanged = np.zeros((len(times), len(_PARTS)), bool)
    if len(times) < 3:
        return exchanged
    places = keypoints[..., :2] - keypoints[:, list(COCO_ROOT), :2].mean(axis=1, keepdims=True)
    extent = max(float(np.median(np.ptp(keypoints[..., :2], axis=1).max(axis=1))), 1.0)
    for index, part in enumerate(_PARTS):
        own = list(part.telling)
        other = [COCO_MIRROR[joint] for joint in own]
        seen = np.stack([keypoints[:, own, 2], keypoints[:, other, 2]])
        looks = np.stack([places[:, own], places[:, other]]) / extent  # (2, N, 4, 2): as they are, exchanged
        exchanged[:, index] = _shortest(_jolts(times, looks, seen))
    return exchanged


def _jolts(times: np.ndarray, looks: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """What each three frames cost, (N - 2, 2, 2, 2), by whether the first, the second and the third are exchanged.

    Args:
        times: (N,) seconds.
        looks: (2, N, J, 2) joints by the person's extent, as they are and exchanged.
        seen: (2, N, J) how surely.
    """
    steps = np.maximum(np.diff(times), 1e-3)
    before, after = steps[:-1], steps[1:]
    share = (before / (before + after))[:, None, None]
    usual = _NOISE**2 + (_SPEEDING / 2 * before * after) ** 2  # (N - 2,)
    near = np.maximum(before, after) <= _APART
    costs = np.zeros((len(times) - 2, 2, 2, 2))
    for first, second, third in product((0, 1), repeat=3):
        off = looks[second, 1:-1] - (1 - share) * looks[first, :-2] - share * looks[third, 2:]
        told = np.minimum(np.minimum(seen[first, :-2], seen[third, 2:]), seen[second, 1:-1])
        jolt = (told * np.log1p(np.square(off).sum(axis=2) / usual[:, None])).sum(axis=1)
        costs[:, first, second, third] = np.where(near, jolt, 0.0)
    return costs


def _shortest(costs: np.ndarray) -> np.ndarray:
    """Which frames (N,) bool are exchanged on the cheapest way through triples (N - 2, 2, 2, 2)."""
    count = len(costs) + 2
    total = _RARE * np.array([[0.0, 1.0], [1.0, 2.0]])  # by the last two frames
    came = np.zeros((len(costs), 2, 2), int)
    for index, cost in enumerate(costs):
        ways = total[:, :, None] + cost + _RARE * np.arange(2)
        came[index], total = ways.argmin(axis=0), ways.min(axis=0)
    states = np.zeros(count, int)
    states[-2:] = np.unravel_index(total.argmin(), total.shape)
    for index in range(len(costs) - 1, -1, -1):
        states[index] = came[index, states[index + 1], states[index + 2]]
    return states.astype(bool)
