"""Fine-tuning: what learns and what stays, batches of images and of MoCap, mixtures, losses as far as truth exists."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.errors import BadInput, MPTError
from model.network.build import build_network
from model.network.lifting import MeshNetwork
from model.network.sizes import TransformerSize, tiny
from model.network.topology import MeshTopology
from tests.support.toy_backbone import ToyBackbone
from tests.support.toy_body import ToyBody
from training.end_to_end import EndToEnd
from training.finetune import _synthesizer
from training.images.batches import ImageSource, MixedSource, joined_truth
from training.images.sample import ImageSample
from training.loop.distributed import Processes
from training.loop.optimizers import make_optimizers
from training.loop.trainer import Trainer, TrainerConfig
from training.losses import MeshTruth
from training.objectives import finetuning_loss
from training.recipes import FinetuneRecipe
from training.variants import build_variant, reading_features

CONFIG = TrainerConfig(steps=30, batch_size=8, learning_rate=3e-3, warm_up=1, average=0.5, validate_every=100)


@pytest.fixture
def transformer(topology: MeshTopology, light_size: TransformerSize) -> MeshNetwork:
    torch.manual_seed(0)
    return build_network(light_size, topology)


def _crops(count: int, seed: int = 0) -> Tensor:
    return 255 * torch.rand(count, 3, 224, 224, generator=torch.Generator().manual_seed(seed))


def _mosaic(generator: torch.Generator) -> Tensor:
    """A picture of 7 x 7 large tiles, unlike any other."""
    tiles = torch.randint(0, 256, (3, 7, 7), generator=generator, dtype=torch.uint8)
    return tiles.repeat_interleave(32, dim=1).repeat_interleave(32, dim=2)


class Samples(list):
    """Samples with the whole truth, or with 2D joints alone."""

    def __init__(self, count: int, topology: MeshTopology, kind: str, full: bool = True):
        generator = torch.Generator().manual_seed(len(kind))
        super().__init__(
            ImageSample(
                name=f"{kind}/{index}",
                image=_mosaic(generator),
                vertices=torch.randn(topology.coarse_count, 3, generator=generator) if full else None,
                joints=torch.randn(17, 3, generator=generator) if full else None,
                joints_2d=224 * torch.rand(17, 2, generator=generator),
            )
            for index in range(count)
        )


@pytest.mark.parametrize("frozen", [True, False])
def test_gradients_reach_the_backbone_unless_it_is_frozen(
    frozen: bool, transformer: MeshNetwork, topology: MeshTopology
) -> None:
    network = EndToEnd(ToyBackbone(), transformer, topology, frozen).train()
    backbone = network.mpt.backbone
    assert transformer.training and not backbone.training
    before = backbone.norm.running_mean.clone()
    network(_crops(2)).vertices.square().sum().backward()
    assert torch.equal(backbone.norm.running_mean, before)
    used = [*backbone.norm.parameters(), *backbone.mix.parameters()]
    learns = [parameter.grad is not None and bool(parameter.grad.abs().max() > 0) for parameter in used]
    assert not any(learns) if frozen else all(learns)
    assert all(p.grad is not None for p in transformer.lift.layers.parameters())
    assert not any(parameter.requires_grad for parameter in backbone.unused.parameters())  # none waits for its gradient


def test_images_and_heatmaps_share_a_batch(transformer: MeshNetwork, topology: MeshTopology) -> None:
    network = EndToEnd(ToyBackbone(), transformer, topology, frozen=True).eval()
    crops, maps = _crops(2), torch.rand(3, 17, 56, 56)
    both = network(crops, maps).vertices
    torch.testing.assert_close(both[:2], network(crops).vertices, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(both[2:], network(None, maps).vertices, atol=1e-5, rtol=1e-4)
    hidden = torch.zeros(5, 17, dtype=torch.bool)
    hidden[1] = True
    torch.testing.assert_close(
        network(crops, maps, hidden).vertices[1:2],
        network(None, torch.zeros(1, 17, 56, 56)).vertices,
        atol=1e-5,
        rtol=1e-4,
    )


def test_image_features_need_a_backbone_that_offers_as_many(
    topology: MeshTopology, light_size: TransformerSize
) -> None:
    fits = build_variant(reading_features(light_size, 3), topology)
    network = EndToEnd(ToyBackbone(), fits, topology, frozen=False)
    assert network(_crops(2)).vertices.shape == (2, topology.coarse_count, 3)
    assert network.mpt.backbone.calls == 0  # its heatmaps are not asked for
    other = build_variant(reading_features(light_size, 24), topology)
    with pytest.raises(BadInput, match="has 3 feature maps, not 24"):
        EndToEnd(ToyBackbone(), other, topology, frozen=False)


def test_truth_without_masks_is_all_valid(topology: MeshTopology) -> None:
    c = topology.coarse_count
    partial = MeshTruth(
        torch.zeros(1, c, 3),
        torch.zeros(1, 17, 3),
        torch.zeros(1, 17, 2),
        torch.tensor([[False]]),
        torch.zeros(1, 17, dtype=torch.bool),
        torch.ones(1, 17, dtype=torch.bool),
    )
    whole = MeshTruth(torch.ones(2, c, 3), torch.ones(2, 17, 3), torch.ones(2, 17, 2))
    truth = joined_truth(partial, whole)
    assert truth.vertices_valid.tolist() == [[False], [True], [True]]
    assert truth.joints_valid.any(dim=1).tolist() == [False, True, True]
    assert truth.joints_2d_valid.all() and truth.joints[:, 0, 0].tolist() == [0, 1, 1]


def test_data_sets_are_drawn_by_their_weights(topology: MeshTopology) -> None:
    many, few, never = (Samples(n, topology, kind) for n, kind in ((40, "m"), (4, "fe"), (9, "non")))
    source = MixedSource([ImageSource(kind, topology) for kind in (many, few, never)], [1.0, 3.0, 0.0])
    drawn = source.draw(200, torch.Generator().manual_seed(0))
    known = torch.stack([sample.vertices[0] for sample in (*many, *few, *never)])
    which = (drawn.truth.vertices[:, None, 0] - known).norm(dim=-1).argmin(dim=1)
    assert 120 < ((which >= 40) & (which < 44)).sum() < 180 and (which >= 44).sum() == 0
    assert len(set(which.tolist())) > 30
    again = source.draw(200, torch.Generator().manual_seed(0))
    assert torch.equal(drawn.truth.vertices, again.truth.vertices) and torch.equal(drawn.crops, again.crops)
    by_size = MixedSource([ImageSource(kind, topology) for kind in (many, few)]).weights
    assert by_size.tolist() == [40, 4]
    for weights in ([1.0], [1.0, -1.0, 1.0], [0.0, 0.0, 0.0], [1.0, float("nan"), 1.0]):
        with pytest.raises(BadInput, match="3 data sets need as many weights"):
            MixedSource(source.sources, weights)


def test_losses_go_as_far_as_truth(transformer: MeshNetwork, topology: MeshTopology) -> None:
    flat = ImageSource(Samples(8, topology, "flat", full=False), topology)
    recipe = FinetuneRecipe(CONFIG, frozen=False, mixed=0.0)
    network = EndToEnd(ToyBackbone(), transformer, topology, frozen=False)
    loss = finetuning_loss(flat, None, topology, recipe, torch.device("cpu"))
    terms = loss(network, 4, torch.Generator().manual_seed(0))
    assert terms["vertices"] == terms["joints"] == terms["regressed"] == terms["edges"] == 0 and terms["projection"] > 0
    assert terms["loss"] == terms["projection"]


def test_a_few_images_are_learned_end_to_end(transformer: MeshNetwork, topology: MeshTopology, tmp_path: Path) -> None:
    source = ImageSource(Samples(3, topology, "train"), topology)
    recipe = FinetuneRecipe(CONFIG, frozen=False, mixed=0.0, hides_heatmaps=False)
    loss = finetuning_loss(source, None, topology, recipe, torch.device("cpu"))
    network = EndToEnd(ToyBackbone(), transformer, topology, frozen=False)
    start = {name: value.clone() for name, value in network.mpt.backbone.named_parameters()}
    losses: list[float] = []

    trainer = Trainer(network, CONFIG, tmp_path, Processes(torch.device("cpu")))
    for trainer.step in range(CONFIG.steps):
        losses.append(float(trainer.train_step(loss)["loss"].detach()))
    assert sum(losses[-5:]) < 0.85 * sum(losses[:5])
    moved = {name for name, value in network.mpt.backbone.named_parameters() if not torch.equal(value, start[name])}
    assert moved == {name for name in start if not name.startswith("unused")}


def test_the_backbone_has_a_learning_rate_of_its_own(
    transformer: MeshNetwork, topology: MeshTopology, tmp_path: Path
) -> None:
    config = dataclasses.replace(CONFIG, backbone_rate=0.1)
    network = EndToEnd(ToyBackbone(), transformer, topology, frozen=False)
    adam, _ = make_optimizers(network, config.learning_rate, config.weight_decay, config.backbone_rate)
    group = adam.param_groups[-1]
    assert {id(p) for p in group["params"]} == {id(p) for p in network.mpt.backbone.parameters() if p.requires_grad}
    assert group["share"] == 0.1 and group["weight_decay"] == 0
    trainer = Trainer(network, config, tmp_path, Processes(torch.device("cpu")))
    trainer.step = 10
    recipe = FinetuneRecipe(config, frozen=False, mixed=0.0)
    source = ImageSource(Samples(8, topology, "train"), topology)
    trainer.train_step(finetuning_loss(source, None, topology, recipe, torch.device("cpu")))
    rates = [g["lr"] for g in trainer.optimizers[0].param_groups]
    assert rates[-1] == pytest.approx(0.1 * rates[0])
    frozen = EndToEnd(ToyBackbone(), transformer, topology, frozen=True)
    optimizers = make_optimizers(frozen, config.learning_rate, config.weight_decay)
    held = {id(p) for o in optimizers for g in o.param_groups for p in g["params"]}
    assert held.isdisjoint(id(p) for p in frozen.mpt.backbone.parameters())


def test_samples_of_pre_training_are_of_the_checkpoints_own_body(topology: MeshTopology, tmp_path: Path) -> None:
    recipe, other = FinetuneRecipe(CONFIG, frozen=True), dataclasses.replace(topology, template=-topology.template)
    missing = tmp_path / "mocap"
    for mesh, sentence in ((other, "--smpl"), (topology, "mocap is not a folder")):
        with pytest.raises(MPTError, match=sentence):
            _synthesizer(recipe, mesh, missing, ToyBody(topology), tiny(), torch.device("cpu"))
