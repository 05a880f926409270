"""Legs and arms bent anew so that their ends get where they should be: inverse kinematics of one or two bones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.body.motion import SkeletonMotion
from model.body.rotations import about, angle_between, smallest_rotation
from model.body.skeleton import to_local
from model.joints import SMPL_JOINT_NAMES


def _both_sides(*joints: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(SMPL_JOINT_NAMES.index(f"{side}_{joint}") for joint in joints) for side in ("left", "right"))


LEGS = _both_sides("hip", "knee", "ankle")
"""Hip, knee and ankle of the left and of the right leg."""
BALL = 3
"""Joints from an ankle to the ball of its foot."""
ARMS = _both_sides("shoulder", "elbow", "wrist")
"""Likewise of the arms."""
THIGHS = tuple(leg[:2] for leg in LEGS)
"""Hips and knees; what hangs on a knee goes along with it."""
SHINS = tuple(leg[1:] for leg in LEGS)
"""Knees and ankles."""
_HINGES = dict(zip((*LEGS, *ARMS), np.array([[1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0]], float)))
"""About which straight limbs bend, in the axes of the upper bone."""
_STRAIGHT = 0.05  # sine of a bend that tells as much of its axis as the hinge does
_STRETCHED = 0.999
"""Of a limb's length: a target farther from the hip or shoulder is reached for, not reached."""


def move_ends(motion: SkeletonMotion, limbs: Sequence[tuple[int, ...]], shifts: np.ndarray) -> SkeletonMotion:
    """The motion with its limbs' ends moved; knees and elbows bend as they did, and what hangs on ends keeps its turn.

    Args:
        motion: N poses.
        limbs: L of `LEGS` and `ARMS`, or of `THIGHS` and `SHINS`, no two of which share a joint.
        shifts: (N, L, 3) metres: by how much each one's end is to be moved; the end of one bone stays as far from its
            beginning.
    """
    turns = motion.turns.copy()
    for limb, shift in zip(limbs, np.moveaxis(shifts, 1, 0)):
        moving = np.flatnonzero(np.linalg.norm(shift, axis=1) > 1e-6)
        places = motion.joints[moving][:, limb]  # (M, 2 or 3, 3)
        if len(limb) == 2:
            bone = places[:, 1] - places[:, 0]
            swings: tuple[np.ndarray, ...] = (smallest_rotation(bone, bone + shift[moving]),)
        else:
            swings = _turns(places, shift[moving], motion.turns[moving, limb[0]] @ _HINGES[limb])
        for joint, turn in zip(limb, swings):
            turns[moving, joint] = turn @ turns[moving, joint]
    return motion.with_rotations(to_local(turns))


def _turns(places: np.ndarray, shifts: np.ndarray, hinge: np.ndarray) -> tuple[np.ndarray, ...]:
    """By how much thighs and shins, or upper arms and forearms, turn (M, 3, 3) each.

    Args:
        places: (M, 3, 3) hips, knees and ankles, or shoulders, elbows and wrists.
        shifts: (M, 3) of the last.
        hinge: (M, 3) about which a straight knee or elbow bends.
    """
    hip, knee, ankle = (places[:, joint] for joint in range(3))
    thigh, shin, target = knee - hip, ankle - knee, ankle + shifts - hip
    upper, lower = (np.linalg.norm(bone, axis=1) for bone in (thigh, shin))
    reach = np.clip(np.linalg.norm(target, axis=1), np.abs(upper - lower) + 1e-6, _STRETCHED * (upper + lower))
    # About which the knee bends already, and the nearer to straight it is, about its hinge.
    axis = _unit(np.cross(thigh, shin) + _STRAIGHT * (upper * lower)[:, None] * hinge)
    now = angle_between(thigh, shin)
    wanted = np.arccos(np.clip((reach**2 - upper**2 - lower**2) / (2 * upper * lower), -1, 1))
    bend = about(axis, wanted - now)
    swing = smallest_rotation(thigh + (bend @ shin[..., None])[..., 0], target)
    return swing, swing @ bend


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
