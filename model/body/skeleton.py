"""SMPL's 22 joints: their names, what hangs on what, and how rotations add up along the tree."""

from __future__ import annotations

import numpy as np

from model.joints import SMPL_PARENTS

TURN_UP = (1.0, -1.0, -1.0)
"""Camera frame, y down, to y up and back: by 180 degrees about x."""


def to_global(rotations: np.ndarray) -> np.ndarray:
    """Rotations (..., 22, 3, 3) relative to the parent -> from the root's frame on."""
    world = rotations.copy()
    for joint, parent in enumerate(SMPL_PARENTS[1:], start=1):
        world[..., joint, :, :] = world[..., parent, :, :] @ rotations[..., joint, :, :]
    return world


def to_local(world: np.ndarray) -> np.ndarray:
    """The inverse of `to_global`."""
    parents = list(SMPL_PARENTS[1:])
    local = np.swapaxes(world[..., parents, :, :], -1, -2) @ world[..., 1:, :, :]
    return np.concatenate([world[..., :1, :, :], local], axis=-3)


def joint_positions(joints: np.ndarray, turns: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Where joints (22, 3) at rest get to (22, 3) when each one's piece is turned (22, 3, 3) from rest."""
    positions = joints + translation
    for joint, parent in enumerate(SMPL_PARENTS[1:], start=1):
        positions[joint] = positions[parent] + turns[parent] @ (joints[joint] - joints[parent])
    return positions
