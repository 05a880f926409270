"""Virtual cameras that see posed bodies from all sides, as pre-training draws them."""

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
