"""A film's hands: seen in some of its frames, posed on its motion, and relaxed where they were not seen for a while.

What a sighting turns, elbows with their twist, wrists and fingers, is smoothed over time as rotation vectors: one
banded least squares a hand, near to the sightings, slow, without jolts, and with a weak pull back to how hands hang.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit
from model.body.hand_posing import SIDES, HandPoser
from model.body.hands import FINGERS, WRISTS
from model.body.motion import SkeletonMotion
from model.body.rotations import to_vectors
from model.body.sequence import second_differences
from model.body.skeleton import TURN_UP

_STIFFNESS = 4e-4
"""Seconds cubed: what accelerations cost beside a sighting. With ten of these a second, smooths over 0.08 s."""
_PULL = 0.2
"""A second: what it costs to be off the relaxed hand. Halfway there takes 0.3 s."""
_STEADINESS = 0.008
"""Seconds: what speed costs: a hand that was seen once opens slowly, however short the film, and not beyond relaxed."""
_LASTS = 1.0
"""Seconds before and after a sighting from which on a hand is relaxed altogether, which it is nearly by then."""
_SHORTEST = 1e-3  # seconds from frame to frame


def with_hands(motion: SkeletonMotion, seen: Sequence[np.ndarray | None]) -> SkeletonMotion:
    """The motion with its hands posed.

    Args:
        motion: N frames in the camera's axes, y up.
        seen: Of each, see `Person.hand_joints`.
    """
    hands = motion.rig.hands
    if hands is None or all(joints is None for joints in seen):
        return motion
    poser, rotations = HandPoser(motion.rig), motion.rotations.copy()
    near = np.zeros((len(motion), len(SIDES)), bool)
    fingers = np.repeat(hands.relaxed_rotations[None], len(motion), axis=0)
    for hand, side in enumerate(SIDES):
        arm, own = [WRISTS[hand] - 2, WRISTS[hand]], slice(hand * FINGERS // 2, (hand + 1) * FINGERS // 2)
        before = np.concatenate([rotations[:, arm], fingers[:, own]], axis=1)  # (N, 17, 3, 3)
        at, turned = [], []
        for index, joints in enumerate(seen):
            if joints is None or np.isnan(joints[hand]).any():
                continue
            body = BodyFit(motion.rotations[index], motion.shape, np.zeros(3), 0.0)
            posed = poser.pose(body, side, joints[hand] * TURN_UP)
            if posed is not None and posed.fingers is not None:
                at.append(index)
                turned.append(np.concatenate([posed.rotations[arm], posed.fingers[own]]))
        if not at:
            continue
        turns = to_vectors(np.swapaxes(before[at], -1, -2) @ np.stack(turned))
        away = np.abs(motion.times[:, None] - motion.times[at]).min(axis=1)
        near[:, hand] = away < _LASTS
        after = before @ _matrices(np.where(near[:, hand, None, None], _spread(motion.times, np.array(at), turns), 0))
        rotations[:, arm], fingers[:, own] = after[:, :2], after[:, 2:]
    return dataclasses.replace(motion, rotations=rotations, seen_fingers=fingers, hands_seen=near)


def _spread(times: np.ndarray, at: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Rotation vectors (N, J, 3) at the times (N,), from those (n, J, 3) of the frames `at` (n,)."""
    steps = np.maximum(np.diff(times), _SHORTEST)
    lasting = (np.append(steps, 0) + np.append(0, steps)) / 2 if len(steps) else np.ones(1)
    differences = second_differences(steps)
    speeds = sparse.diags([-1 / steps, 1 / steps], [0, 1], (len(steps), len(times)))
    sighted = np.zeros(len(times))
    sighted[at] = 1
    normal = sparse.diags(sighted + _PULL * lasting)
    normal += _STEADINESS * speeds.T @ sparse.diags(steps) @ speeds
    normal += _STIFFNESS * differences.T @ sparse.diags(lasting[1:-1]) @ differences
    right = np.zeros((len(times), turns[0].size))
    right[at] = turns.reshape(len(at), -1)
    found: np.ndarray = splu(normal.tocsc()).solve(right)
    return found.reshape(len(times), *turns.shape[1:])


def _matrices(vectors: np.ndarray) -> np.ndarray:
    return Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(*vectors.shape, 3)
