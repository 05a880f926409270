"""Cameras: virtual ones for pre-training, weak perspective, and the way from crop to image coordinates.

Camera frame: x right, y down, z forward, metres. World frame of the MoCap: z up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class VirtualCameras:
    """A batch of pinhole cameras that look at the pelvis.

    A crop around the person cancels the focal length: only the direction and the distance shape what is seen, so
    these two are all that a virtual camera has, and the image plane is at unit distance.
    """

    rotation: Tensor
    """(B, 3, 3) world to camera."""
    distance: Tensor
    """(B,) metres from the camera to the pelvis."""

    def to_camera(self, points: Tensor) -> Tensor:
        """Turns pelvis-centred world points (B, N, 3) into the camera's axes, still pelvis-centred."""
        return points @ self.rotation.transpose(1, 2)

    def project(self, points: Tensor) -> Tensor:
        """Projects pelvis-centred points in the camera's axes (B, N, 3) to the image plane at z = 1: (B, N, 2)."""
        depth = (points[..., 2:] + self.distance[:, None, None]).clamp(min=0.1)
        return points[..., :2] / depth

    def rolled(self, angle: Tensor) -> VirtualCameras:
        """The same cameras, turned about their optical axes so that pictures turn clockwise by (B,) radians."""
        return VirtualCameras(roll_matrix(angle) @ self.rotation, self.distance)


def roll_matrix(angle: Tensor) -> Tensor:
    """Turns about the optical axis: (B,) radians to (B, 3, 3); x turns towards y, which points down."""
    zero, one, c, s = torch.zeros_like(angle), torch.ones_like(angle), angle.cos(), angle.sin()
    return torch.stack([c, -s, zero, s, c, zero, zero, zero, one], dim=-1).reshape(-1, 3, 3)


def look_at(yaw: Tensor, elevation: Tensor, roll: Tensor) -> Tensor:
    """World (z up) to camera rotations for cameras that orbit the origin.

    Args:
        yaw: (B,) radians about the world's z; elevation: (B,) radians above the horizon, the camera looks down when
            positive; roll: (B,) radians about the optical axis.

    Returns:
        (B, 3, 3); at zero the camera looks along the world's +y with the world's +x to its right.
    """
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)

    def matrix(*rows: Tensor) -> Tensor:
        return torch.stack(rows, dim=-1).reshape(-1, 3, 3)

    turn = matrix(yaw.cos(), yaw.sin(), zero, -yaw.sin(), yaw.cos(), zero, zero, zero, one)
    axes = matrix(one, zero, zero, zero, zero, -one, zero, one, zero)
    c, s = elevation.cos(), elevation.sin()
    tilt = matrix(one, zero, zero, zero, c, -s, zero, s, c)
    return roll_matrix(roll) @ tilt @ axes @ turn


def sample_cameras(
    count: int,
    generator: torch.Generator,
    views: int | None = None,
    anywhere: float = 0.0,
    distance: tuple[float, float] = (1.8, 12.0),
) -> VirtualCameras:
    """Draws virtual cameras on the generator's device.

    Args:
        count: how many.
        views: None: random yaw, elevation -15 to 40 degrees, roll of a few degrees, as people hold cameras;
            or the number of fixed cameras that stand evenly around the body, above head height: section 3.1
            has four.
        anywhere: share of the random cameras that look from anywhere, any way up: so people who lie, hang or tumble
            are seen too, whom motion capture hardly has.
        distance: range of the random cameras' distance, metres.
    """
    device = generator.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator, device=device)

    if views is None:
        yaw = uniform(-math.pi, math.pi)
        # Most photos are taken near eye level: the mean of two draws favours the middle of the range.
        elevation = (uniform(-15, 40) + uniform(-15, 25)) * (0.5 * math.pi / 180)
        roll = torch.randn(count, generator=generator, device=device).clamp(-2.5, 2.5) * math.radians(5)
        away = uniform(math.log(distance[0]), math.log(distance[1])).exp()
        if anywhere:
            free = uniform(0, 1) < anywhere
            elevation = torch.where(free, uniform(-1, 1).asin(), elevation)
            roll = torch.where(free, uniform(-math.pi, math.pi), roll)
    else:
        which = torch.randint(views, (count,), generator=generator, device=device)
        yaw = (which + 0.5) * (2 * math.pi / views)
        elevation = torch.full_like(yaw, math.radians(30))
        roll, away = torch.zeros_like(yaw), torch.full_like(yaw, 5.0)
    return VirtualCameras(look_at(yaw, elevation, roll), away)


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
