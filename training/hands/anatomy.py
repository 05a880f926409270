"""From anatomical joint angles to the rotations of `AnnyHand`, and how far each joint turns.

Angles are measured from the straight finger in the palm's plane: flexion is positive, spreading is away from the
closed hand. Axes are in the resting hand's frame: x towards the thumb's side, y towards the middle knuckle, z out of
the palm.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from training.rotations import axis_angle_to_matrix

FINGERS = ("index", "middle", "ring", "little")
ANGLES = (
    "thumb_flexion", "thumb_abduction", "thumb_mcp", "thumb_ip",
    *(f"{finger}_{angle}" for finger in FINGERS for angle in ("mcp", "pip", "dip", "spread")),
)  # fmt: skip
"""What a pose is made of. The thumb's first two are those of its saddle joint: across the palm, and out of its plane;
mcp, pip and dip are the flexions of a finger's three joints (of the thumb's two)."""

# Degrees, active range: Kapandji, "The Physiology of the Joints"; AAOS, "Joint Motion". A spread of 1 is the widest.
_FINGER_LIMITS = ((-20.0, 90.0), (0.0, 105.0), (-3.0, 75.0), (-0.15, 1.0))
_LIMITS = ((-25.0, 40.0), (-5.0, 55.0), (-5.0, 55.0), (-12.0, 80.0), *(_FINGER_LIMITS * 4))
LOWEST, HIGHEST = np.array(_LIMITS, dtype=np.float32).T
"""(20,) degrees, but for the spreads."""

# The resting hand of `AnnyHand`, measured on its mean: the joints' flexions, and each finger's direction in the palm's
# plane, degrees from y towards x.
_REST_THUMB = (0.0, 42.0, 10.0, 13.0)
_REST_FINGERS = ((15.0, 12.9, 5.7), (18.6, 7.1, 1.1), (16.4, 9.0, 2.9), (20.7, 10.6, 2.7))
_REST_DIRECTION = (6.6, -6.2, -16.6, -23.9)
# Where they point when the fingers lie side by side, and how much further when they are spread.
_CLOSED = (-8.0, -4.0, -2.0, -1.0)
_SPREAD = (22.0, -2.0, -18.0, -34.0)
# How much of a knuckle's flexion the metacarpal adds: the palm cups towards its little finger's side.
_CUPPING = (0.0, 0.0, 0.08, 0.18)

_THUMB_AXIS = (0.12, -0.54, 0.83)
"""NetworkInfo which the thumb's joints bend; square to the nail, as on the mesh."""
_THUMB_DIRECTION = (0.65, 0.38, 0.66)
"""Of its metacarpal."""
_PRONATION = 0.5
"""The saddle joint turns the thumb's pulp towards the fingers as it comes across the palm."""


def to_rotations(angles: Tensor) -> Tensor:
    """Parent-relative rotations (B, 20, 3, 3) of `AnnyHand` for angles (B, 20) in degrees; the wrist is not turned."""
    b, device = len(angles), angles.device
    rotations = torch.eye(3, device=device).expand(b, 20, 3, 3).clone()

    def about(axis: Tensor | tuple[float, ...], degrees: Tensor) -> Tensor:
        axis = normalize(torch.as_tensor(axis, dtype=torch.float32, device=device), dim=0)
        return axis_angle_to_matrix(axis * torch.deg2rad(degrees)[:, None])

    flexion, abduction, mcp, ip = (a - rest for a, rest in zip(angles[:, :4].unbind(1), _REST_THUMB, strict=True))
    along = normalize(torch.tensor(_THUMB_DIRECTION), dim=0)
    across = torch.tensor(_THUMB_AXIS) - along * (along @ torch.tensor(_THUMB_AXIS))
    out_of_plane = torch.linalg.cross(along, across)
    turned = about(out_of_plane, abduction) @ about(tuple(across.tolist()), flexion)
    rotations[:, 1] = turned @ about(tuple(along.tolist()), -_PRONATION * flexion)
    rotations[:, 2], rotations[:, 3] = about(_THUMB_AXIS, mcp), about(_THUMB_AXIS, ip)

    for finger in range(4):
        mcp, pip, dip, spread = angles[:, 4 + 4 * finger : 8 + 4 * finger].unbind(1)
        first = 4 + 4 * finger  # its metacarpal
        rest = _REST_DIRECTION[finger]
        direction = torch.tensor([np.cos(np.deg2rad(rest)), -np.sin(np.deg2rad(rest)), 0.0], dtype=torch.float32)
        # A bent knuckle hardly spreads: its collateral ligaments are taut. It points as the closed hand's does.
        slack = (1 - mcp.clamp(min=0) / 90).clamp(0, 1)
        aside = _CLOSED[finger] + _SPREAD[finger] * spread * slack - rest
        rotations[:, first] = about(tuple(direction.tolist()), _CUPPING[finger] * mcp.clamp(min=0))
        bend = [angle - still for angle, still in zip((mcp, pip, dip), _REST_FINGERS[finger], strict=True)]
        rotations[:, first + 1] = about((0.0, 0.0, -1.0), aside) @ about(tuple(direction.tolist()), bend[0])
        rotations[:, first + 2] = about(tuple(direction.tolist()), bend[1])
        rotations[:, first + 3] = about(tuple(direction.tolist()), bend[2])
    return rotations
