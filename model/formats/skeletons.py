"""Skeletons that programs know, on SMPL-H's 22 joints and 30 of fingers: how joints are called and how they rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from model.joints import FINGER_NAMES, JOINTS, SMPL_JOINT_NAMES

_LEFT, _UP, _AHEAD = np.eye(3)  # of a body that faces +z
_A_POSE = 45.0  # degrees by which Unreal's mannequin lowers its arms


@dataclass(frozen=True)
class Skeleton:
    """How somebody else calls SMPL's joints, and turns them."""

    names: tuple[str, ...]
    """Of the 22 joints, in SMPL's order, then of SMPL-H's 30 finger joints, or none of them."""
    axes: np.ndarray
    """(22, 3, 3): columns are where each joint's own axes point to when the body stands in SMPL's T-pose, facing +z.
    Fingers have their wrist's."""


def _of_maya(prefix: str, toe: str) -> tuple[str, ...]:
    """The names that MotionBuilder made common."""
    return tuple(
        prefix + name
        for name in (
            "Hips", "LeftUpLeg", "RightUpLeg", "Spine", "LeftLeg", "RightLeg", "Spine1", "LeftFoot", "RightFoot",
            "Spine2", f"Left{toe}", f"Right{toe}", "Neck", "LeftShoulder", "RightShoulder", "Head", "LeftArm",
            "RightArm", "LeftForeArm", "RightForeArm", "LeftHand", "RightHand",
        )
    )  # fmt: skip


_UNREAL = (
    "pelvis", "thigh_l", "thigh_r", "spine_01", "calf_l", "calf_r", "spine_02", "foot_l", "foot_r", "spine_03",
    "ball_l", "ball_r", "neck_01", "clavicle_l", "clavicle_r", "head", "upperarm_l", "upperarm_r", "lowerarm_l",
    "lowerarm_r", "hand_l", "hand_r",
)  # fmt: skip


def _fingers(pattern: str, sides: tuple[str, str], capital: bool) -> tuple[str, ...]:
    """SMPL-H's finger joints by a pattern of side, finger and joint."""
    found = []
    for name in FINGER_NAMES:
        side, rest = name.split("_")
        finger = rest[:-1].capitalize() if capital else rest[:-1]
        found.append(pattern.format(side=sides[side == "right"], finger=finger, joint=rest[-1]))
    return tuple(found)


def _straight() -> np.ndarray:
    return np.tile(np.eye(3), (JOINTS, 1, 1))


def _lowered_arms() -> np.ndarray:
    """Rests with lowered arms: in the T-pose, its axes are turned the other way."""
    axes = _straight()
    for side, sign in (("left", 1), ("right", -1)):
        for part in ("shoulder", "elbow", "wrist"):
            raised = Rotation.from_euler("z", sign * _A_POSE, degrees=True)
            axes[SMPL_JOINT_NAMES.index(f"{side}_{part}")] = raised.as_matrix()
    return axes


def _along_bones() -> np.ndarray:
    """X along each bone, as LAFAN1 has it: limbs bend about z, which is the body's left or right where they hang."""
    axes = _straight()
    for joint, name in enumerate(SMPL_JOINT_NAMES):
        if name.endswith(("hip", "knee")):
            along, second = -_UP, _AHEAD
        elif name.endswith(("ankle", "foot")):
            along, second = _AHEAD, _UP
        elif name.startswith(("left", "right")):
            along, second = (_LEFT if name.startswith("left") else -_LEFT), -_AHEAD
        else:
            along, second = _UP, _AHEAD
        axes[joint] = np.column_stack([along, second, np.cross(along, second)])
    return axes


_MIXAMO_FINGERS = _fingers("mixamorig:{side}Hand{finger}{joint}", ("Left", "Right"), capital=True)
_UNREAL_FINGERS = _fingers("{finger}_0{joint}_{side}", ("l", "r"), capital=False)

SKELETONS = {
    "smpl": Skeleton((*SMPL_JOINT_NAMES, *FINGER_NAMES), _straight()),
    "mixamo": Skeleton((*_of_maya("mixamorig:", "ToeBase"), *_MIXAMO_FINGERS), _straight()),
    "unreal": Skeleton((*_UNREAL, *_UNREAL_FINGERS), _lowered_arms()),
    "lafan1": Skeleton(_of_maya("", "Toe"), _along_bones()),
}
"""SMPL's and Mixamo's rest in a T-pose, Unreal's mannequin in an A-pose; LAFAN1's bones all lie along x at rest."""
