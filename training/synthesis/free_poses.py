"""Poses that nobody recorded: limbs anywhere that joints allow, trunks upright, bent over, lying, upside down.

Motion capture walks, jumps and dances. People in photos also sit on the floor, kneel, stretch, climb and lie, and how
well a pose is answered follows from how near the nearest one is that was trained on. Angles are drawn joint by joint,
within about what people can do, so that limbs may run through one another.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from model.joints import JOINTS
from training.rotations import axis_angle_to_matrix, matrix_to_axis_angle, mirror_pose

_HIP, _KNEE, _ANKLE = 1, 4, 7  # of the left leg
_SPINE, _NECK, _HEAD = (3, 6, 9), 12, 15
_COLLAR, _SHOULDER, _ELBOW, _WRIST = 13, 16, 18, 20  # of the left arm
LEGS, LEFT_ARM, RIGHT_ARM = [1, 2, 4, 5, 7, 8, 10, 11], [13, 16, 18, 20], [14, 17, 19, 21]
"""SMPL's joints of the limbs."""
_RIGHT_LEG = [2, 5, 8, 11]

_TRUNKS = (
    (0.50, 0, 15, 0, 8),  # upright
    (0.20, 65, 28, 0, 10),  # bent over
    (0.08, -90, 20, 0, 10),  # on the back
    (0.08, 90, 20, 0, 10),  # on the belly
    (0.08, 0, 20, 90, 20),  # on a side; all are mirrored half of the time
    (0.06, 180, 30, 0, 10),  # upside down
)
"""Share, pitch ahead and its deviation, lean to the side and its deviation, degrees."""
_ALIKE_LEGS, _ALIKE_ARMS = 0.45, 0.35
"""Shares of the poses whose right limb mirrors the left one, but for `_UNLIKE`: people sit, squat and stretch so."""
_UNLIKE = 8.0  # degrees
_STRAIGHT = 0.25
"""Share of the knees and elbows that are nearly straight."""
_TRIES = 6  # directions drawn for an upper arm, of which the first that a shoulder allows counts


def free_poses(count: int, generator: torch.Generator) -> Tensor:
    """Draws poses: (count, 22, 3) axis-angle relative to the parent's, SMPL's order, the root in a world with z up.

    Args:
        count: how many.
        generator: draws everything, on its device.
    """
    on = {"generator": generator, "device": generator.device}
    rand, randn = partial(torch.rand, count, **on), partial(torch.randn, count, **on)
    pose = torch.zeros(count, JOINTS, 3, device=generator.device)
    pose[:, 0] = _root(generator, count)
    bend = torch.stack([10 + 20 * randn(), 14 * randn(), 10 * randn()], dim=-1) / len(_SPINE)  # ahead, turn, lean
    for joint in _SPINE:
        pose[:, joint] = _radians(bend + 2 * randn(3))
    for joint in (_NECK, _HEAD):
        pose[:, joint] = _radians(randn(3) * randn(3).new_tensor([12.0, 14.0, 7.0]))
    other = _limbs(generator, count)
    own = _limbs(generator, count)
    pose = pose + own
    right = mirror_pose(torch.where(_either(rand(), _ALIKE_LEGS), own, other))
    pose[:, _RIGHT_LEG] = right[:, _RIGHT_LEG]
    right = mirror_pose(torch.where(_either(rand(), _ALIKE_ARMS), own, other))
    pose[:, RIGHT_ARM] = right[:, RIGHT_ARM]
    pose[:, [_RIGHT_LEG[0], RIGHT_ARM[1]]] += _radians(_UNLIKE * randn(2, 3))
    return pose


def _limbs(generator: torch.Generator, count: int) -> Tensor:
    """(count, 22, 3) with left limbs drawn, all else zero."""
    on = {"generator": generator, "device": generator.device}
    rand, randn = partial(torch.rand, count, **on), partial(torch.randn, count, **on)
    pose = torch.zeros(count, JOINTS, 3, device=generator.device)

    # A thigh goes ahead by -25 to 135 degrees and aside by -12 to 60, farther aside where it is ahead, and turns out
    # with that, as in sitting cross-legged.
    ahead = -25 + 160 * rand()
    ahead = torch.where(rand() < _STRAIGHT, 8 * randn(), ahead)
    aside = -12 + (32 + 40 * (ahead / 90).clamp(0, 1)) * rand() ** 1.3
    out = (aside * rand() + 14 * randn()).clamp(-40, 60)
    hip = _about(0, -ahead) @ _about(2, aside) @ _about(1, out)
    pose[:, _HIP] = matrix_to_axis_angle(hip)
    knee = torch.where(rand() < _STRAIGHT, 6 * randn().abs(), 150 * rand())
    pose[:, _KNEE, 0] = _radians(knee)
    # Who kneels on a shin has the foot stretched.
    toes_down = torch.where((knee > 70) & (rand() < 0.6), 25 + 35 * rand(), 5 + 16 * randn())
    pose[:, _ANKLE] = _radians(torch.stack([toes_down, 8 * randn(), 8 * randn()], dim=-1))

    drawn = torch.nn.functional.normalize(randn(_TRIES, 3) - randn(3).new_tensor([0.0, 0.5, -0.4]), dim=-1)
    # Shoulders reach neither far behind the back nor far across the chest.
    fits = (drawn[..., 2] > -0.75) & (drawn[..., 0] > -0.55) & ~((drawn[..., 2] < -0.3) & (drawn[..., 0] < 0.1))
    first = fits.float().argmax(dim=1)  # (count,), the first try if none fits
    way = drawn[torch.arange(count, device=drawn.device), first]
    pose[:, _SHOULDER] = matrix_to_axis_angle(_swing(way) @ _about(0, 40 * randn()))
    elbow = torch.where(rand() < _STRAIGHT, 6 * randn().abs(), 145 * rand())
    # Elbows bend towards 30 degrees above straight ahead of an arm that is held out, as `model.body.limits` has it.
    axis = randn(3).new_tensor([0.0, -math.cos(math.pi / 6), math.sin(math.pi / 6)])
    pose[:, _ELBOW] = _radians(elbow)[:, None] * axis
    pose[:, _COLLAR, 2] = _radians(12 * way[:, 1].clamp(min=0) + 4 * randn())
    pose[:, _WRIST] = _radians(12 * randn(3))
    return pose


def _root(generator: torch.Generator, count: int) -> Tensor:
    """(count, 3) the pelvis' rotation in the world."""
    on = {"generator": generator, "device": generator.device}
    rand, randn = partial(torch.rand, count, **on), partial(torch.randn, count, **on)
    table = torch.tensor(_TRUNKS, device=generator.device)
    which = torch.multinomial(table[:, 0], count, replacement=True, generator=generator)
    _, pitch, pitch_off, lean, lean_off = table[which].unbind(dim=-1)
    pitch, lean, turn = pitch + pitch_off * randn(), lean + lean_off * randn(), 360 * rand()
    upright = _about(0, torch.full_like(pitch, 90))  # from y up to z up
    return matrix_to_axis_angle(upright @ _about(1, turn) @ _about(0, pitch) @ _about(2, lean))


def _about(axis: int, degrees: Tensor) -> Tensor:
    """(B, 3, 3) turns about a coordinate axis by (B,) degrees."""
    vector = degrees.new_zeros(len(degrees), 3)
    vector[:, axis] = _radians(degrees)
    return axis_angle_to_matrix(vector)


def _swing(way: Tensor) -> Tensor:
    """(B, 3, 3) the least turns that take x to the unit vectors (B, 3)."""
    axis = torch.stack([torch.zeros_like(way[:, 0]), -way[:, 2], way[:, 1]], dim=-1)  # x cross way
    sine = axis.norm(dim=-1, keepdim=True)
    angle = torch.atan2(sine, way[:, :1])
    return axis_angle_to_matrix(axis / sine.clamp(min=1e-6) * angle)


def _either(drawn: Tensor, share: float) -> Tensor:
    return (drawn < share)[:, None, None]


def _radians(degrees: Tensor) -> Tensor:
    return degrees * (math.pi / 180)
