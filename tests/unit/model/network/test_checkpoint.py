"""Checkpoints: what is written comes back, what is damaged is refused with a sentence."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.errors import BadCheckpoint
from model.network.backbones import build_backbone
from model.network.checkpoint import load_checkpoint, save_checkpoint
from model.network.sizes import TransformerSize
from model.network.topology import MeshTopology
from model.network.transformer import MeshTransformer
from model.runtime.torch_runtime import TorchNetwork


@pytest.fixture
def saved(tmp_path: Path, topology: MeshTopology, light_size: TransformerSize) -> tuple[Path, MeshTransformer]:
    torch.manual_seed(0)
    model = MeshTransformer(light_size, topology)
    path = tmp_path / "some" / "net.safetensors"
    save_checkpoint(path, model, topology, {"name": "test", "mode": "zero-shot"})
    return path, model


def test_a_checkpoint_answers_as_the_network_that_was_saved(saved: tuple[Path, MeshTransformer]) -> None:
    path, model = saved
    loaded = load_checkpoint(path)
    heatmaps = torch.rand(2, 17, 56, 56)
    difference = loaded.model(heatmaps).vertices - model.eval()(heatmaps).vertices
    assert difference.abs().max() < 2e-3  # half precision
    assert loaded.card == {"name": "test", "mode": "zero-shot"}
    assert loaded.model.size == model.size
    assert not loaded.model.training


def test_nothing_half_written_stays_behind(saved: tuple[Path, MeshTransformer]) -> None:
    assert [file.name for file in saved[0].parent.iterdir()] == ["net.safetensors"]


def test_missing_truncated_and_foreign_files_are_refused(saved: tuple[Path, MeshTransformer], tmp_path: Path) -> None:
    path, _ = saved
    with pytest.raises(BadCheckpoint, match="no checkpoint at"):
        load_checkpoint(tmp_path / "none.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadCheckpoint, match=r"cut\.safetensors"):
        load_checkpoint(cut)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    with pytest.raises(BadCheckpoint, match="not a checkpoint of this project"):
        load_checkpoint(foreign)


def test_a_checkpoint_without_a_tensor_is_refused(saved: tuple[Path, MeshTransformer], tmp_path: Path) -> None:
    from safetensors import safe_open

    tensors = load_file(saved[0])
    del tensors["model.joint_head.weight"]
    with safe_open(saved[0], "pt") as file:
        metadata = file.metadata()
    broken = tmp_path / "broken.safetensors"
    save_file(tensors, broken, metadata=metadata)
    with pytest.raises(BadCheckpoint, match=r"broken\.safetensors does not fit"):
        load_checkpoint(broken)


def test_a_fine_tuned_backbone_comes_along(saved: tuple[Path, MeshTransformer], topology: MeshTopology) -> None:
    path, model = saved
    assert load_checkpoint(path).backbone is None
    backbone = build_backbone("movenet-thunder")
    card = {"name": "test", "mode": "fine-tuned", "backbone": "movenet-thunder"}
    save_checkpoint(path, model, topology, card, backbone)
    loaded = load_checkpoint(path).backbone
    assert loaded is not None and not loaded.training and next(loaded.parameters()).dtype == torch.float32
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, backbone.state_dict()[name].half().float())
    save_checkpoint(path, model, topology, card | {"backbone": "lost"}, backbone)
    with pytest.raises(BadCheckpoint, match="no backbone 'lost'"):
        load_checkpoint(path)


def test_image_features_are_for_comparison_only(
    tmp_path: Path, topology: MeshTopology, light_size: TransformerSize
) -> None:
    path = tmp_path / "features.safetensors"
    model = MeshTransformer(dataclasses.replace(light_size, image_features=24), topology)
    save_checkpoint(path, model, topology, {"name": "features"})
    assert load_checkpoint(path).model(torch.rand(1, 24, 56, 56)).joints.shape == (1, 17, 3)
    with pytest.raises(BadCheckpoint, match="for comparison only"):
        TorchNetwork.load(path)
