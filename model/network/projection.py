"""Weak perspective, and the way between crop and image. Camera frame: x right, y down, z forward, metres."""

from __future__ import annotations

import torch
from torch import Tensor

from model.interfaces import CROP_SCALE


def project_weak_perspective(points: Tensor, camera: Tensor) -> Tensor:
    """Weak perspective: s * (x, y) + (tx, ty).

    Args:
        points: (B, N, 3) metres, camera frame; camera: (B, 3) s, tx, ty.

    Returns:
        (B, N, 2) in -1..1 across the crop.
    """
    return camera[:, None, :1] * points[..., :2] + camera[:, None, 1:]


def square_crop(boxes: Tensor, scale: float | Tensor = CROP_SCALE) -> Tensor:
    """The square around each box, `scale` times its longer side.

    Args:
        boxes: (B, 4) x, y, width, height.

    Returns:
        (B, 3): the centre's x and y, and the side, in the boxes' unit.
    """
    centre = boxes[:, :2] + boxes[:, 2:] / 2
    side = boxes[:, 2:].amax(dim=1) * scale
    return torch.cat([centre, side[:, None]], dim=1)


def to_crop(points: Tensor, crops: Tensor) -> Tensor:
    """Image points (B, N, 2) to -1..1 across crops (B, 3)."""
    return (points - crops[:, None, :2]) / (crops[:, None, 2:] / 2)


def from_crop(points: Tensor, crops: Tensor) -> Tensor:
    """The inverse of `to_crop`: (B, N, 2) in -1..1 to image points."""
    return points * (crops[:, None, 2:] / 2) + crops[:, None, :2]


def smallest_rotation(source: Tensor, target: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) that take unit vectors `source` (..., 3) to `target` by the shortest way.

    R = I + [v] + [v]^2 / (1 + c) with v = source x target, c = source . target; opposite vectors have no shortest
    way and are not supported.
    """
    v = torch.linalg.cross(source, target)
    c = (source * target).sum(-1)[..., None, None]
    zero = torch.zeros_like(v[..., 0])
    cross = torch.stack(
        [zero, -v[..., 2], v[..., 1], v[..., 2], zero, -v[..., 0], -v[..., 1], v[..., 0], zero], dim=-1
    ).reshape(*v.shape[:-1], 3, 3)
    eye = torch.eye(3, dtype=v.dtype, device=v.device)
    return eye + cross + cross @ cross / (1 + c).clamp(min=1e-6)
