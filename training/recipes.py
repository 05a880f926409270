"""Recipes: everything a run is made of, as plain functions, each with its cost and expected result."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from model import sizes
from model.sizes import TransformerSize
from training.bodies.anny import ADULT
from training.synthesis import SynthesisConfig
from training.trainer import TrainerConfig


@dataclass(frozen=True)
class PretrainRecipe:
    """One pre-training run."""

    size: TransformerSize
    synthesis: SynthesisConfig
    lift: TrainerConfig | None
    """First `PoseLift` alone: many samples a second teach it most of what it can know,"""
    trainer: TrainerConfig
    """then the whole network."""
    youngest: int = ADULT
    """Years of the youngest bodies; children come in below 18."""
    edges: float = 5.0
    """Weight of `edge_loss` beside Eq. 6, which has none."""

    def change(self, changes: dict[str, int]) -> PretrainRecipe:
        """The recipe with other values in both stages' `TrainerConfig`; fewer `steps` shorten the first stage too."""
        lift = self.lift and dataclasses.replace(self.lift, **changes)
        if lift and self.lift:
            lift = dataclasses.replace(lift, steps=min(lift.steps, self.lift.steps))
        return dataclasses.replace(self, lift=lift, trainer=dataclasses.replace(self.trainer, **changes))


def pretrain_tiny() -> PretrainRecipe:
    """The checkpoint that ships: 2,048,000 samples, 72 minutes on two CPU cores with bfloat16 that were busy besides.

    On CMU (the default split's test subjects, clean heatmaps): PA-MPJPE 42 mm, MPJPE 63 mm, MPVE 85 mm.
    """
    size = sizes.tiny()
    return PretrainRecipe(
        size,
        SynthesisConfig(size.heatmap_size),
        lift=TrainerConfig(steps=4_000, batch_size=256, learning_rate=2e-3),
        trainer=TrainerConfig(steps=4_000, batch_size=256, learning_rate=7e-4, seed=1),
    )


def pretrain_small() -> PretrainRecipe:
    """For one GPU. Not yet run to the end: its cost and scores are still to be measured."""
    size = sizes.small()
    return PretrainRecipe(
        size,
        SynthesisConfig(size.heatmap_size),
        lift=TrainerConfig(steps=2_000, batch_size=2048, learning_rate=2e-3),
        trainer=TrainerConfig(steps=8_000, batch_size=2048, learning_rate=1e-3, seed=1),
    )


def pretrain_base() -> PretrainRecipe:
    """The paper's encoder, for a GPU with much memory. Not yet run to the end either."""
    size = sizes.base()
    return PretrainRecipe(
        size,
        SynthesisConfig(size.heatmap_size),
        lift=TrainerConfig(steps=20_000, batch_size=512, learning_rate=1e-3),
        trainer=TrainerConfig(steps=100_000, batch_size=128, learning_rate=2e-4),
    )


def pretrain_mlp() -> PretrainRecipe:
    """The baseline on coordinates."""
    size = sizes.mlp()
    return PretrainRecipe(
        size,
        SynthesisConfig(size.heatmap_size),
        lift=None,
        trainer=TrainerConfig(steps=10_000, batch_size=256, learning_rate=2e-3),
    )


PRETRAIN = {"tiny": pretrain_tiny, "small": pretrain_small, "base": pretrain_base, "mlp": pretrain_mlp}
