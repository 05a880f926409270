"""What the rest of a source's skeleton is in SMPL's T-pose, if it stands at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from model.errors import BadData

from .humanoid import Humanoid
from .skeleton import Skeleton

LEFT, RIGHT, DOWN = np.array([1.0, 0, 0]), np.array([-1.0, 0, 0]), np.array([0, -1.0, 0])
LIMBS = {
    "left_hip": ("left_knee", DOWN),
    "right_hip": ("right_knee", DOWN),
    "left_knee": ("left_ankle", DOWN),
    "right_knee": ("right_ankle", DOWN),
    "left_shoulder": ("left_elbow", LEFT),
    "right_shoulder": ("right_elbow", RIGHT),
    "left_elbow": ("left_wrist", LEFT),
    "right_elbow": ("right_wrist", RIGHT),
    "left_wrist": (None, LEFT),
    "right_wrist": (None, RIGHT),
}
"""By the joint where a limb begins, where it ends and points in SMPL's T-pose; None is the middle of its children."""

_ALONG_AN_AXIS = np.cos(np.radians(5))  # hips of captured people are askew by less


@dataclass(frozen=True)
class RestPose:
    """What takes SMPL's T-pose, x to the left, y up, z ahead, to the axes of a source's joints.

    Attributes:
        axes: to the axes of the source's world.
        spine: to those of each joint of the spine, from the pelvis to the chest.
        neck: to those of each joint of the neck, from the chest to the head.
        limbs: to those of what turns each limb, by `Humanoid.turns`' names.
    """

    axes: Rotation
    spine: list[Rotation]
    neck: list[Rotation]
    limbs: dict[str, Rotation]


def standing_rest(skeleton: Skeleton, human: Humanoid, source: str) -> RestPose | None:
    """The rest of a skeleton whose offsets show a body that stands: T-pose, A-pose, hanging arms, facing any axis.

    Returns:
        None where bones lie along an axis of their own instead, so that the offsets show no body.

    Raises:
        BadData: the body's left and right are exchanged; the message names the file.
    """
    axes = _axes(skeleton, human)
    if axes is None:
        return None
    rest = axes.inv().apply(skeleton.rest_positions())
    limbs: dict[str, Rotation] = {}
    for name, (end, t_pose) in LIMBS.items():
        start = human.limbs[name]
        limb = rest[human.limbs[end]] - rest[start] if end else _reach(skeleton, rest, start)
        length = np.linalg.norm(limb)
        if end and (length == 0 or not _stands(t_pose, limb / length)):
            return None
        # A hand without fingers goes on from its forearm.
        limbs[name] = smallest_rotation(t_pose, limb / length) if length else limbs[name.replace("wrist", "elbow")]
    for side in ("left", "right"):
        shin = limbs[f"{side}_knee"]
        foot = shin.inv().apply(_reach(skeleton, rest, human.limbs[f"{side}_ankle"]))  # below a shin turned straight
        ahead = np.hypot(foot[0], foot[2])
        if foot[2] < -0.5 * ahead:
            raise BadData(exchanged(source, side))
        heading = np.arctan2(foot[0], foot[2]) if ahead > 1e-6 else 0.0
        limbs[f"{side}_ankle"] = limbs[f"{side}_foot"] = shin * Rotation.from_rotvec([0, heading, 0])
        limbs[f"{side}_collar"] = Rotation.identity()
    return RestPose(
        axes,
        [axes] * len(human.spine),
        [axes] * len(human.neck),
        {name: axes * limb for name, limb in limbs.items()},
    )


def exchanged(source: str, side: str) -> str:
    """What to say of a body whose feet point backwards."""
    return (
        f"{source}: the {side} foot points backwards: are left and right exchanged? Export it with a standing rest "
        "pose, best a T-pose."
    )


def _axes(skeleton: Skeleton, human: Humanoid) -> Rotation | None:
    """Takes x to the left, y up, z ahead to the source's axes, read off its rest.

    That is a turn by right angles, unless the rest clearly faces another way than along an axis.
    """
    rest = skeleton.rest_positions()
    hips = rest[human.limbs["left_hip"]] - rest[human.limbs["right_hip"]]
    up = nearest_axis(rest[human.neck[-1]] - rest[human.spine[0]])
    left = nearest_axis(hips)
    if abs(left @ up) > 0.5:
        return None
    level = hips - up * (hips @ up)
    length = np.linalg.norm(level)
    if level @ left < _ALONG_AN_AXIS * length:
        left = level / length
    return Rotation.from_matrix(np.stack([left, up, np.cross(left, up)], axis=1))


def nearest_axis(vector: np.ndarray) -> np.ndarray:
    """The axis (3,), or its opposite, that is nearest to a vector."""
    axis = np.zeros(3)
    largest = np.abs(vector).argmax()
    axis[largest] = np.sign(vector[largest]) or 1.0
    return axis


def _stands(t_pose: np.ndarray, limb: np.ndarray) -> bool:
    """Whether a limb at rest, a unit vector, is one of a standing body: legs point down, and arms not straight up."""
    return limb[1] < -0.5 if t_pose is DOWN else limb[1] < 0.95


def _reach(skeleton: Skeleton, rest: np.ndarray, joint: int) -> np.ndarray:
    """(3,) from a joint to the middle of its far children, or where those are in the same place, of theirs."""
    children = skeleton.children(joint)
    while children:
        steps = rest[children] - rest[joint]
        lengths = np.linalg.norm(steps, axis=1)
        if lengths.max() > 1e-6:
            return steps[lengths > 0.7 * lengths.max()].mean(axis=0)  # toes without a heel
        children = [below for child in children for below in skeleton.children(child)]
    return np.zeros(3)


def smallest_rotation(start: np.ndarray, end: np.ndarray) -> Rotation:
    """The smallest rotation between two unit vectors (3,); opposite ones turn about z, or x if they lie along z."""
    axis = np.cross(start, end)
    sine, cosine = np.linalg.norm(axis), start @ end
    if sine < 1e-9:
        other = np.array([0.0, 0, 1]) if abs(start[2]) < 0.9 else np.array([1.0, 0, 0])
        about = other - start * (start @ other)
        return Rotation.from_rotvec(about / np.linalg.norm(about) * (0 if cosine > 0 else np.pi))
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, cosine))
