"""What training and evaluation must know of a subject, a person's body or a hand, beside its body model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from model.joints import COCO_JOINTS, COCO_MIRROR, COCO_ROOT, HAND_JOINTS, HAND_ROOT
from training.mocap.split import CMU_HELD_OUT
from training.rotations import mirror_pose
from training.synthesis.corruption import HeatmapCorruption
from training.synthesis.virtual_cameras import VirtualCameras, sample_cameras

TEST_PERSON = "drawn/test"
"""Whose hands nobody trains on."""

_ROLL = 0.2  # radians: how upright crops are, a standard deviation


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
    """What reports call the joints,"""
    root_said: str
    """and the root."""
    confused: tuple[int, ...]
    """(K,) for each joint the one that a 2D network takes for it most easily."""
    parts: tuple[int, ...]
    """(K,) the part, a limb or a finger, that each joint belongs to."""
    corruption: HeatmapCorruption
    """How the 2D network's heatmaps stray from Eq. 1."""
    coarse_vertices: int
    mirrored: Callable[[Tensor], Tensor] | None
    """Poses (B, J, 3), axis-angle, to their mirror images; None where those are another body's poses."""
    held_out: tuple[str, ...]
    """People whose poses are for the test."""
    distance: tuple[float, float]
    """Range of the camera's distance, metres."""
    anywhere: float
    """Least share of cameras that look from anywhere, any way up."""
    upright: tuple[int, int] | None = None
    """Crops are turned so that the second of these joints is above the first, if the 2D network's are."""

    def mirrored_half(self, poses: Tensor, generator: torch.Generator) -> Tensor:
        """Poses (B, J, 3) of which a random half is mirrored, where mirror images are poses of the same body."""
        if self.mirrored is None:
            return poses
        flip = torch.rand(len(poses), 1, 1, generator=generator, device=poses.device) < 0.5
        return torch.where(flip, self.mirrored(poses), poses)

    def cameras(
        self, joints: Tensor, generator: torch.Generator, views: int | None = None, anywhere: float = 0.0
    ) -> VirtualCameras:
        """Cameras before the joints (B, K, 3), world frame, root at the origin; see `sample_cameras`."""
        cameras = sample_cameras(len(joints), generator, views, max(anywhere, self.anywhere), self.distance)
        if self.upright is None:
            return cameras
        seen = cameras.project(cameras.to_camera(joints))
        below, above = (seen[:, joint] for joint in self.upright)
        x, y = (above - below).unbind(dim=-1)
        off = torch.randn(len(joints), generator=generator, device=joints.device) * _ROLL
        return cameras.rolled(off - torch.atan2(x, -y))


BODY = Subject(
    name="body",
    backbone="movenet-thunder",
    joint_names=COCO_JOINTS,
    root_joints=COCO_ROOT,
    joints_said="COCO's 17",
    root_said="the middle of the hips",
    confused=COCO_MIRROR,
    parts=(0, 0, 0, 0, 0, 1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4),
    corruption=HeatmapCorruption(),
    coarse_vertices=431,
    mirrored=mirror_pose,
    held_out=CMU_HELD_OUT,
    distance=(1.8, 12.0),
    anywhere=0.0,
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
    # Points that are regressed: peaks all alike, never two a joint, at times wrong about a whole finger.
    corruption=HeatmapCorruption(
        jitter=3.5,
        part_jitter=4.0,
        outliers=0.05,
        sigma=(2.8, 3.2),
        height=(0.95, 0.05),
        false_peaks=0.0,
        exchanged=0.01,
        exchanged_parts=0.02,
        noise=0.0,
        imagined=1.0,
        masked=0.2,
    ),
    coarse_vertices=195,
    mirrored=None,
    held_out=(TEST_PERSON,),
    distance=(0.25, 3.0),
    anywhere=1.0,
    upright=(0, 9),
)
