"""Legs bent anew so that ankles get where they should be: inverse kinematics of two bones, in closed form."""

from __future__ import annotations

import numpy as np

from model.body.motion import SkeletonMotion
from model.body.rotations import about, angle_between, smallest_rotation
from model.body.skeleton import to_local
from model.joints import SMPL_JOINT_NAMES

LEGS = tuple(
    tuple(SMPL_JOINT_NAMES.index(f"{side}_{joint}") for joint in ("hip", "knee", "ankle")) for side in ("left", "right")
)
"""Hip, knee and ankle of the left and of the right leg."""
_STRAIGHT = 0.05  # sine of a bend that tells as much of its axis as the hinge does
_STRETCHED = 0.999
"""Of a leg's length: a target farther from the hip is reached for, not reached."""


def move_ankles(motion: SkeletonMotion, shifts: np.ndarray) -> SkeletonMotion:
    """The motion with its ankles moved; knees bend as they did, and feet point where they pointed.

    Args:
        motion: N poses.
        shifts: (N, 2, 3) metres: by how much the left and the right ankle are to be moved.
    """
    turns = motion.turns.copy()
    for leg, shift in zip(LEGS, np.moveaxis(shifts, 1, 0)):
        moving = np.flatnonzero(np.linalg.norm(shift, axis=1) > 1e-6)
        hip, knee, _ = leg
        places = motion.joints[moving][:, leg]  # (M, 3, 3)
        hinge = motion.turns[moving, hip, :, 0]
        for joint, turn in zip((hip, knee), _turns(places, shift[moving], hinge)):
            turns[moving, joint] = turn @ turns[moving, joint]
    return motion.with_rotations(to_local(turns))


def _turns(places: np.ndarray, shifts: np.ndarray, hinge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how much thighs and shins turn (M, 3, 3) each.

    Args:
        places: (M, 3, 3) hips, knees and ankles.
        shifts: (M, 3) of the ankles.
        hinge: (M, 3) about which a straight knee bends.
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
