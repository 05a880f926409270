"""Checkpoints: what is written comes back, what is damaged is refused with a sentence."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from model.errors import BadCheckpoint
from model.network.backbones import build_backbone
from model.network.build import build_network
from model.network.checkpoint import load_checkpoint, save_checkpoint
from model.network.lifting import MeshNetwork
from model.network.sizes import TransformerSize
from model.network.topology import MeshTopology
from training.variants import build_variant, load_any, reading_features


@pytest.fixture
def saved(tmp_path: Path, topology: MeshTopology, light_size: TransformerSize) -> tuple[Path, MeshNetwork]:
    torch.manual_seed(0)
    model = build_network(light_size, topology)
    path = tmp_path / "some" / "net.safetensors"
    save_checkpoint(path, model, topology, {"name": "test", "mode": "zero-shot"})
    return path, model


def test_a_checkpoint_answers_as_the_network_that_was_saved(saved: tuple[Path, MeshNetwork]) -> None:
    path, model = saved
    loaded = load_checkpoint(path)
    heatmaps = torch.rand(2, 17, 56, 56)
    difference = loaded.model(heatmaps).vertices - model.eval()(heatmaps).vertices
    assert difference.abs().max() < 2e-3  # half precision
    assert loaded.card == {"name": "test", "mode": "zero-shot"}
    assert loaded.model.size == model.size
    assert not loaded.model.training


def test_nothing_half_written_stays_behind(saved: tuple[Path, MeshNetwork]) -> None:
    assert [file.name for file in saved[0].parent.iterdir()] == ["net.safetensors"]


def test_missing_truncated_and_foreign_files_are_refused(saved: tuple[Path, MeshNetwork], tmp_path: Path) -> None:
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


def test_a_checkpoint_without_its_tensors_is_refused(saved: tuple[Path, MeshNetwork], tmp_path: Path) -> None:
    tensors = load_file(saved[0])
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("model.")}
    with safe_open(saved[0], "pt") as file:
        metadata = file.metadata()
    broken = tmp_path / "broken.safetensors"
    save_file(tensors, broken, metadata=metadata)
    with pytest.raises(BadCheckpoint, match=r"broken\.safetensors does not fit") as refused:
        load_checkpoint(broken)
    assert len(str(refused.value)) < 400 + len(str(broken))  # PyTorch names them all


def test_a_fine_tuned_backbone_comes_along(saved: tuple[Path, MeshNetwork], topology: MeshTopology) -> None:
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
    model = build_variant(reading_features(light_size, 24), topology)
    save_checkpoint(path, model, topology, {"name": "features"})
    assert load_any(path).model(torch.rand(1, 24, 56, 56)).joints.shape == (1, 17, 3)
    with pytest.raises(BadCheckpoint, match="for comparison only"):
        load_checkpoint(path)


@pytest.mark.parametrize("paper", [False, True], ids=["decoder", "paper"])
def test_checkpoints_of_the_first_format_are_read(
    paper: bool, tmp_path: Path, topology: MeshTopology, light_size: TransformerSize
) -> None:
    """The old names, written out: the tensors of one module that was the whole network."""
    torch.manual_seed(0)
    size = dataclasses.replace(light_size, memory=None, decoder=None) if paper else light_size
    path, old = tmp_path / "new.safetensors", tmp_path / "old.safetensors"
    save_checkpoint(path, build_network(size, topology), topology, {"name": "test"})
    tensors = load_file(path)
    for kind in ("weight", "bias"):
        joints = tensors.pop(f"model.lift.joints.{kind}")
        vertices = tensors.pop(f"model.lift.mesh.linear.{kind}")
        tensors[f"model.lift.guess.{kind}"] = torch.cat([joints[:-3], vertices, joints[-3:]])
    old_names = {
        "encoder.joints.": "joint_", "encoder.vertices.": "vertex_", "decoder.vertices.": "vertex_",
        "encoder.blocks.": "encoder.", "encoder.norm.": "norm.", "encoder.narrow.": "narrow.", "tokenizer.": "tokens.",
        "decoder.blocks.": "decoder.", "decoder.norm.": "decoder_norm.", "decoder.skip.linear.": "skip.",
        "decoder.skip_place.": "skip_place.", "decoder.head.": "vertex_head.",
    }  # fmt: skip
    for name in list(tensors):
        for new, former in old_names.items():
            if name.startswith(f"model.{new}"):
                tensors[f"model.{former}{name.removeprefix(f'model.{new}')}"] = tensors.pop(name)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()["mpt"]
    described = metadata.replace("mpt-2", "mpt-1").replace('"rank": null', '"coordinates": false')
    save_file(tensors, old, metadata={"mpt": described})
    heatmaps = torch.rand(2, 17, 56, 56)
    for before, after in zip(load_checkpoint(path).model(heatmaps), load_checkpoint(old).model(heatmaps), strict=True):
        assert torch.equal(before, after)
