"""Hands and knees that bear somebody: what is low, far below its shoulder or hip, and hardly moves in the picture."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_opening

from model.body.limbs import ARMS, LEGS
from model.body.motion import SkeletonMotion
from model.joints import SMPL_JOINT_NAMES
from model.video.stance import SHORTEST, SLOW, lasting, usual_step, velocities

_HELD, _ROLLS, _ERECT = 0.1, 0.5, 0.6
"""Metres above the floor, metres a second across the view, and part of the arm's length: a lower and slower hand bears
her whose shoulder is so high above it. Its wrist goes on over the palm as the body passes."""
_KNEELS = 0.45  # of the shin's length: a slow knee that is lower bears her whose hip is `_ERECT` of the thigh above it
FEET = [SMPL_JOINT_NAMES.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("ankle", "foot")]
HANDS, KNEES = [arm[-1] for arm in ARMS], [leg[1] for leg in LEGS]


def knees_down(motion: SkeletonMotion, camera: np.ndarray) -> np.ndarray:
    """Which knees bear somebody, (N, 2) bool."""
    thigh, shin = (np.linalg.norm(motion.offsets[LEGS[0][joint]]) for joint in (1, 2))
    heights = motion.joints[:, KNEES, 1]
    above = motion.joints[:, [leg[0] for leg in LEGS], 1] - heights > _ERECT * thigh
    return _bearing(motion, camera, KNEES, above & (heights < _KNEELS * shin))


def hands_down(motion: SkeletonMotion, camera: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Which hands bear somebody, (N, 2) bool; of the lowest points of hands at so many metres (N, 2)."""
    length = np.linalg.norm(motion.offsets[list(ARMS[0][1:])], axis=1).sum()
    above = motion.joints[:, [arm[0] for arm in ARMS], 1] - motion.joints[:, HANDS, 1] > _ERECT * length
    return _bearing(motion, camera, HANDS, above & (heights < _HELD))


def _bearing(motion: SkeletonMotion, camera: np.ndarray, ends: list[int], low: np.ndarray) -> np.ndarray:
    """Which ends of limbs bear somebody, (N, 2) bool: those that are low (N, 2), slow, and so for a while."""
    slow = slow_joints(motion, view_rays(motion, camera), np.zeros((len(motion), 2), bool), _ROLLS)[:, ends]
    return lasting(motion.times, slow & low)


def slow_joints(motion: SkeletonMotion, rays: np.ndarray, standing: np.ndarray, most: float = SLOW) -> np.ndarray:
    """(N, 22) bool: which joints hardly move across the view, seen along unit vectors (N, 22, 3); feet stand or not."""
    speeds = velocities(motion.times, motion.joints)
    speeds -= (speeds * rays).sum(axis=-1, keepdims=True) * rays
    slow: np.ndarray = np.linalg.norm(speeds, axis=-1) < most
    slow = binary_opening(slow, np.ones((max(1, round(SHORTEST / usual_step(motion.times))), 1)))
    slow[:, FEET] = standing[:, [0, 0, 1, 1]]
    return slow


def view_rays(motion: SkeletonMotion, camera: np.ndarray) -> np.ndarray:
    """(N, 22, 3) unit vectors from the camera to the joints."""
    rays = motion.joints - camera[:, None]
    return rays / np.maximum(np.linalg.norm(rays, axis=-1, keepdims=True), 1e-9)
