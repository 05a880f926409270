"""Stage one: mesh pre-training on MoCap alone (section 3.1). `python -m training.pretrain --help`."""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from model.checkpoint import save_checkpoint
from model.errors import MPTError
from model.losses import mpt_loss
from model.transformer import MeshPrediction, MeshTransformer
from training.bodies.anny import AnnyBody
from training.bodies.coarse import load_topology
from training.evaluate import score_clean
from training.mocap.amass import read_amass
from training.mocap.poses import MocapPoses
from training.mocap.sample import read_sample
from training.mocap.split import split_by_subject
from training.recipes import PRETRAIN, PretrainRecipe
from training.synthesis import Synthesizer
from training.trainer import Trainer

_MASKED_QUERIES = 0.3
"""Masked Vertex Modeling: the share of queries that is hidden is drawn from 0 to this, as METRO does."""
_VALIDATION_POSES = 1024


def pretrain(recipe: PretrainRecipe, poses: MocapPoses, folder: Path, device: torch.device) -> Path:
    """Pre-trains (or goes on) in `folder` and returns the best checkpoint by validation subjects.

    Args:
        poses: all MoCap at hand; the held-out subjects are left out here.
    """
    training, validation, _ = split_by_subject(poses)
    body = AnnyBody.load()
    folder.mkdir(parents=True, exist_ok=True)
    topology = load_topology(folder / "topology.safetensors", body, torch.from_numpy(training.rotations))
    train = Synthesizer(body, topology, torch.from_numpy(training.rotations), recipe.synthesis, device)
    check = Synthesizer(body, topology, torch.from_numpy(validation.rotations), recipe.synthesis, device)
    regressor = topology.coarse_regressor.to(device)
    size, batch = recipe.size, recipe.trainer.batch_size
    torch.manual_seed(recipe.trainer.seed)
    model = MeshTransformer(size, topology)

    def step_loss(network: Callable[..., MeshPrediction], generator: torch.Generator) -> dict[str, Tensor]:
        index = torch.randint(len(train.poses), (batch,), generator=generator, device=device)
        heatmaps, truth = train.training_batch(index, generator)
        masks = [_hidden(batch, n, generator) for n in (topology.joint_count, topology.coarse_count)]
        vertices, joints, camera = network(heatmaps, *masks)
        return mpt_loss(vertices.float(), joints.float(), camera.float(), regressor, truth)

    def validate(network: nn.Module) -> dict[str, float]:
        return score_clean(network, check, count=_VALIDATION_POSES)

    best = folder / "best.safetensors"

    def keep(network: nn.Module, step: int, scores: dict[str, float]) -> None:
        assert isinstance(network, MeshTransformer)
        card = {
            "name": f"anny-{size.name}",
            "mode": "zero-shot",
            "backbone": "movenet-thunder",
            "training_poses": len(training),
            "training_subjects": sorted(set(training.subjects.tolist())),
            "validation_subjects": sorted(set(validation.subjects.tolist())),
            "samples_seen": step * batch,
            "steps": step,
            "recipe": {part: dataclasses.asdict(getattr(recipe, part)) for part in ("synthesis", "trainer")},
            "hardware": _hardware(device),
            "validation": {name: round(value, 2) for name, value in scores.items()},
        }
        save_checkpoint(best, network, topology, card)

    Trainer(model, recipe.trainer, folder, device).run(step_loss, validate, keep)
    return best


def _hidden(batch: int, queries: int, generator: torch.Generator) -> Tensor:
    """Masked Vertex Modeling: (B, queries) bool, in half of the samples a random share of the queries."""
    device = generator.device
    share = _MASKED_QUERIES * torch.rand(batch, 1, generator=generator, device=device)
    share = share * (torch.rand(batch, 1, generator=generator, device=device) < 0.5)
    return torch.rand(batch, queries, generator=generator, device=device) < share


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} threads of a CPU ({platform.machine()}, {os.cpu_count()} cores)"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.pretrain", description=__doc__)
    parser.add_argument("--mocap", type=Path, help="folder of MoCap in AMASS's layout; without it a small real sample")
    parser.add_argument("--size", choices=sorted(PRETRAIN), default="tiny")
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--batch-size", type=int, help="instead of the recipe's")
    parser.add_argument("--output", type=Path, help="folder of the run, resumed if it exists; runs/pretrain-SIZE")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    # A container or a scheduler stops a run by SIGTERM: it saves its state as at Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    recipe = PRETRAIN[options.size]()
    changes = {"steps": options.steps, "batch_size": options.batch_size}
    trainer = dataclasses.replace(recipe.trainer, **{k: v for k, v in changes.items() if v is not None})
    folder = options.output or Path("runs") / f"pretrain-{options.size}"
    try:
        if options.mocap is None:
            print("No MoCap was given: pre-training on the built-in sample, DeepMimic's clips, to show that it works.")
            print("For a useful network give a folder in AMASS's layout: make train-pretrain MOCAP=folder")
        poses = read_sample() if options.mocap is None else read_amass(options.mocap)
        print(f"{len(poses)} poses of {len(set(poses.subjects.tolist()))} subjects. TensorBoard: {folder}/tensorboard")
        best = pretrain(dataclasses.replace(recipe, trainer=trainer), poses, folder, torch.device(options.device))
    except MPTError as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(f"The best checkpoint by validation subjects: {best}")


if __name__ == "__main__":
    main()
