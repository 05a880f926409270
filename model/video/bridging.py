"""Frames that cannot be believed, and what lies between those that can.

A network that sees somebody upside down, or half hidden, answers for some frames with another pose at another place.
Such frames have low scores, or jump away and back again; both are told by the frames around them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.alignment import nearest_rotation
from model.body.motion import LONGEST_BRIDGE
from model.results import Camera, Person
from model.video.tracks import Track

_LOW_SCORE = 0.6
"""Times the usual score of the second before and after."""
_SCORE_WINDOW = 1.0
_JUMP_WINDOW = 0.3
"""Seconds before and after that tell what is usual."""
_FAR = 5.0
"""Times the usual distance from the median (Hampel's identifier), and more than these:"""
_FLOORS = (0.4, 0.2, 0.25)
"""Metres to the side; logarithm of the distance, a fifth; metres that joints move in the mean about the pelvis."""
_FEWEST = 5
"""Frames in a window, else it says nothing."""
_NEAREST = 0.1  # metres from the camera


def bridge(track: Track) -> None:
    """Put what lies between its neighbours into the place of each frame that cannot be believed."""
    is_believed = find_believed(track)
    believed = np.flatnonzero(is_believed)
    for index in np.flatnonzero(~is_believed).tolist():
        end = int(np.searchsorted(believed, index))
        before, after = believed[end - 1], believed[end]
        share = (track.times[index] - track.times[before]) / (track.times[after] - track.times[before])
        ends = track.person(before), track.person(after)
        track.replace(index, interpolate(*ends, share, track.people[index]))
        track.bridged[index] = True


def fill(track: Track, times: Sequence[float], skipped: AbstractSet[int]) -> None:
    """Add the frames that no network saw to a track, and those of short gaps: bridged, without a body of their own.

    Args:
        track: Who was in the frames before and after.
        times: Of all frames, seconds.
        skipped: The numbers of the frames that no network saw.
    """
    for index in range(len(track) - 1, 0, -1):
        first, last = track.frames[index - 1], track.frames[index]
        is_short = times[last] - times[first] <= LONGEST_BRIDGE
        if last - first < 2 or not (is_short or skipped >= set(range(first + 1, last))):
            continue
        before, after = track.people[index - 1], track.people[index]
        for frame in range(last - 1, first, -1):
            share = (times[frame] - times[first]) / (times[last] - times[first])
            track.insert(index, frame, times[frame], _unseen(before, after, share))


def _unseen(before: Person, after: Person, share: float) -> Person:
    """The person with score, box and joints in the picture between those of two frames, none of them seen."""
    box = (1 - share) * np.array(before.bbox) + share * np.array(after.bbox)
    x, y, width, height = box.tolist()
    keypoints = (1 - share) * before.keypoints_2d + share * after.keypoints_2d
    keypoints[:, 2] = 0
    score = (1 - share) * before.score + share * after.score
    unseen = dataclasses.replace(before, landmarks_2d=None, depths=None)
    return dataclasses.replace(unseen, score=score, bbox=(x, y, width, height), keypoints_2d=keypoints)


def find_believed(track: Track) -> np.ndarray:
    """Frames (N,) bool of a track that networks saw, and whose answer can be believed."""
    believed = ~np.array(track.bridged)
    seen = np.flatnonzero(believed)
    believed[seen] = ~find_outliers([track.times[index] for index in seen], [track.people[index] for index in seen])
    return believed


def find_outliers(times: Sequence[float], people: Sequence[Person]) -> np.ndarray:
    """Frames (N,) bool of one person that cannot be believed, each between two that can.

    Args:
        times: (N,) seconds, rising.
        people: N frames; vertices are not used.
    """
    at = np.asarray(times)
    scores = np.array([person.score for person in people])
    places = np.array([_coordinates(person.camera) for person in people]).reshape(-1, 3)
    joints = np.stack([person.joints for person in people])  # (N, K, 3)
    odd = np.zeros(len(at), bool)
    for i, time in enumerate(at):
        near = slice(*np.searchsorted(at, (time - _SCORE_WINDOW, time + _SCORE_WINDOW + 1e-9)))
        odd[i] = scores[i] < _LOW_SCORE * np.median(scores[near])
        near = slice(*np.searchsorted(at, (time - _JUMP_WINDOW, time + _JUMP_WINDOW + 1e-9)))
        if near.stop - near.start >= _FEWEST:
            odd[i] |= _jumps(places[near], joints[near], i - near.start)
    return odd & _is_short(odd, at)


def interpolate(before: Person, after: Person, share: float, seen: Person) -> Person:
    """A person on the way from one frame to another: turned evenly, the rest in a straight line.

    Args:
        before: The frame before.
        after: The frame after.
        share: How far on the way, 0..1.
        seen: The frame itself, which keeps its score, box and keypoints.
    """
    turn = Rotation.from_matrix(_turn(before.joints, after.joints))
    back, on = turn.inv().as_matrix(), Rotation.from_rotvec(share * turn.as_rotvec()).as_matrix()

    def between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Points (N, 3) as rows."""
        return (((1 - share) * one + share * (other @ back.T)) @ on.T).astype(np.float32)

    x, y, z = (1 - share) * _rays(before.camera) + share * _rays(after.camera)
    depth = float(np.exp(z))
    camera = dataclasses.replace(seen.camera, translation=(float(x) * depth, float(y) * depth, depth))
    joints, vertices = between(before.joints, after.joints), between(before.vertices, after.vertices)
    return dataclasses.replace(seen, joints=joints, vertices=vertices, camera=camera)


def _jumps(places: np.ndarray, joints: np.ndarray, index: int) -> bool:
    """Whether one frame of a window, places (n, 3) and joints (n, K, 3), is far from its others' median."""
    off = places - np.median(places, axis=0)
    away = np.stack(
        [
            np.linalg.norm(off[:, :2], axis=1),
            np.abs(off[:, 2]),
            np.linalg.norm(joints - np.median(joints, axis=0), axis=2).mean(axis=1),
        ],
        axis=1,
    )  # (n, 3)
    return bool((away[index] > np.maximum(_FLOORS, _FAR * np.median(away, axis=0))).any())


def _is_short(odd: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Of frames (N,) those between others that are not odd and not far apart in time."""
    believed = np.flatnonzero(~odd)
    if len(believed) < 2:
        return np.zeros(len(odd), bool)
    following = np.searchsorted(believed, np.arange(len(odd)))
    is_between = (following > 0) & (following < len(believed))
    before, after = believed[np.maximum(following - 1, 0)], believed[np.minimum(following, len(believed) - 1)]
    return is_between & (times[after] - times[before] <= LONGEST_BRIDGE)


def _coordinates(camera: Camera) -> tuple[float, float, float]:
    """Metres to the right and down, and the logarithm of the distance."""
    x, y, z = camera.translation
    return x, y, float(np.log(max(z, _NEAREST)))


def _rays(camera: Camera) -> np.ndarray:
    """X / z, y / z and the logarithm of z (3,)."""
    x, y, z = camera.translation
    z = max(z, _NEAREST)
    return np.array([x / z, y / z, np.log(z)])


def _turn(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) that takes joints (K, 3) nearest to others as `R @ joint`."""
    return nearest_rotation((after - after.mean(axis=0)).T.astype(np.float64) @ (before - before.mean(axis=0)))
