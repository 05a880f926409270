"""The mesh's attention to joints: what the network really mixes by, whatever its layout."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from model.errors import BadInput
from model.network import layers
from model.network.attention_maps import vertex_attention
from model.network.build import build_network
from model.network.heatmaps import draw_heatmaps
from model.network.sizes import TransformerSize, tiny
from model.network.topology import MeshTopology

JOINTS = 17
WITHOUT_DECODER = dataclasses.replace(tiny(), decoder=None, memory=None, encoder=((64, 2), (32, 1)))


@pytest.mark.parametrize("size", [tiny(), WITHOUT_DECODER], ids=["decoder", "paper"])
def test_it_is_what_the_last_layer_mixes_by(size: TransformerSize, topology: MeshTopology, monkeypatch):
    torch.manual_seed(0)
    model = build_network(size, topology).eval()
    heatmaps = draw_heatmaps(20 + 180 * torch.rand(2, JOINTS, 2), size.heatmap_size)
    mixed: list[torch.Tensor] = []

    def spy(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        # Values that are one-hot come out of the attention as its weights.
        one_hot = torch.eye(key.shape[2]).expand(*key.shape[:2], -1, -1)
        mixed.append(attend(query, key, one_hot).mean(dim=1))
        return attend(query, key, value)

    attend = layers.attend
    monkeypatch.setattr(layers, "attend", spy)
    with torch.inference_mode():
        model(heatmaps)
    count = topology.coarse_count
    last = mixed[-1] if size.decoder else mixed[-1][:, JOINTS : JOINTS + count, :JOINTS]
    found = vertex_attention(model, heatmaps)
    assert found.shape == (2, count, JOINTS)
    torch.testing.assert_close(found, last / last.sum(dim=-1, keepdim=True))
    torch.testing.assert_close(found.sum(dim=-1), torch.ones(2, count))
    assert not any(module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("changes", [{"encoder": ()}, {"decoder": None, "rank": 4}], ids=["lift", "low rank"])
def test_without_vertex_queries_there_is_nothing_to_see(changes: dict[str, Any], topology: MeshTopology):
    network = build_network(dataclasses.replace(tiny(), **changes), topology)
    with pytest.raises(BadInput, match="tiny has no vertices that attend"):
        vertex_attention(network, torch.zeros(1, JOINTS, 56, 56))
