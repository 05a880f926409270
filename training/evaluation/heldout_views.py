"""What MoCap evaluation shows a network: posed bodies before fixed random cameras, and heatmaps in four conditions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.network.heatmaps import CROP_SIZE, draw_heatmaps
from model.network.projection import square_crop, to_crop
from training.bodies.protocol import BodyModel
from training.bodies.subject import Subject
from training.rotations import axis_angle_to_matrix
from training.synthesis.corruption import HeatmapCorruption, corrupt_and_draw, mask_heatmaps
from training.synthesis.true_joints import TrueJoints
from training.synthesis.viewing import VIEWING
from training.synthesis.virtual_cameras import VirtualCameras

SEED = 2023
"""Draws the bodies, the cameras and the noise of every evaluation."""
BATCH = 32
"""Poses that are worked on at once. The draws depend on it, as they do on the order of the poses."""


def noise_of(subject: Subject) -> HeatmapCorruption:
    """The corruption that training uses, on every sample."""
    return dataclasses.replace(VIEWING[subject.name].corruption, clean=0.0)


@dataclass(frozen=True)
class Views:
    """Posed bodies in the axes of their cameras, metres, the root at the origin."""

    subject: Subject

    number: Tensor
    """(B,) int64: which of the evaluated poses these are."""
    vertices: Tensor
    """(B, V, 3) the full mesh."""
    joints: Tensor
    """(B, K, 3) regressed from it by the body's own G."""
    cameras: VirtualCameras
    crop: Tensor
    """(B, 3) centre and side, on the image plane at unit distance, of the crop that a perfect detector would give."""
    joints_2d: Tensor
    """(B, K, 2) the projected joints in crop pixels."""


def posed_views(body: BodyModel, poses: Tensor, number: Tensor, generator: torch.Generator) -> Views:
    """One random body and camera for each pose.

    Crop and joints are those of the full mesh, so that they do not depend on a checkpoint's coarse vertices.

    Args:
        poses: (B, J, 3) axis-angle.
        number: (B,) see `Views`.
        generator: on the CPU, as the poses are.
    """
    shapes = body.sample_shapes(len(poses), generator)
    world = body.pose(axis_angle_to_matrix(poses), shapes)
    vertices, joints = centred(world, torch.from_numpy(body.joint_regressor), body.subject.root_joints)
    cameras = VIEWING[body.subject.name].cameras(joints, generator)
    vertices, joints = cameras.to_camera(vertices), cameras.to_camera(joints)
    outline = cameras.project(vertices)  # (B, V, 2)
    low, high = outline.amin(dim=1), outline.amax(dim=1)
    crop = square_crop(torch.cat([low, high - low], dim=1))
    joints_2d = (to_crop(cameras.project(joints), crop) + 1) * (CROP_SIZE / 2)
    return Views(body.subject, number, vertices, joints, cameras, crop, joints_2d)


def centred(vertices: Tensor, regressor: Tensor, root_joints: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Moves meshes (B, V, 3) to the mean of their root joints; returns their joints (B, K, 3) too."""
    joints = regressor @ vertices
    root = joints[:, list(root_joints)].mean(dim=1, keepdim=True)
    return vertices - root, joints - root


def fixed_views(body: BodyModel, poses: Tensor) -> Iterator[Views]:
    """Views of all poses (N, J, 3) in order, the same at every call."""
    generator = torch.Generator().manual_seed(SEED)
    for number in torch.arange(len(poses)).split(BATCH):
        yield posed_views(body, poses[number], number, generator)


Condition = Callable[[Views, int], Tensor]
"""Heatmaps (B, K, S, S) of views, S cells on a side."""


def clean(views: Views, size: int) -> Tensor:
    """Heatmaps by Eq. 1."""
    return draw_heatmaps(views.joints_2d, size)


def three_hidden(views: Views, size: int) -> Tensor:
    """Hides three joints of each pose, in turn from pose to pose."""
    joints = views.joints_2d.shape[1]
    which = (views.number[:, None] * 3 + torch.tensor([0, 6, 12])) % joints
    hidden = torch.zeros(len(which), joints, dtype=torch.bool).scatter_(1, which, True)
    return mask_heatmaps(clean(views, size), hidden)


def legs_hidden(views: Views, size: int) -> Tensor:
    """Hides knees and ankles, the last four of COCO's joints."""
    hidden = torch.zeros(views.joints_2d.shape[:2], dtype=torch.bool)
    hidden[:, 13:] = True
    return mask_heatmaps(clean(views, size), hidden)


def noisy(views: Views, size: int) -> Tensor:
    """Heatmaps as a 2D network might answer: jittered, misplaced, exchanged, false, weak and missing peaks, noise."""
    generator = torch.Generator().manual_seed(SEED + 1 + int(views.number[0]))
    inside = views.joints_2d.clamp(0, CROP_SIZE)
    joints = TrueJoints(views.joints_2d, (views.joints_2d == inside).all(dim=-1), inside)
    return corrupt_and_draw(joints, views.subject, noise_of(views.subject), size, generator).maps


def finger_hidden(views: Views, size: int) -> Tensor:
    """Hides one finger of each hand, in turn from pose to pose."""
    parts = torch.tensor(views.subject.parts[: views.joints_2d.shape[1]])
    hidden = parts == 1 + views.number[:, None] % max(views.subject.parts)
    return mask_heatmaps(clean(views, size), hidden)


def conditions(subject: Subject) -> dict[str, Condition]:
    """Under which a subject is evaluated, by name."""
    hidden = {"a finger hidden": finger_hidden} if subject.name == "hand" else {"knees and ankles hidden": legs_hidden}
    return {"clean heatmaps": clean, "three joints hidden": three_hidden, **hidden, "noisy heatmaps": noisy}
