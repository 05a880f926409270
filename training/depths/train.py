"""Trains the network that reads bones' depths, on rendered people: `python -m training.depths.train --help`.

Its people come from `python -m training.images.prepare --varied`: in poses of the clips, varied, and in some that
nobody recorded.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from model.files import check_folder
from model.runtime.loading import open_network
from training.arguments import whole
from training.console import telling_errors
from training.depths.network import BoneNetwork
from training.depths.samples import BoneSamples, read_samples
from training.images.shards import PreparedImages
from training.loop.distributed import Processes
from training.loop.trainer import StepLoss, Trainer, TrainerConfig, kept

_BATCH = 256


@dataclass(frozen=True)
class DepthStage:
    """What is trained for: bones as deep as they are, judged by people of other subjects."""

    training: BoneSamples
    checking: BoneSamples
    best: Path
    """Where the best network goes."""

    @property
    def loss(self) -> StepLoss:
        """The mean absolute error of the bones' depths."""

        def loss(network: Callable[..., Any], count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
            rows = torch.randint(len(self.training), (count,), generator=generator)
            told = network(*(part[rows].float() for part in self.training.seen))
            known = self.training.known[rows]
            return {"loss": ((told - self.training.deep[rows]).abs() * known).sum() / known.sum()}

        return loss

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """The same of the validation's people, in millimetres; and of their bones as they were lifted."""
        parts = [part.split(_BATCH) for part in self.checking.seen]
        told = torch.cat([network(*(part.float() for part in batch)) for batch in zip(*parts, strict=True)])
        known, deep = self.checking.known, self.checking.deep
        errors = [1000 * float((each - deep).abs()[known].mean()) for each in (told, self.checking.seen[3])]
        return dict(zip(("depth", "as lifted"), errors, strict=True))

    def keep(self, network: nn.Module, step: int, scores: dict[str, float]) -> None:
        """Keeps the best one."""
        assert isinstance(network, BoneNetwork)
        scored = {name: round(score, 1) for name, score in scores.items()}
        network.save(self.best, {"step": step, "people": len(self.training), "validation": scored})


def train(images: Path, folder: Path, steps: int, hidden: int = 384) -> Path:
    """Trains (or goes on) in `folder` and returns the best network by validation people.

    Args:
        images: folder of `training.images.prepare`.
        folder: of the run.
        steps: of 256 people.
        hidden: width of the network's state.

    Raises:
        BadData: there are no images to train on or to validate with.
    """
    torch.manual_seed(0)
    parts = [PreparedImages(images, split) for split in ("train", "validation")]
    network = open_network(None, "cpu", "torch")
    training, checking = (read_samples(part, network) for part in parts)
    stage = DepthStage(training, checking, folder / "best.safetensors")
    config = TrainerConfig(steps, _BATCH, 1e-3, weight_decay=0.05, warm_up=min(500, steps // 10), validate_every=250)
    Trainer(BoneNetwork(training, hidden), config, folder, Processes(torch.device("cpu"))).run(stage)
    return stage.best


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.depths.train", description=__doc__)
    parser.add_argument(
        "--images", type=Path, default=Path("runs/varied"), help="folder of training.images.prepare --varied"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("runs/depths"), help="folder of the run, resumed if it exists"
    )
    parser.add_argument("--steps", type=whole(), default=4000, help="of 256 people each")
    options = parser.parse_args()
    with telling_errors():
        check_folder(options.output)
        best = train(options.images, options.output, options.steps)
        print(f"The best network by validation people: {kept(best)}")


if __name__ == "__main__":
    main()
