"""SMPL's forward kinematics."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from training.mocap import SMPL_JOINT_NAMES, SMPL_PARENTS


def smpl_world(rotations: np.ndarray) -> dict[str, Rotation]:
    """World rotations of SMPL's joints for poses (T, 22, 3)."""
    world: list[Rotation] = []
    for joint, parent in enumerate(SMPL_PARENTS):
        local = Rotation.from_rotvec(rotations[:, joint])
        world.append(local if parent < 0 else world[parent] * local)
    return dict(zip(SMPL_JOINT_NAMES, world))
