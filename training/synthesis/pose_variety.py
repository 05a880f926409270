"""Pose diversity beyond the clips: limbs recombined, straightened, turned, drawn freely; bodies seen from anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from model.joints import JOINTS, finger_joints
from training.rotations import axis_angle_to_matrix
from training.synthesis.free_poses import LEFT_ARM, LEGS, RIGHT_ARM, free_poses


@dataclass(frozen=True)
class PoseVariety:
    """How far training poses stray from the clips; all zero leaves them as they are."""

    legs: float = 0.3
    """Share of the poses that get the legs of another frame."""
    arm: float = 0.25
    """Share of the poses that get the left arm of another frame; likewise, independently, the right one."""
    tilt: float = 30.0
    """Degrees by which the two pelvises may lean differently: a sitting pose's legs fit no somersault."""
    straight: float = 0.35
    """Share of the poses whose legs straighten, each by its own part of the way: people stand upright in photos more
    often than in motion capture. Without it standing people come out with knees bent by 30 degrees."""
    turn: float = 0.15
    """Largest standard deviation of a pose's joint noise, radians per axis."""
    turned: float = 0.7
    """Share of the poses with such noise."""
    free: float = 0.0
    """Share of the poses in whose place nobody's are, see `free_poses`; of as many the legs alone, and of as many each
    arm. Rare poses gain and usual ones lose, so that it is for long runs; see docs/pre-train.md."""
    anywhere: float = 0.08
    """Share of the poses that are seen from anywhere, any way up; see `sample_cameras`."""


def vary(pose: Tensor, other: Tensor, variety: PoseVariety, generator: torch.Generator) -> Tensor:
    """Mixes poses with others and turns their joints; the root keeps its rotation.

    Args:
        pose, other: (B, J, 3) axis-angle, the order of SMPL, SMPL-H or SMPL-X, on the generator's device.
        variety: how much.
        generator: draws everything.

    Returns:
        (B, J, 3).
    """
    (b, joints, _), device = pose.shape, pose.device
    left_hand, right_hand = finger_joints(joints)
    left_arm, right_arm = [*LEFT_ARM, *left_hand], [*RIGHT_ARM, *right_hand]

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    up = [axis_angle_to_matrix(p[:, 0])[:, :, 1] for p in (pose, other)]  # the pelvis' y in the world, (B, 3) each
    alike = (up[0] * up[1]).sum(dim=-1) > math.cos(math.radians(variety.tilt))
    for part, share in ((LEGS, variety.legs), (left_arm, variety.arm), (right_arm, variety.arm)):
        taken = torch.zeros(b, joints, 1, dtype=torch.bool, device=device)
        taken[:, part] = (alike & (rand(b) < share))[:, None, None]
        pose = torch.where(taken, other, pose)
    bent = torch.where(rand(b, 1, 1) < variety.straight, rand(b, 1, 1), 1.0)
    pose = pose.index_copy(1, torch.tensor(LEGS, device=device), bent * pose[:, LEGS])
    pose = _freed(pose, variety.free, generator)
    size = variety.turn * rand(b, 1, 1) * (rand(b, 1, 1) < variety.turned)
    noise = size * torch.randn(b, joints - 1, 3, generator=generator, device=device)
    return torch.cat([pose[:, :1], pose[:, 1:] + noise], dim=1)


def _freed(pose: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """The poses (B, J, 3), in some of which all joints, or a limb's, are drawn freely."""
    if not share:
        return pose
    drawn = free_poses(len(pose), generator)
    part = torch.rand(len(pose), 4, generator=generator, device=pose.device) < share  # all, legs, each arm
    taken = part[:, :1].expand(-1, JOINTS).clone()
    for limb, chosen in zip((LEGS, LEFT_ARM, RIGHT_ARM), part[:, 1:].T, strict=True):
        taken[:, limb] |= chosen[:, None]
    body = torch.where(taken[..., None], drawn, pose[:, :JOINTS])
    return torch.cat([body, pose[:, JOINTS:]], dim=1)
