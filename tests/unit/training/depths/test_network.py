"""What is trained is what is served, and it learns to read depths that only the features tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.joints import COCO_BONES
from model.perception.bone_depths import BoneReader, BonesSeen
from training.depths.network import BoneNetwork
from training.depths.samples import BoneSamples
from training.depths.train import DepthStage
from training.loop.distributed import Processes
from training.loop.trainer import Trainer, TrainerConfig

BONES = len(COCO_BONES)


def people(count: int, seed: int) -> BoneSamples:
    """Features that tell how much deeper each bone is than it was lifted: the first one in its middle does."""
    generator = torch.Generator().manual_seed(seed)
    local = torch.randn(count, 29, 6, generator=generator)
    numbers, overall = (torch.randn(count, width, generator=generator) for width in (9, 5))
    lifted = 0.2 * torch.randn(count, BONES, generator=generator)
    deep = lifted + 0.2 * torch.tanh(local[:, 17:, 0])
    return BoneSamples(
        (numbers, local.half(), overall.half(), lifted), deep, torch.ones(count, BONES, dtype=torch.bool)
    )


def test_the_reader_answers_what_the_network_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    samples = people(20, 0)
    network = BoneNetwork(samples, hidden=16, own=4).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    network.save(tmp_path / "own.safetensors", {"step": 1})
    reader = BoneReader.load(tmp_path / "own.safetensors")
    fields = [part.float() for part in samples.seen]
    with torch.no_grad():
        told = network(*fields)
    assert told.std() > 0.1
    np.testing.assert_allclose(reader(BonesSeen(*(part.numpy() for part in fields))), told.numpy(), atol=0.02)
    assert reader.reads(np.zeros((29, 6)), np.zeros(5)) and not reader.reads(np.zeros((29, 5)), np.zeros(5))


def test_it_learns_what_features_tell(tmp_path: Path) -> None:
    torch.manual_seed(0)
    training, checking = people(2000, 1), people(200, 2)
    stage = DepthStage(training, checking, tmp_path / "best.safetensors")
    network = BoneNetwork(training, hidden=32, own=8)
    begun = stage.validate(network)
    assert begun["depth"] == pytest.approx(begun["as lifted"])
    config = TrainerConfig(250, 64, 1e-2, warm_up=20, average=0.9, validate_every=125)
    Trainer(network, config, tmp_path, Processes(torch.device("cpu"))).run(stage)
    reader = BoneReader.load(stage.best)
    told = reader(BonesSeen(*(part.float().numpy() for part in checking.seen)))
    assert 1000 * np.abs(told - checking.deep.numpy()).mean() < 0.5 * begun["as lifted"]


def test_bones_of_which_an_end_was_not_seen_do_not_count() -> None:
    samples = people(50, 3)
    samples.known[:, 1:] = False
    samples.deep[:, 1:] = 9.0
    stage = DepthStage(samples, samples, Path())
    network = BoneNetwork(samples, hidden=8, own=2).eval()
    loss = stage.loss(network, 200, torch.Generator().manual_seed(0))["loss"]
    assert loss < 0.3 and stage.validate(network)["depth"] < 300
