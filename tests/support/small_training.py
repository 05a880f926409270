"""`torchrun tests/support/small_training.py FOLDER STEPS ...`: a few steps, in however many processes.

With several numbers of steps, each goes on from the state that the one before left.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from training.loop.distributed import joined
from training.loop.trainer import Trainer, TrainerConfig


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enter, self.head = nn.Linear(3, 16), nn.Linear(16, 1)
        self.layers = nn.ModuleList([nn.Linear(16, 16)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        return self.head(x + self.layers[0](x).tanh())


class Products:
    """Learns products of three numbers; every network is as good as another, and none is kept."""

    def loss(self, network: nn.Module, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        x = torch.randn(batch, 3, generator=generator)
        return {"loss": (network(x).float() - x.prod(dim=1, keepdim=True)).square().mean()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        return {"error": 1.0}

    def keep(self, network: nn.Module, step: int, scores: dict[str, float]) -> None:
        pass


def train(folder: Path, *steps: int) -> None:
    with joined("cpu") as processes:
        for count in steps:
            torch.manual_seed(0)
            config = TrainerConfig(
                steps=count, batch_size=16, learning_rate=0.01, warm_up=2, validate_every=3, shards=2
            )
            trainer = Trainer(Network(), config, folder, processes)
            trainer.run(Products())


if __name__ == "__main__":
    train(Path(sys.argv[1]), *map(int, sys.argv[2:]))
