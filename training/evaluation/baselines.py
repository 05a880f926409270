"""What training poses alone know: the floor that a network must beat."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

from training.bodies.protocol import BodyModel
from training.evaluation.heldout_views import BATCH, SEED, Views, centred, posed_views
from training.rotations import axis_angle_to_matrix
from training.synthesis.viewing import VIEWING

_CHUNK = 512
_SMALL_WEIGHT = 1e-4  # of G: the vertices beyond it carry the joints to a fraction of a millimetre


class Prediction(NamedTuple):
    """Answer to a batch of views, camera frame, metres."""

    vertices: Tensor
    """(B, V, 3) full mesh."""
    joints: Tensor | None
    """(B, K, 3) joints that were predicted beside the mesh."""


Predict = Callable[[Views], Prediction]


def mean_pose(body: BodyModel, poses: Tensor, count: int = 2048) -> Predict:
    """Always answers the mean of training meshes in camera axes: what a network knows that ignores its input.

    Args:
        poses: (N, J, 3) training poses, axis-angle.
        count: how many random views are averaged.
    """
    generator = torch.Generator().manual_seed(SEED)
    total = torch.zeros(body.vertex_count, 3, dtype=torch.double)
    for number in torch.randint(len(poses), (count,), generator=generator).split(BATCH):
        views = posed_views(body, body.subject.mirrored_half(poses[number], generator), number, generator)
        total += views.vertices.double().sum(dim=0)
    mean = (total / count).float()
    return lambda views: Prediction(mean.expand(len(views.number), -1, -1), None)


def nearest_pose(body: BodyModel, poses: Tensor, count: int = 65536) -> Predict:
    """Answers the training mesh whose projected joints are nearest, among random views of training poses.

    Projected joints are compared centred and scaled to one size. Only what makes a view is kept; the nearest
    ones are posed again.

    Args:
        poses: (N, J, 3) training poses, axis-angle.
        count: how many random views there are.
    """
    generator = torch.Generator().manual_seed(SEED)
    regressor, root = torch.from_numpy(body.joint_regressor), body.subject.root_joints
    kept = (regressor.abs() > _SMALL_WEIGHT).any(dim=0).nonzero()[:, 0]
    few = body.subset(kept)  # posing these is many times faster than whole meshes
    few_regressor = regressor[:, kept] / regressor[:, kept].sum(dim=1, keepdim=True)
    seen, pose, shape, turn = [], [], [], []
    for _ in tqdm(range(0, count, _CHUNK), desc="views of training poses", leave=False, delay=2):
        index = torch.randint(len(poses), (_CHUNK,), generator=generator)
        pose.append(body.subject.mirrored_half(poses[index], generator))
        shape.append(few.sample_shapes(_CHUNK, generator))
        _, joints = centred(few.pose(axis_angle_to_matrix(pose[-1]), shape[-1]), few_regressor, root)
        cameras = VIEWING[body.subject.name].cameras(joints, generator)
        seen.append(_normalised(cameras.project(cameras.to_camera(joints))))
        turn.append(cameras.rotation)
    known, poses_, shapes, turns = torch.cat(seen), torch.cat(pose), torch.cat(shape), torch.cat(turn)

    def predict(views: Views) -> Prediction:
        nearest = torch.cdist(_normalised(views.joints_2d), known).argmin(dim=1)  # (B,)
        world = body.pose(axis_angle_to_matrix(poses_[nearest]), shapes[nearest])
        return Prediction(centred(world, regressor, root)[0] @ turns[nearest].mT, None)

    return predict


def _normalised(joints: Tensor) -> Tensor:
    """Projected joints (B, K, 2) to (B, K * 2), centred and scaled to one size."""
    joints = joints - joints.mean(dim=1, keepdim=True)
    return (joints / joints.flatten(1).norm(dim=1)[:, None, None]).flatten(1)
