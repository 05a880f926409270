"""Left and right: limbs that a 2D network took for those of the other side, told by the frames around.

Of who is seen from the side, or is dark, networks take one leg for the other in one frame of ten or so, and of who is
hardly seen front for back. One frame alone cannot tell; in a film limbs would jump to the other side and back.
"""

from __future__ import annotations

from collections.abc import Sequence
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
_DEPTH = 0.5
"""What depths of the trunk count beside what is seen: of who is seen from the side they alone tell left from right."""
_APART = 0.25
"""Seconds between two frames beyond which one tells nothing of the other."""
_SURENESS = 0.6, 0.75
"""Mean confidences: who is seen so hardly may well be taken to face the other way, with all parts exchanged; from the
second on that is no likelier than that one of them is."""
_BACKWARDS = 1.5
"""What it costs to walk backwards, towards the camera or away from it, a metre a second."""
_PACE = 0.5
"""Seconds before and after in which that is measured."""
_AT_ONCE = 8
"""Frames that are regressed at once: bounds the memory that a long film's meshes take."""


class _Part(NamedTuple):
    """Joints that are exchanged together."""

    joints: tuple[int, ...]
    """COCO's."""
    telling: list[int]
    """Those of them that tell whether they are."""
    landmarks: tuple[int, ...]
    """BlazePose's."""


_PARTS = (
    _Part((*range(7), 11, 12), [5, 6, 11, 12], (*range(13), 23, 24)),  # the trunk, and its face
    _Part(tuple(range(7, 11)), list(range(7, 11)), tuple(range(13, 23))),  # arms
    _Part(tuple(range(13, 17)), list(range(13, 17)), tuple(range(25, 33))),  # legs
)
_ARMS = 1  # of them
_STATES = np.array(list(product((0, 1), repeat=len(_PARTS))))
"""(8, 3) which parts may be exchanged in a frame."""


def put_right(track: Track, model: Reconstructor, mesh: MeshKind, places: np.ndarray | None) -> None:
    """Exchange left and right where a person's frames say so, and regress her there anew.

    Args:
        track: As networks saw her.
        model: Answers for keypoints.
        mesh: See `Reconstructor.reconstruct`.
        places: (N, 3) metres: where she is before a camera that stands still; None if nobody knows.
    """
    keypoints = np.stack([person.keypoints_2d for person in track.people])
    times, forward = np.array(track.times), np.zeros(len(track))
    if places is not None:
        facing = _facing(np.stack([person.joints for person in track.people]))
        forward = facing * _speeds(times, places[:, 2]).clip(-1, 1)
    exchanged = find_exchanged(times, keypoints, forward, np.stack([_depths(person) for person in track.people]))
    frames = np.flatnonzero(exchanged.any(axis=1)).tolist()
    if not frames:
        return
    for start in range(0, len(frames), _AT_ONCE):
        part = frames[start : start + _AT_ONCE]
        people = model.lift_again([_exchanged(track.people[index], exchanged[index]) for index in part], mesh)
        if people is None:
            return
        for index, person in zip(part, people, strict=True):
            track.replace(index, person)


def _facing(joints: np.ndarray) -> np.ndarray:
    """(N,) how far somebody, joints (N, 17, 3) in the camera's axes, faces away from the camera: -1 looks into it."""
    left = joints[:, 5] - joints[:, 6] + joints[:, 11] - joints[:, 12]
    away: np.ndarray = -left[:, 0] / np.maximum(np.linalg.norm(left, axis=1), 1e-6)
    return away


def _speeds(times: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """(N,) metres a second: the slope of depths (N,) over the time about each frame."""
    speeds = np.zeros(len(times))
    for index, time in enumerate(times):
        near = slice(*np.searchsorted(times, (time - _PACE, time + _PACE)))
        off = times[near] - times[near].mean()
        if np.ptp(times[near]) >= _PACE:
            speeds[index] = (off @ depths[near]) / (off @ off)
    return speeds


def _exchanged(person: Person, which: np.ndarray) -> Person:
    """The person with left and right exchanged in some of the parts (3,) bool.

    Hands that were seen at wrists of the other side are forgotten: the network that saw them was sure of that side.
    """
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
        hand_joints=None if which[_ARMS] else person.hand_joints,
    )


def _depths(person: Person) -> np.ndarray:
    """(17,) pixels: how far behind her middle a person's joints are, as the mesh network has them."""
    scale = person.camera.focal_length / person.camera.translation[2]
    depths: np.ndarray = scale * person.joints[:, 2]
    return depths


def find_exchanged(times: np.ndarray, keypoints: np.ndarray, forward: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """In which frames parts of a person have left for right, (N, 3) bool: the trunk with its face, arms, legs.

    Of all ways to exchange them the one on which joints speed up least, few parts are exchanged, or all where she is
    hardly seen, and she walks forwards: the shortest way through the frames, of which each three in a row say how much
    joints speed up (Viterbi's algorithm).

    Args:
        times: (N,) seconds, rising.
        keypoints: (N, 17, 3) COCO's joints as seen: x, y in pixels and confidence.
        forward: (N,) metres a second that she walks forwards, along the camera's view alone; negative for backwards.
        depths: (N, 17) pixels: how far away joints are, beside her middle.
    """
    if len(times) < 3:
        return np.zeros((len(times), len(_PARTS)), bool)
    least, most = _SURENESS
    sure = ((keypoints[..., 2].mean(axis=1) - least) / (most - least)).clip(0.25, 2)
    count = _STATES.sum(axis=1)
    own = _RARE * np.minimum(count, sure[:, None] + len(_PARTS) - count)  # (N, 8)
    own += _BACKWARDS * forward[:, None] * _STATES[:, 0]
    seen, confidence = keypoints[..., :2], keypoints[..., 2]
    deep = np.concatenate([seen, _DEPTH * depths[..., None]], axis=2)
    jolts = [_jolts(times, places, confidence, part.telling) for places, part in zip((deep, seen, seen), _PARTS)]
    return _STATES[_shortest(own, jolts)].astype(bool)


def _jolts(times: np.ndarray, places: np.ndarray, confidence: np.ndarray, joints: list[int]) -> np.ndarray:
    """What each three frames cost, (N - 2, 2, 2, 2), by whether the first, the second and the third are exchanged.

    Args:
        times: (N,) seconds.
        places: (N, 17, 2 or 3) pixels.
        confidence: (N, 17) 0..1.
        joints: which of them are exchanged.
    """
    extent = max(float(np.median(np.ptp(places[..., :2], axis=1).max(axis=1))), 1.0)
    places = (places - places[:, list(COCO_ROOT)].mean(axis=1, keepdims=True)) / extent
    other = [COCO_MIRROR[joint] for joint in joints]
    looks = np.stack([places[:, joints], places[:, other]])  # (2, N, J, 2): as they are, exchanged
    seen = np.stack([confidence[:, joints], confidence[:, other]])
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


def _shortest(own: np.ndarray, jolts: Sequence[np.ndarray]) -> np.ndarray:
    """The states (N,) on the cheapest way through the frames.

    Args:
        own: (N, 8) what each state costs in each frame.
        jolts: of each part what each three frames cost, (N - 2, 2, 2, 2).
    """
    triples = [np.ix_(part, part, part) for part in _STATES.T]
    total = own[0][:, None] + own[1]  # by the states of the last two frames
    came = np.zeros((len(own) - 2, len(_STATES), len(_STATES)), int)
    for index in range(len(came)):
        cost = sum(jolt[index][triple] for jolt, triple in zip(jolts, triples, strict=True))
        ways = total[:, :, None] + cost + own[index + 2]
        came[index], total = ways.argmin(axis=0), ways.min(axis=0)
    states = np.zeros(len(own), int)
    states[-2:] = np.unravel_index(total.argmin(), total.shape)
    for index in range(len(came) - 1, -1, -1):
        states[index] = came[index, states[index + 1], states[index + 2]]
    return states
