"""SMPL's 22 joints: their names, what hangs on what, and how rotations add up along the tree."""

from __future__ import annotations

import numpy as np

from model.joints import JOINTS, SMPL_PARENTS

TURN_UP = (1.0, -1.0, -1.0)
"""Camera frame, y down, to y up and back: by 180 degrees about x."""

PARENTS = list(SMPL_PARENTS[1:])
"""The parents of all joints but the root."""


def _family() -> np.ndarray:
    family = np.eye(JOINTS)
    for joint in reversed(range(1, JOINTS)):
        family[SMPL_PARENTS[joint]] += family[joint]
    return family


FAMILY = _family()
"""(22, 22): 1 where the second joint is the first one or hangs on it."""


def _generations() -> list[tuple[list[int], list[int]]]:
    """Joints as far from the root as each other, with their parents: what can be worked out at once."""
    depth = FAMILY.sum(axis=0)
    apart = [np.flatnonzero(depth == d).tolist() for d in range(2, int(depth.max()) + 1)]
    return [(joints, [SMPL_PARENTS[joint] for joint in joints]) for joints in apart]


_GENERATIONS = _generations()


def to_global(rotations: np.ndarray) -> np.ndarray:
    """Rotations (..., 22, 3, 3) relative to the parent -> from the root's frame on."""
    world = rotations.copy()
    for joints, parents in _GENERATIONS:
        world[..., joints, :, :] = world[..., parents, :, :] @ rotations[..., joints, :, :]
    return world


def to_local(world: np.ndarray) -> np.ndarray:
    """The inverse of `to_global`."""
    local = np.swapaxes(world[..., PARENTS, :, :], -1, -2) @ world[..., 1:, :, :]
    return np.concatenate([world[..., :1, :, :], local], axis=-3)


def joint_positions(joints: np.ndarray, turns: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Where joints at rest get to (..., 22, 3) when each one's piece is turned (..., 22, 3, 3) from rest.

    Args:
        joints: (..., 22, 3) at rest.
        turns: (..., 22, 3, 3).
        translation: (..., 3) from where the root is at rest.
    """
    bones = joints[..., 1:, :] - joints[..., PARENTS, :]
    steps = np.concatenate(
        [(joints[..., 0, :] + translation)[..., None, :], (turns[..., PARENTS, :, :] @ bones[..., None])[..., 0]],
        axis=-2,
    )
    positions: np.ndarray = FAMILY.T @ steps  # along each joint's way from the root
    return positions
