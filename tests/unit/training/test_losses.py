"""Eq. 2 to 6 with numbers worked by hand."""

from __future__ import annotations

import pytest
import torch

from training.losses import (
    MeshTruth,
    edge_loss,
    joint_loss,
    mpt_loss,
    projection_loss,
    regressed_joint_loss,
    vertex_loss,
)


def test_vertex_loss_by_hand() -> None:
    # |(1, 0, 0)|_1 = 1 and |(0, -2, 3)|_1 = 5: the mean over two vertices is 3 (Eq. 2).
    predicted = torch.tensor([[[1.0, 0, 0], [0, -2.0, 3.0]]])
    assert vertex_loss(predicted, torch.zeros(1, 2, 3)).item() == pytest.approx(3.0)


def test_regressed_joints_come_from_the_vertices() -> None:
    vertices = torch.tensor([[[0.0, 0, 0], [2.0, 0, 0]]])
    regressor = torch.tensor([[0.5, 0.5]])
    truth = torch.tensor([[[1.0, 0.5, 0]]])
    assert regressed_joint_loss(vertices, regressor, truth).item() == pytest.approx(0.5)


def test_projection_loss_by_hand() -> None:
    # s (x, y) + t = 2 (0.1, 0.2) + (0.1, -0.1) = (0.3, 0.3), 0.3 + 0.1 away from (0, 0.2) in L1 (Eq. 5).
    loss = projection_loss(
        torch.tensor([[[0.1, 0.2, 9.0]]]), torch.tensor([[2.0, 0.1, -0.1]]), torch.tensor([[[0.0, 0.2]]])
    )
    assert loss.item() == pytest.approx(0.4)


def test_edge_loss_by_hand() -> None:
    # Edges of 3 and 4 metres are predicted 5 and 4 metres long: the mean difference is 1, wherever they lie.
    true = torch.tensor([[[0.0, 0, 0], [3.0, 0, 0], [3.0, 4.0, 0]]])
    predicted = torch.tensor([[[7.0, 0, 0], [7.0, 5.0, 0], [7.0, 5.0, 4.0]]])
    edges = torch.tensor([[0, 1], [1, 2]])
    assert edge_loss(predicted, true, edges).item() == pytest.approx(1.0)
    both, nothing = torch.cat([predicted, 9 * predicted]), torch.cat([true, true])
    assert edge_loss(both, nothing, edges, torch.tensor([[True], [False]])).item() == pytest.approx(1.0)


def test_masks_leave_out_what_is_not_known() -> None:
    predicted, truth = torch.ones(2, 2, 3), torch.zeros(2, 2, 3)
    predicted[0, 0] = 100.0
    valid = torch.tensor([[False, True], [True, True]])
    assert joint_loss(predicted, truth, valid).item() == pytest.approx(3.0)
    assert joint_loss(predicted, truth, torch.zeros(2, 2, dtype=torch.bool)).item() == 0.0
    whole_sample = torch.tensor([[False], [True]])
    assert joint_loss(predicted, truth, whole_sample).item() == pytest.approx(3.0)


def test_equation_6_is_the_plain_sum() -> None:
    generator = torch.Generator().manual_seed(0)
    vertices, joints = torch.rand(2, 5, 3, generator=generator), torch.rand(2, 4, 3, generator=generator)
    camera, regressor = torch.rand(2, 3, generator=generator), torch.rand(4, 5, generator=generator)
    truth = MeshTruth(torch.zeros(2, 5, 3), torch.zeros(2, 4, 3), torch.zeros(2, 4, 2))
    terms = mpt_loss(vertices, joints, camera, regressor, truth)
    parts = sum(terms[name].item() for name in ("vertices", "joints", "regressed", "projection"))
    assert terms["loss"].item() == pytest.approx(parts, rel=1e-6)
    assert set(terms) == {"loss", "vertices", "joints", "regressed", "projection"}
