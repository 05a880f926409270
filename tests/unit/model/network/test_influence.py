"""Joints' influence on vertices: whatever the network, what moves when a heatmap is hidden."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.network.build import build_network
from model.network.heatmaps import draw_heatmaps
from model.network.influence import joint_influence
from model.network.lifting import MeshPrediction
from model.network.sizes import tiny
from model.network.topology import MeshTopology

JOINTS = 17


class Copies(nn.Module):
    """Vertices at the first map's sum, at that plus three times the third's, and where nothing moves them."""

    def forward(self, heatmaps: Tensor) -> MeshPrediction:
        first, third = heatmaps[:, 0].sum(dim=(1, 2)), heatmaps[:, 2].sum(dim=(1, 2))
        x = torch.stack([first, first + 3 * third, torch.zeros_like(first)], dim=1)
        vertices = torch.stack([x, torch.zeros_like(x), torch.zeros_like(x)], dim=2)
        return MeshPrediction(vertices, vertices, vertices[:, 0])


def test_shares_are_those_of_the_distances_moved():
    heatmaps = torch.ones(1, 4, 2, 2)  # three joints and a landmark, which is left alone
    (shares,) = joint_influence(Copies(), heatmaps, joints=3)  # type: ignore[arg-type]
    torch.testing.assert_close(shares, torch.tensor([[1.0, 0, 0], [0.25, 0, 0.75], [0, 0, 0]]))
    assert (heatmaps == 1).all()


def test_of_a_network_all_shares_add_up(topology: MeshTopology):
    torch.manual_seed(0)
    network = build_network(tiny(), topology).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    heatmaps = draw_heatmaps(20 + 180 * torch.rand(2, JOINTS, 2), 56)
    found = joint_influence(network, heatmaps, JOINTS)
    assert found.shape == (2, topology.coarse_count, JOINTS)
    torch.testing.assert_close(found.sum(dim=-1), torch.ones(2, topology.coarse_count))
