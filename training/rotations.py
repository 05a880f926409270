"""Rotations: axis-angle to matrices, random turns, the mirror image of a pose."""

from __future__ import annotations

import torch
from torch import Tensor

from model.joints import finger_joints

_MIRROR = (0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20)
"""SMPL's 22 joints with left and right exchanged."""
_MIRROR_FACE = (22, 24, 23)
"""SMPL-X's jaw and eyes."""


def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """Rodrigues' formula: (..., 3) radians to (..., 3, 3)."""
    angle = axis_angle.norm(dim=-1, keepdim=True).clamp(min=1e-8)  # (..., 1)
    x, y, z = (axis_angle / angle).unbind(dim=-1)
    sin, cos = angle.sin()[..., 0], angle.cos()[..., 0]
    t = 1 - cos
    rows = [
        cos + x * x * t, x * y * t - z * sin, x * z * t + y * sin,
        x * y * t + z * sin, cos + y * y * t, y * z * t - x * sin,
        x * z * t - y * sin, y * z * t + x * sin, cos + z * z * t,
    ]  # fmt: skip
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def matrix_to_axis_angle(matrix: Tensor) -> Tensor:
    """The inverse of `axis_angle_to_matrix` for turns of less than half a circle: (..., 3, 3) to (..., 3)."""
    skew = matrix - matrix.mT
    axis = torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], dim=-1)  # 2 sin(angle) times the axis
    trace = matrix.diagonal(dim1=-2, dim2=-1).sum(dim=-1, keepdim=True)
    sin = axis.norm(dim=-1, keepdim=True)
    angle = torch.atan2(sin, trace - 1)
    return axis * torch.where(sin > 1e-6, angle / sin.clamp(min=1e-6), 0.5)


def mirror_pose(axis_angle: Tensor) -> Tensor:
    """The mirror image of poses (B, J, 3), of SMPL, SMPL-H or SMPL-X, across the body's left-right plane.

    Left and right joints change places, and every rotation is reflected at x = 0 (an axial vector keeps its x). The
    root's world rotation is reflected in the same way, which mirrors the world too.
    """
    joints = axis_angle.shape[1]
    left, right = finger_joints(joints)
    mirrored = [*_MIRROR, *_MIRROR_FACE[: joints - len(_MIRROR) - len(left) - len(right)], *right, *left]
    return axis_angle[:, mirrored] * axis_angle.new_tensor([1.0, -1.0, -1.0])
