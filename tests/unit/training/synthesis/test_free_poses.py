"""Poses that nobody recorded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.body.limits import beyond
from model.joints import SMPL_JOINT_NAMES
from training.rotations import axis_angle_to_matrix, mirror_pose
from training.synthesis.free_poses import LEFT_ARM, LEGS, RIGHT_ARM, free_poses
from training.synthesis.pose_variety import PoseVariety, vary


@pytest.fixture(scope="module")
def poses() -> torch.Tensor:
    return free_poses(2000, torch.Generator().manual_seed(0))


def test_knees_and_elbows_bend_as_hinges_do(poses):
    off = np.degrees(np.abs(beyond(axis_angle_to_matrix(poses).numpy())))
    assert off.max() < 1


def test_trunks_are_mostly_upright_and_also_bent_over_lying_and_upside_down(poses):
    up = axis_angle_to_matrix(poses[:, 0])[:, 2, 1]  # the world's z of the pelvis' y
    assert ((up > 0.7).float().mean() - 0.55).abs() < 0.1
    for low, high, least in ((-0.3, 0.3, 0.2), (-1.0, -0.8, 0.03)):
        assert ((up > low) & (up < high)).float().mean() > least
    ahead = axis_angle_to_matrix(poses[:, 0])[:, :2, 2]
    assert torch.nn.functional.normalize(ahead, dim=1).mean(dim=0).norm() < 0.1  # no side is preferred


def test_many_have_legs_or_arms_alike_and_many_have_not(poses):
    off = (mirror_pose(poses) - poses).norm(dim=-1)
    for joint, share in ((SMPL_JOINT_NAMES.index("left_knee"), 0.45), (SMPL_JOINT_NAMES.index("left_elbow"), 0.35)):
        assert ((off[:, joint] < 1e-4).float().mean() - share).abs() < 0.05


def test_there_are_people_who_sit_cross_legged_squat_and_kneel(poses):
    """Thighs level and shins under them: the archive of motion capture hardly has them."""
    turns = axis_angle_to_matrix(poses)
    thigh, shin = [], []
    for hip, knee in ((1, 4), (2, 5)):
        thigh.append(-turns[:, hip, :, 1])
        shin.append(-(turns[:, hip] @ turns[:, knee])[:, :, 1])
    ahead = (thigh[0][:, 2] > 0.5) & (thigh[1][:, 2] > 0.5)  # of a pelvis that faces z
    crossed = ahead & (thigh[0][:, 0] > 0.3) & (thigh[1][:, 0] < -0.3) & (shin[0][:, 0] < 0) & (shin[1][:, 0] > 0)
    kneeling = ahead & (shin[0][:, 2] < -0.5) & (shin[1][:, 2] < -0.5)
    assert crossed.sum() >= 10 and kneeling.sum() >= 10


def test_the_same_generator_draws_the_same(poses):
    assert torch.equal(poses, free_poses(2000, torch.Generator().manual_seed(0)))


def test_pre_training_strays_to_them_as_often_as_it_is_told():
    pose = torch.zeros(1000, 52, 3)
    still = {"legs": 0.0, "arm": 0.0, "straight": 0.0, "turn": 0.0}
    assert torch.equal(vary(pose, pose, PoseVariety(**still), torch.Generator().manual_seed(1)), pose)
    freed = vary(pose, pose, PoseVariety(free=0.1, **still), torch.Generator().manual_seed(1))
    moved = (freed != 0).any(dim=-1)
    assert not moved[:, 22:].any()  # fingers stay
    assert (moved[:, 0].float().mean() - 0.1).abs() < 0.03
    for limb in (LEGS[:2], LEFT_ARM[1:2], RIGHT_ARM[1:2]):
        assert (moved[:, limb].all(dim=1).float().mean() - 0.19).abs() < 0.04  # by itself, or with all
