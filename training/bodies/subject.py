"""What training and evaluation must know of a subject, a person's body or a hand, beside its body model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from model.joints import BODY_LANDMARKS, COCO_JOINTS, COCO_MIRROR, COCO_ROOT, HAND_JOINTS, HAND_ROOT
from training.mocap.split import CMU_HELD_OUT
from training.rotations import mirror_pose

TEST_PERSON = "drawn/test"
"""Whose hands nobody trains on."""


@dataclass(frozen=True)
class Subject:
    """One kind of thing that is reconstructed."""

    name: str
    """As checkpoints' cards have it."""
    backbone: str
    """The 2D network whose heatmaps a pre-trained network is meant for."""
    joint_names: tuple[str, ...]
    """The K joints that are evaluated and have heatmaps."""
    root_joints: tuple[int, ...]
    """The origin is the mean of these."""
    joints_said: str
    """What reports call the joints."""
    root_said: str
    """What reports call the root."""
    confused: tuple[int, ...]
    """(K + L,) for each joint, and then each landmark, the one that a 2D network takes for it most easily."""
    parts: tuple[int, ...]
    """(K + L,) the part, a limb or a finger, that each joint and landmark belongs to."""
    coarse_vertices: int
    mirrored: Callable[[Tensor], Tensor] | None
    """Poses (B, J, 3), axis-angle, to their mirror images; None where those are another body's poses."""
    held_out: tuple[str, ...]
    """People whose poses are for the test."""

    def mirrored_half(self, poses: Tensor, generator: torch.Generator) -> Tensor:
        """Poses (B, J, 3) of which a random half is mirrored, where mirror images are poses of the same body."""
        if self.mirrored is None:
            return poses
        flip = torch.rand(len(poses), 1, 1, generator=generator, device=poses.device) < 0.5
        return torch.where(flip, self.mirrored(poses), poses)


_FIRST = len(COCO_JOINTS)  # the first landmark's index

BODY = Subject(
    name="body",
    backbone="movenet-thunder",
    joint_names=COCO_JOINTS,
    root_joints=COCO_ROOT,
    joints_said="COCO's 17",
    root_said="the middle of the hips",
    confused=(*COCO_MIRROR, *(_FIRST + (landmark ^ 1) for landmark in range(len(BODY_LANDMARKS)))),
    parts=(0, 0, 0, 0, 0, 1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4, 1, 2, 1, 2, 1, 2, 3, 4, 3, 4),
    coarse_vertices=431,
    mirrored=mirror_pose,
    held_out=CMU_HELD_OUT,
)

_FINGERS = tuple((joint + 3) // 4 for joint in range(21))  # the wrist is 0, the thumb 1
_NEXT_FINGER = (0, 1, 2, 3, 4, 9, 10, 11, 12, 5, 6, 7, 8, 17, 18, 19, 20, 13, 14, 15, 16)

HAND = Subject(
    name="hand",
    backbone="handlandmark-full",
    joint_names=HAND_JOINTS,
    root_joints=HAND_ROOT,
    joints_said="the hand's 21",
    root_said="the wrist",
    confused=_NEXT_FINGER,  # index and middle finger, ring and little finger
    parts=_FINGERS,
    coarse_vertices=195,
    mirrored=None,
    held_out=(TEST_PERSON,),
)
