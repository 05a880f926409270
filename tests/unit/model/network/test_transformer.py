"""The network: every named size, the paper's layout, budgets and masks."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from model.network.build import build_network
from model.network.heatmaps import draw_heatmaps
from model.network.mesh_heads import MeshBasis
from model.network.sizes import TransformerSize, base, lift_of
from model.network.tokenizer import HeatmapTokenizer
from model.network.topology import MeshTopology
from training.losses import MeshTruth, mpt_loss
from training.variants import SIZES, VariantSize, build_variant


def _heatmaps(batch: int, size: int) -> torch.Tensor:
    joints = 30 + 160 * torch.rand(batch, 17, 2, generator=torch.Generator().manual_seed(0))
    return draw_heatmaps(joints, size, 5.0)


@pytest.mark.parametrize("name", sorted(SIZES))
def test_every_size_answers_and_every_parameter_learns(name: str, topology: MeshTopology) -> None:
    size = SIZES[name]()
    size = dataclasses.replace(size, encoder=tuple((width, min(layers, 1)) for width, layers in size.encoder))
    model = build_variant(size, topology)
    for basis in (module for module in model.modules() if isinstance(module, MeshBasis)):
        basis.fit(torch.randn(99, topology.coarse_count, 3))
    masked_joints = torch.zeros(2, 17, dtype=torch.bool)
    masked_joints[0, 3] = True
    masked_vertices = torch.zeros(2, topology.coarse_count, dtype=torch.bool)
    masked_vertices[1, 5] = True
    answer = model(_heatmaps(2, size.heatmap_size), masked_joints, masked_vertices)
    assert answer.vertices.shape == (2, topology.coarse_count, 3)
    assert answer.joints.shape == (2, 17, 3) and answer.camera.shape == (2, 3)
    truth = MeshTruth(torch.zeros_like(answer.vertices), torch.zeros_like(answer.joints), torch.zeros(2, 17, 2))
    mpt_loss(answer.vertices, answer.joints, answer.camera, topology.coarse_regressor, truth)["loss"].backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert idle == []


def test_base_is_the_papers_layout(topology: MeshTopology) -> None:
    size = base()
    model = build_network(size, topology)
    assert size.heatmap_size == 224 and size.patch == 8
    assert model.tokenizer.position.shape == (784, 1024)
    assert size.encoder == ((1024, 4), (256, 4), (128, 4))
    assert model.encoder.vertices.query.shape[0] == topology.coarse_count


def test_an_untrained_network_starts_at_the_template(topology: MeshTopology, light_size: TransformerSize) -> None:
    answer = build_network(light_size, topology)(_heatmaps(2, 56))
    assert (answer.vertices - topology.template[topology.coarse]).abs().max() < 0.3


def test_the_network_depends_on_where_the_joints_are(topology: MeshTopology, light_size: TransformerSize) -> None:
    model = build_network(light_size, topology).eval()
    here, there = _heatmaps(1, 56), _heatmaps(1, 56).roll(8, dims=-1)
    assert not torch.allclose(model(here).joints, model(there).joints, atol=1e-5)


def test_a_batch_is_its_samples(topology: MeshTopology, light_size: TransformerSize) -> None:
    model = build_network(light_size, topology).eval()
    heatmaps = _heatmaps(3, 56)
    together = model(heatmaps)
    alone = model(heatmaps[1:2])
    torch.testing.assert_close(together.vertices[1:2], alone.vertices, atol=1e-5, rtol=0)


def test_a_budget_that_covers_all_heat_changes_nothing(topology: MeshTopology, light_size: TransformerSize) -> None:
    # Attention sees the kept patches only, so compare what is embedded: the fullest patches, with their positions.
    everything = HeatmapTokenizer(17, 56, 8, 16, None)
    some = HeatmapTokenizer(17, 56, 8, 16, 20)
    some.load_state_dict(everything.state_dict())
    heatmaps = _heatmaps(2, 56)
    all_tokens, all_heat = everything.embed(heatmaps)
    tokens, heat = some.embed(heatmaps)
    assert tokens.shape == (2, 20, 16) and heat.shape == (2, 17, 20)
    fullest = all_heat.sum(1).topk(20, dim=1).indices
    torch.testing.assert_close(tokens, all_tokens.gather(1, fullest[..., None].expand(-1, -1, 16)))
    model = build_network(dataclasses.replace(light_size, token_budget=20), topology)
    assert model(heatmaps).vertices.shape == (2, topology.coarse_count, 3)


def test_an_empty_heatmap_stack_gives_a_finite_answer(topology: MeshTopology, light_size: TransformerSize) -> None:
    answer = build_network(light_size, topology)(torch.zeros(1, 17, 56, 56))
    assert all(torch.isfinite(part).all() for part in answer)


@pytest.mark.parametrize("layers", [True, False])
def test_landmarks_that_nobody_saw_are_empty_maps(
    layers: bool, topology: MeshTopology, light_size: TransformerSize
) -> None:
    size = light_size if layers else lift_of(light_size)
    model = build_network(size, topology).eval()
    joints = _heatmaps(2, 56)
    landmarks = draw_heatmaps(torch.full((2, 3, 2), 100.0), 56, 5.0)
    alone = model(joints)
    torch.testing.assert_close(model(torch.cat([joints, torch.zeros_like(landmarks)], dim=1)), alone)
    assert not torch.allclose(model(torch.cat([joints, landmarks], dim=1)).joints, alone.joints, atol=1e-5)


def test_coordinates_hide_all_but_the_peaks_places(topology: MeshTopology, light_size: TransformerSize) -> None:
    cells = torch.randint(10, 46, (1, 17, 2), generator=torch.Generator().manual_seed(1))
    joints = 4 * (cells + 0.5)  # in the middle of cells, where peaks of any width are read at the same place
    sharp, wide = draw_heatmaps(joints, 56, 6.0), draw_heatmaps(joints, 56, 9.0, 0.5)
    blind = build_variant(VariantSize(**dataclasses.asdict(light_size), coordinates=True), topology)
    seeing = build_network(light_size, topology)
    told = [(network(sharp).joints - network(wide).joints).abs().max() for network in (blind, seeing)]
    assert told[0] < 1e-4 and told[1] > 1e-3
