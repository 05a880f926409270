"""From what the network says of crops to people before the cameras of whole photos.

A network that sees only a crop answers as if the root lay on the optical axis. Here its answers are turned into the
photo's camera and put where they project onto the joints that were seen. All of it works on batches whose people may
be of different photos, and is exported together with the network.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.interfaces import CameraSpaceMeshes
from model.network.heatmaps import HeatmapReadout
from model.network.projection import from_crop, project_weak_perspective, smallest_rotation, to_crop

_EXPECTED_WEIGHT = 0.1  # of a joint's re-projection by the network, beside the squared confidence of one that was seen


def to_camera_space(
    vertices: Tensor, joints: Tensor, camera: Tensor, seen: HeatmapReadout, crops: Tensor, cameras: Tensor
) -> CameraSpaceMeshes:
    """Turns and places people before their photos' cameras.

    Args:
        vertices: (B, V, 3) metres, axes of a camera that looks at the root, which is the origin.
        joints: (B, K, 3) likewise.
        camera: (B, 3) weak perspective s, tx, ty into the crop, for those axes.
        seen: where the heatmaps peak.
        crops: (B, 3) centre x, y and side in photo pixels.
        cameras: (B, 3) focal length and principal point x, y in pixels.
    """
    focal, centre = cameras[:, :1], cameras[:, 1:]  # (B, 1), (B, 2)
    confidence = seen.peak.clamp(0, 1)  # (B, K)
    pixels = from_crop(seen.position, crops)  # (B, K, 2)
    expected = from_crop(project_weak_perspective(joints, camera), crops)  # (B, K, 2)

    root = from_crop(camera[:, None, 1:], crops)[:, 0]  # where the origin projects: pre-training's cameras look there
    turn = ray_rotation(root - centre, focal).transpose(1, 2)
    joints, vertices = joints @ turn, vertices @ turn
    # The seen joints say where the person is; the network's own re-projection stands in where none was seen.
    translation = solve_translation(
        torch.cat([joints, joints], dim=1),
        torch.cat([pixels, expected], dim=1) - centre[:, None],
        torch.cat([confidence.square(), torch.full_like(confidence, _EXPECTED_WEIGHT)], dim=1),
        focal,
    )
    placed = joints + translation[:, None]
    projected = focal[:, None] * placed[..., :2] / placed[..., 2:].clamp(min=0.1) + centre[:, None]  # (B, K, 2)
    # The network's own camera is for its own axes; this one is for the axes of the answer.
    weak = fit_weak_perspective(joints, to_crop(projected, crops))
    return CameraSpaceMeshes(vertices, joints, torch.cat([pixels, confidence[..., None]], dim=2), translation, weak)


def ray_rotation(points: Tensor, focal_length: Tensor) -> Tensor:
    """The smallest rotations (B, 3, 3) that take the optical axis to the rays through image points.

    Args:
        points: (B, 2) pixels relative to the principal point; focal_length: (B, 1) pixels.
    """
    ray = torch.cat([points / focal_length, torch.ones_like(focal_length)], dim=1)  # (B, 3)
    ray = ray / ray.square().sum(dim=1, keepdim=True).sqrt()
    axis = torch.cat([torch.zeros_like(points), torch.ones_like(focal_length)], dim=1)
    return smallest_rotation(axis, ray)


def solve_translation(points: Tensor, points_2d: Tensor, weight: Tensor, focal_length: Tensor) -> Tensor:
    """The translations (B, 3) that put 3D points over their image points under full perspective, by least squares.

    From u = f (X + tx) / (Z + tz) follows f tx - u tz = u Z - f X =: r (and likewise for v): linear in t. With means
    taken off u and r, tx and ty drop out: tz = -sum w (u - mean u)(r - mean r) / sum w (u - mean u)^2 over both axes.

    Args:
        points: (B, N, 3) metres, camera frame; points_2d: (B, N, 2) pixels relative to the principal point;
        weight: (B, N) 0 or more; focal_length: (B, 1) pixels.

    Returns:
        Metres. Degenerate input (all points on one spot, no weight) gives a finite answer.
    """
    share = weight[..., None] / weight.sum(dim=1).clamp(min=1e-9)[:, None, None]  # (B, N, 1)
    right = points_2d * points[..., 2:] - focal_length[:, None] * points[..., :2]  # (B, N, 2)
    mean_2d, mean_right = (share * points_2d).sum(dim=1), (share * right).sum(dim=1)  # (B, 2)
    off = points_2d - mean_2d[:, None]
    spread = (share * off.square()).sum(dim=(1, 2)).clamp(min=1e-6)  # (B,) square pixels
    depth = -(share * off * (right - mean_right[:, None])).sum(dim=(1, 2)) / spread
    return torch.cat([(mean_right + mean_2d * depth[:, None]) / focal_length, depth[:, None]], dim=1)


def fit_weak_perspective(points: Tensor, points_2d: Tensor) -> Tensor:
    """The weak-perspective cameras (B, 3) that project points (B, N, 3) nearest to points_2d (B, N, 2)."""
    mean, mean_2d = points[..., :2].mean(dim=1), points_2d.mean(dim=1)  # (B, 2)
    off = points[..., :2] - mean[:, None]
    spread = off.square().sum(dim=(1, 2)).clamp(min=1e-9)
    scale = ((off * (points_2d - mean_2d[:, None])).sum(dim=(1, 2)) / spread)[:, None]  # (B, 1)
    return torch.cat([scale, mean_2d - scale * mean], dim=1)
