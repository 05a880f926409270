"""Cameras: virtual ones for pre-training, weak perspective, and the way from crop to image coordinates.

Camera frame: x right, y down, z forward, metres. World frame of the MoCap: z up.
"""

from __future__ import annotations

import torch
from torch import Tensor


def project_weak_perspective(points: Tensor, camera: Tensor) -> Tensor:
    """Weak perspective: s * (x, y) + (tx, ty).

    Args:
        points: (B, N, 3) metres, camera frame; camera: (B, 3) s, tx, ty.

    Returns:
        (B, N, 2) in -1..1 across the crop.
    """
    return camera[:, None, :1] * points[..., :2] + camera[:, None, 1:]


def fit_weak_perspective(points: Tensor, points_2d: Tensor) -> Tensor:
    """The weak-perspective camera (3,) that projects points (N, 3) nearest to points_2d (N, 2), by least squares."""
    x, u = points[:, :2], points_2d
    x_mean, u_mean = x.mean(dim=0), u.mean(dim=0)
    spread = (x - x_mean).square().sum().clamp(min=1e-9)
    scale = ((x - x_mean) * (u - u_mean)).sum() / spread
    return torch.cat([scale[None], u_mean - scale * x_mean])


def square_crop(boxes: Tensor, scale: float | Tensor = 1.25) -> Tensor:
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


def solve_translation(points: Tensor, points_2d: Tensor, weight: Tensor, focal_length: float) -> Tensor:
    """The translation that puts 3D points over their image points under full perspective, by least squares.

    From u = f (X + tx) / (Z + tz) follows f tx - u tz = u Z - f X (and likewise for v): linear in t.

    Args:
        points: (N, 3) metres, camera frame; points_2d: (N, 2) pixels relative to the principal point;
        weight: (N,) confidence; focal_length: pixels.

    Returns:
        (3,) metres. Degenerate input (all points on one spot) gives a finite, far away answer.
    """
    x, z = points[:, :2], points[:, 2:]
    eye = torch.eye(2, dtype=points.dtype, device=points.device).expand(len(points), 2, 2)
    rows = torch.cat([focal_length * eye, -points_2d[..., None]], dim=2)  # (N, 2, 3)
    right = points_2d * z - focal_length * x  # (N, 2)
    root = weight.clamp(min=0).sqrt()[:, None]
    a = (rows * root[..., None]).reshape(-1, 3)
    b = (right * root).reshape(-1, 1)
    # Scaled to unit columns: focal lengths and pixels differ by orders of magnitude, and float32 would feel it.
    scale = a.norm(dim=0).clamp(min=1e-9)
    a = a / scale
    normal = a.T @ a + 1e-9 * torch.eye(3, dtype=a.dtype, device=a.device)
    return (torch.linalg.solve(normal, a.T @ b)[:, 0]) / scale


def ray_rotation(point: Tensor, focal_length: float) -> Tensor:
    """The smallest rotation that takes the optical axis to the ray through an image point.

    A network that sees only a crop answers as if the crop lay on the optical axis; this turns its answer into the
    camera's frame.

    Args:
        point: (2,) pixels relative to the principal point.

    Returns:
        (3, 3).
    """
    ray = torch.cat([point / focal_length, torch.ones_like(point[:1])])
    ray = ray / ray.norm()
    return smallest_rotation(torch.tensor([0.0, 0.0, 1.0], dtype=ray.dtype, device=ray.device), ray)


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
