"""Recipes: everything a run is made of, as plain functions, each with its cost and expected result."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from model.network import sizes
from model.network.sizes import TransformerSize
from training import variants
from training.bodies.anny import ADULT
from training.loop.trainer import TrainerConfig
from training.synthesis.corruption import HeatmapCorruption
from training.synthesis.pose_variety import PoseVariety
from training.synthesis.samples import SynthesisConfig
from training.synthesis.viewing import VIEWING


@dataclass(frozen=True)
class PretrainRecipe:
    """One pre-training run."""

    size: TransformerSize
    synthesis: SynthesisConfig
    lift: TrainerConfig | None
    """Training of `PoseLift` alone, before all else: many samples a second teach it most of what it can know."""
    trainer: TrainerConfig
    """Training of the whole network."""
    subject: str = "body"
    """"body" or "hand"."""
    youngest: int = ADULT
    """Years of the youngest bodies; children come in below 18."""
    edges: float = 5.0
    """Weight of `edge_loss` beside Eq. 6, which has none."""

    def change(self, changes: dict[str, int]) -> PretrainRecipe:
        """The recipe with other values in both stages' `TrainerConfig`; fewer `steps` shorten the first stage too.

        A run's first quarter at most is its warm-up.
        """
        lift = self.lift and dataclasses.replace(self.lift, **changes)
        if lift and self.lift:
            lift = _warmed_up(dataclasses.replace(lift, steps=min(lift.steps, self.lift.steps)))
        trainer = _warmed_up(dataclasses.replace(self.trainer, **changes))
        return dataclasses.replace(self, lift=lift, trainer=trainer)


def _warmed_up(config: TrainerConfig) -> TrainerConfig:
    return dataclasses.replace(config, warm_up=min(config.warm_up, config.steps // 4))


def pretrain_tiny() -> PretrainRecipe:
    """What the shipped checkpoint began with: 2,048,000 samples, 72 minutes on two busy CPU cores with bfloat16.

    On CMU (the default split's test subjects, clean heatmaps) that gave PA-MPJPE 42 mm, MPJPE 63 mm, MPVE 85 mm; its
    model card says how it went on.
    """
    size = sizes.tiny()
    return PretrainRecipe(
        size,
        SynthesisConfig(size.heatmap_size),
        lift=TrainerConfig(steps=4_000, batch_size=256, learning_rate=2e-3),
        trainer=TrainerConfig(steps=4_000, batch_size=256, learning_rate=7e-4, seed=1),
    )


def pretrain_fast() -> PretrainRecipe:
    """A long run on CPU cores without bfloat16: 100 million samples of joints alone, then 10 million of heatmaps.

    It learns from worse 2D answers than the others do: joints that are off together, limbs that are taken for the
    other side's. And from poses that nobody recorded.
    """
    size = sizes.fast()
    corruption = HeatmapCorruption(clean=0.4, jitter=6.0, part_jitter=4.0, exchanged_parts=0.02, landmarks=0.6)
    return PretrainRecipe(
        size,
        SynthesisConfig(size.heatmap_size, corruption=corruption, variety=PoseVariety(free=0.15)),
        lift=TrainerConfig(steps=98_000, batch_size=1024, learning_rate=2e-3, muon_rows=128, validate_every=250),
        trainer=TrainerConfig(
            steps=20_000, batch_size=512, learning_rate=1e-3, muon_rows=128, validate_every=250, seed=1
        ),
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
    """The baseline on coordinates, on as many samples as the checkpoint that ships.

    Its like, in steps of 2,048, took 90 minutes on two CPU cores without bfloat16: PA-MPJPE 45 mm, MPJPE 66 mm,
    MPVE 89 mm on the test subjects.
    """
    size = variants.mlp()
    return PretrainRecipe(
        size,
        SynthesisConfig(size.heatmap_size),
        lift=None,
        trainer=TrainerConfig(steps=2_700, batch_size=1024, learning_rate=2e-3),
    )


@dataclass(frozen=True)
class FinetuneRecipe:
    """One fine-tuning run."""

    trainer: TrainerConfig
    frozen: bool
    """Whether the backbone stays as published: its answers are then made once, and an image costs no more than a
    heatmap does."""
    backbone: str = "movenet-thunder"
    mixed: float = 0.5
    """Share of each batch that pre-training's samples take: rendered people are fewer than MoCap has poses, and their
    heatmaps are cleaner than those of photos."""
    edges: float = 5.0
    """Weight of `edge_loss`, as in pre-training."""
    hides_heatmaps: bool = True
    """Masked Heatmap Modeling on the images' heatmaps too."""
    weights: Sequence[float] | None = None
    """How often each data set is drawn, of several; None for as often as it has images."""
    size: TransformerSize | None = None
    """Size of a network from scratch; None for the checkpoint's."""
    images: int | None = None
    """How many training images, the first ones; None for all."""
    validation_images: int | None = None
    """How many validation images, the first ones; None for all."""


def finetune_frozen() -> FinetuneRecipe:
    """The transformer learns how the backbone answers to people whom it sees.

    Run for its first 200 steps on 4,000 rendered images, from anny-tiny: 13 minutes on one busy CPU core, 72 samples/s;
    on 1,000 validation images PA-MPJPE from 73.7 to 71.1 mm, MPJPE from 111.9 to 105.5.
    """
    trainer = TrainerConfig(steps=400, batch_size=256, learning_rate=3e-4, warm_up=40, average=0.99, validate_every=50)
    return FinetuneRecipe(trainer, frozen=True)


def finetune_end_to_end() -> FinetuneRecipe:
    """The paper's: both learn. The backbone learns slowly, to keep what it knows of photos.

    10 samples/s on one CPU core, half of them images. `training.reproduction.finetuning_tables` ran its like on 6,400
    images without MoCap: on 250 validation images PA-MPJPE from 70.0 to 64.4 mm.
    """
    trainer = TrainerConfig(
        steps=200, batch_size=64, learning_rate=2e-4, backbone_rate=0.15, warm_up=20, average=0.98, validate_every=50
    )
    return FinetuneRecipe(trainer, frozen=False, validation_images=250)


FINETUNE = {"frozen": finetune_frozen, "end-to-end": finetune_end_to_end}

PRETRAIN = {
    "tiny": pretrain_tiny,
    "fast": pretrain_fast,
    "small": pretrain_small,
    "base": pretrain_base,
    "mlp": pretrain_mlp,
}


def for_hands(recipe: PretrainRecipe) -> PretrainRecipe:
    """The same run for hands: drawn poses, seen from anywhere, peaks like those of a network that regresses points.

    The checkpoint that ships had less: 1,300 steps of 1,024 samples for `PoseLift`, then 600 of 128 and 888 of 256 for
    the whole `tiny` network, two hours on a part of one busy CPU core. See its model card.
    """
    synthesis = dataclasses.replace(
        recipe.synthesis,
        variety=None,
        cut_off=0.1,
        cut_from=(0.25, 0.25, 0.25, 0.25),
        corruption=VIEWING["hand"].corruption,
    )
    return dataclasses.replace(recipe, subject="hand", synthesis=synthesis)
