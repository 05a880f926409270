"""Recipes: everything a run is made of, as plain functions, each with its cost and expected result."""

from __future__ import annotations

from dataclasses import dataclass

from model import sizes
from model.sizes import TransformerSize
from training.synthesis import SynthesisConfig
from training.trainer import TrainerConfig


@dataclass(frozen=True)
class PretrainRecipe:
    """One pre-training run."""

    size: TransformerSize
    synthesis: SynthesisConfig
    trainer: TrainerConfig


def pretrain_tiny() -> PretrainRecipe:
    """The checkpoint that ships: 960,000 samples, 102 minutes on two CPU cores that were busy besides.

    On CMU (the default split's test subjects, clean heatmaps): PA-MPJPE 49 mm, MPJPE 71 mm, MPVE 95 mm.
    """
    size = sizes.tiny()
    return PretrainRecipe(
        size, SynthesisConfig(size.heatmap_size), TrainerConfig(steps=15_000, batch_size=64, learning_rate=1.5e-3)
    )


def pretrain_small() -> PretrainRecipe:
    """For one GPU. Not yet run to the end: its cost and scores are still to be measured."""
    size = sizes.small()
    return PretrainRecipe(
        size, SynthesisConfig(size.heatmap_size), TrainerConfig(steps=100_000, batch_size=256, learning_rate=6e-4)
    )


def pretrain_base() -> PretrainRecipe:
    """The paper's encoder, for a GPU with much memory. Not yet run to the end either."""
    size = sizes.base()
    return PretrainRecipe(
        size, SynthesisConfig(size.heatmap_size), TrainerConfig(steps=100_000, batch_size=128, learning_rate=2e-4)
    )


PRETRAIN = {"tiny": pretrain_tiny, "small": pretrain_small, "base": pretrain_base}
