"""How far knees and elbows turn, and how far a pose is beyond that.

In 55,762 poses of CMU's training subjects both are hinges: of knees, left and right pooled, 99 % lie within 0 to 134
degrees of bend, 2 of sway and 2 of twist, of elbows within 138, -21 to 31 and -15 to 38. These are the limits, rounded
outwards, with what ligaments allow of knees; no hinge bends backwards, as elbows of one subject there do. Other joints
have none: hips and shoulders are free, and spines, necks, heads and ankles come out within the archive's ranges.
"""

from __future__ import annotations

import numpy as np

from model.body.rotations import to_vectors
from model.joints import SMPL_JOINT_NAMES

HINGES = [SMPL_JOINT_NAMES.index(f"{side}_{joint}") for joint in ("knee", "elbow") for side in ("left", "right")]
"""The joints that have limits."""
# Degrees, from and to: how far a hinge bends, how far the limb sways aside, and how far it twists.
_KNEE = ((0, 150), (-8, 8), (-10, 10))
_ELBOW = ((0, 150), (-25, 35), (-20, 40))
_LOW, _HIGH = np.moveaxis(np.radians([_KNEE, _KNEE, _ELBOW, _ELBOW]), 2, 0)  # (4, 3)


def _axes() -> np.ndarray:
    """(4, 3, 3): as rows the axes of bend, sway and twist, in the T-pose, which faces z with y up and its left at x."""
    # Elbows bend towards 30 degrees above straight ahead, as most of the archive's do.
    elbow = np.array([0.0, -np.cos(np.pi / 6), np.sin(np.pi / 6)])
    found = []
    for bend, limb in (((1.0, 0.0, 0.0), (0.0, -1.0, 0.0)), (elbow, (1.0, 0.0, 0.0))):
        left = np.stack([bend, np.cross(limb, bend), limb])
        found += [left, left * (1, -1, -1)]  # what is mirrored turns the other way about y and z
    return np.stack(found)


AXES = _axes()


def turned(rotations: np.ndarray) -> np.ndarray:
    """How hinges are turned: (..., 4, 3) radians about their `AXES`, first how far they bend.

    The others are of the turn that is left when the bend is undone. To first order a small swing in the parent's axes,
    however far a hinge is bent, adds to these what it has of the axes.

    Args:
        rotations: (..., 22, 3, 3) relative to the parent's.
    """
    own = AXES @ rotations[..., HINGES, :, :] @ np.swapaxes(AXES, -1, -2)
    bend = np.arctan2(own[..., 2, 1] - own[..., 1, 2], own[..., 1, 1] + own[..., 2, 2])  # leaves the smallest turn
    back = np.zeros(own.shape)
    back[..., 0, 0], back[..., 1, 1], back[..., 2, 2] = 1, np.cos(bend), np.cos(bend)
    back[..., 1, 2], back[..., 2, 1] = np.sin(bend), -np.sin(bend)
    return np.concatenate([bend[..., None], to_vectors(own @ back)[..., 1:]], axis=-1)


def beyond(rotations: np.ndarray) -> np.ndarray:
    """How far hinges are beyond their limits: (..., 4, 3) radians about their `AXES`, zero within."""
    found = turned(rotations)
    return found - found.clip(_LOW, _HIGH)
