"""Fine-tuning by its command: frozen, then end to end, to a checkpoint with its backbone inside that answers photos."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.network.backbones import build_backbone
from model.network.backbones.simple_baseline import SimpleBaseline
from model.network.build import build_network
from model.network.checkpoint import load_checkpoint, save_checkpoint
from model.network.topology import MeshTopology
from model.reconstructor import Reconstructor
from model.runtime.loading import default_checkpoint
from tests.support.command import run_main
from tests.support.short_training import SMALL
from tests.support.torchrun import run_script
from training.evaluate import main as evaluation
from training.finetune import main as finetuning
from training.images.prepare import prepare
from training.images.rendered.config import RenderConfig
from training.images.shards import PreparedImages, write_shard
from training.mocap.poses import MocapPoses


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the shipped checkpoint, but of a few thousand weights that were never trained."""
    shipped = load_checkpoint(default_checkpoint())
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("small") / "small.safetensors"
    save_checkpoint(file, build_network(SMALL, shipped.topology), shipped.topology, shipped.card)
    return file


def _run(main: Callable, *arguments: object) -> subprocess.CompletedProcess[str]:
    return run_main(main, *arguments, "--device", "cpu")


def test_validation_images_in_2d_are_refused_before_the_first_step(rendered: Path, small: Path, tmp_path: Path) -> None:
    folder, known = shutil.copytree(rendered, tmp_path / "images"), PreparedImages(rendered, "validation")
    flat = [dataclasses.replace(sample, joints=None, joints_valid=None) for sample in (known[0], known[1])]
    coarse = load_checkpoint(small).topology.coarse_count
    write_shard(folder / "validation-00000.safetensors", flat, known.about, coarse)
    given = ("--images", folder, "--from", small, "--mixed", 0, "--steps", 1, "--batch-size", 4)
    refused = _run(finetuning, *given, "--output", tmp_path / "run")
    assert refused.returncode == 1 and "validation images whose 3D joints are not known" in refused.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("loads_once")
def test_frozen_then_end_to_end_then_served(
    rendered: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of MoveNet's matrices that takes seconds; any direction will do here.
    monkeypatch.setattr("training.loop.optimizers.orthogonal", torch.nn.functional.normalize)
    common = ("--images", rendered, "--mixed", 0, "--batch-size", 4)
    first = _run(finetuning, *common, "--from", small, "--steps", 1, "--output", tmp_path / "frozen")
    assert first.returncode == 0, first.stderr
    frozen = tmp_path / "frozen" / "best.safetensors"
    assert load_checkpoint(frozen).backbone is None  # it is the published one
    again = _run(finetuning, *common, "--from", small, "--steps", 2, "--output", tmp_path / "frozen")
    assert again.returncode == 0 and "Resuming" in again.stdout and "at step 1 of 2" in again.stdout

    second = _run(
        finetuning, *common, "--recipe", "end-to-end", "--from", frozen,
        "--steps", 1, "--output", tmp_path / "whole",
    )  # fmt: skip
    assert second.returncode == 0, second.stderr
    whole = tmp_path / "whole" / "best.safetensors"
    loaded, published = load_checkpoint(whole), Reconstructor.load(default_checkpoint(), engine="torch")
    card = loaded.card
    assert card["mode"] == "fine-tuned" and card["images"] == 4 and card["backbone_frozen"] is False
    assert card["samples_seen"] == load_checkpoint(frozen).card["samples_seen"] + 4
    assert whole.stat().st_size < 60e6
    tuned = Reconstructor.load(whole, engine="torch")
    assert tuned.modes == ("fine-tuned",) and loaded.backbone is not None
    moved = [
        not torch.equal(a, b)
        for a, b in zip(
            tuned.network.mesh.network.backbone.parameters(), published.network.mesh.network.backbone.parameters()
        )
    ]
    assert any(moved)
    photo = PreparedImages(rendered, "test")[0].image.permute(1, 2, 0).contiguous().numpy()
    (person,) = tuned.reconstruct(photo, boxes=[(20.0, 10.0, 184.0, 204.0)]).people
    assert person.vertices.shape == (13718, 3)

    third = _run(finetuning, *common, "--from", whole, "--steps", 1, "--output", tmp_path / "third")
    assert third.returncode == 0, third.stderr
    carried = load_checkpoint(tmp_path / "third" / "best.safetensors").backbone  # frozen, yet not the published one
    assert carried is not None and loaded.backbone is not None
    for one, other in zip(carried.parameters(), loaded.backbone.parameters()):
        assert torch.equal(one, other)

    report = _run(
        evaluation,
        "--rendered",
        rendered,
        "--checkpoint",
        default_checkpoint(),
        whole,
        "--output",
        tmp_path / "r",
    )
    assert report.returncode == 0, report.stderr
    assert "anny-tiny-tuned" in report.stdout and "PCK@0.05" in report.stdout


@pytest.mark.slow
def test_another_backbone_is_fine_tuned_and_carried_along(
    rendered: Path, topology: MeshTopology, three_people: MocapPoses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "simple-baseline-50-square"
    monkeypatch.setenv("MPT_WEIGHTS_DIR", str(tmp_path / "weights"))
    common = ("--backbone", name, "--mixed", 0, "--batch-size", 2, "--steps", 1, "--recipe", "end-to-end")
    run = _run(finetuning, *common, "--images", rendered, "--output", tmp_path / "a")
    assert run.returncode == 1 and "python -m weights.convert simple-baseline-50" in run.stderr
    torch.manual_seed(0)
    (tmp_path / "weights").mkdir()
    state = {key: value.contiguous() for key, value in build_backbone(name).state_dict().items()}
    save_file(state, tmp_path / "weights" / "simple-baseline-50.safetensors")
    run = _run(finetuning, *common, "--images", rendered, "--output", tmp_path / "a")
    assert run.returncode == 1 and "prepare some with --size 256" in run.stderr
    prepare(tmp_path / "larger", topology, three_people, {"train": 4, "validation": 2}, RenderConfig(size=256))
    run = _run(finetuning, *common, "--images", tmp_path / "larger", "--output", tmp_path / "b")
    assert run.returncode == 0, run.stderr
    tuned = load_checkpoint(tmp_path / "b" / "best.safetensors")
    assert tuned.card["backbone"] == name and isinstance(tuned.backbone, SimpleBaseline)


SCRIPT = """
import sys
from pathlib import Path

from model.runtime.loading import default_checkpoint
from training.loop.distributed import joined
from training.finetune import finetune
from training.recipes import FinetuneRecipe
from training.loop.trainer import TrainerConfig

images, folder, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
frozen = folder.name.startswith("frozen")
config = TrainerConfig(steps, 4, 1e-4, shards=2, backbone_rate=0.1, warm_up=1, validate_every=2)
with joined("cpu") as processes:
    finetune(FinetuneRecipe(config, frozen, mixed=0.0), [images], folder, processes, default_checkpoint())
"""


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["frozen", "end-to-end"])
def test_two_processes_fine_tune_as_one_with_the_double_batch(rendered: Path, tmp_path: Path, recipe: str) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    one, two = tmp_path / f"{recipe}-one", tmp_path / f"{recipe}-two"
    run_script(script, rendered, one, 2, processes=1)
    run_script(script, rendered, two, 1, processes=2)
    run_script(script, rendered, two, 2, processes=2)  # goes on from its state
    alone, together = (load_file(folder / "state.safetensors") for folder in (one, two))
    assert alone.keys() == together.keys()
    for name, tensor in alone.items():
        # Two steps of at most 1e-4 each; where a gradient is about nought, AdamW's step has either sign.
        torch.testing.assert_close(together[name], tensor, atol=4e-4, rtol=1e-3, msg=name)
    begun = load_checkpoint(default_checkpoint()).model.state_dict()
    still = [name for name, value in begun.items() if torch.equal(alone[f"model.mpt.transformer.{name}"], value)]
    assert len(still) < len(begun) / 2


def test_what_does_not_go_together_gets_a_sentence(rendered: Path, tmp_path: Path) -> None:
    run = _run(finetuning, "--images", rendered, "--steps", 1, "--output", tmp_path / "a")
    assert run.returncode == 1 and "give --mocap, or --mixed 0" in run.stderr and "Traceback" not in run.stderr
    run = _run(finetuning, "--images", tmp_path, "--mixed", 0, "--output", tmp_path / "a")
    assert run.returncode == 1 and "holds no train images" in run.stderr
