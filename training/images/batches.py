"""Where fine-tuning's batches come from: image data sets, prepared ones with their maps at hand, mixtures."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from model.errors import BadInput
from model.network.topology import MeshTopology
from training.images.augment import Augmentation
from training.images.backbone_cache import BackboneMaps
from training.images.sample import ImageSample, collate
from training.images.shards import PreparedImages
from training.losses import MeshTruth

_READERS = 8


@dataclass(frozen=True)
class Drawn:
    """One batch of B samples, on the generator's device."""

    crops: Tensor | None
    """(B, 3, S, S) float32 in 0..255; None where a frozen backbone has answered already."""
    maps: Tensor | None
    """(B, K or F, s, s) what that backbone answered; None where there are crops."""
    truth: MeshTruth


class Source(Protocol):
    """Draws batches; the same generator gives the same batch."""

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        """So many samples, with replacement."""


class ImageSource:
    """Images of a data set, read by threads."""

    def __init__(self, dataset: Dataset[ImageSample], topology: MeshTopology, augmentation: Augmentation | None = None):
        """Draws from a data set.

        Args:
            dataset: samples of one image size, with a length.
            topology: of the samples' meshes.
            augmentation: changes each sample at random.
        """
        self.dataset, self.topology, self.augmentation = dataset, topology, augmentation
        self._threads = ThreadPoolExecutor(_READERS)

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        """See `Source`."""
        index = torch.randint(len(self), (count,), generator=generator, device=generator.device)
        if self.augmentation is None:
            samples = list(self._threads.map(self.dataset.__getitem__, index.tolist()))
        else:
            seeds = torch.randint(2**62, (count,), generator=generator, device=generator.device)
            samples = list(self._threads.map(self._augmented, index.tolist(), seeds.tolist()))
        batch = collate(samples, self.topology.coarse_count, self.topology.joint_count).to(generator.device)
        return Drawn(batch.crops(), None, batch.truth())

    def _augmented(self, index: int, seed: int) -> ImageSample:
        assert self.augmentation is not None
        return self.augmentation(self.dataset[index], np.random.default_rng(seed))


class MappedSource:
    """Prepared images whose maps a frozen backbone has answered already: no picture is read."""

    def __init__(self, images: PreparedImages, maps: BackboneMaps):
        """Takes the whole truth into memory, 6 KB a sample."""
        self.maps = maps
        vertices, joints = images.truth("vertices"), images.truth("joints")
        pixels = images.truth("joints_2d")
        joints_2d = pixels.nan_to_num() * (2 / images.about["size"]) - 1  # -1..1 across the crop
        near = (joints_2d.abs() < 2).all(dim=-1)  # as `ImageBatch.truth` has it
        self.truth = MeshTruth(
            vertices.nan_to_num(),
            joints.nan_to_num(),
            joints_2d,
            ~vertices.isnan().any(dim=-1)[:, :1],
            ~joints.isnan().any(dim=-1),
            near & ~pixels.isnan().any(dim=-1),
        )

    def __len__(self) -> int:
        return len(self.maps)

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        """See `Source`."""
        return self.select(torch.randint(len(self), (count,), generator=generator, device=generator.device))

    def select(self, index: Tensor) -> Drawn:
        """The samples (B,), on the index's device."""
        place = index.cpu()
        parts = {name: value[place].to(index.device) for name, value in vars(self.truth).items()}
        return Drawn(None, self.maps[index], MeshTruth(**parts))


class MixedSource:
    """Several sources, each drawn as often as its weight says."""

    def __init__(self, sources: Sequence[ImageSource | MappedSource], weights: Sequence[float] | None = None):
        """Mixes sources of one kind.

        Args:
            sources: all of images of one size, or all of maps.
            weights: how often each is drawn, not negative, not all zero; by default as often as it has samples.

        Raises:
            BadInput: the weights cannot be used.
        """
        self.sources = sources
        chosen = [float(len(source)) for source in sources] if weights is None else list(weights)
        if len(chosen) != len(sources) or min(chosen) < 0 or not 0 < sum(chosen) < float("inf"):
            raise BadInput(f"{len(sources)} data sets need as many weights, 0 or more and not all 0, not {chosen}.")
        self.weights = torch.tensor(chosen)

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        """See `Source`; samples of one source stand together."""
        weights = self.weights.to(generator.device)
        which = torch.multinomial(weights, count, replacement=True, generator=generator)
        counts = which.bincount(minlength=len(self.sources)).tolist()
        drawn = [source.draw(n, generator) for source, n in zip(self.sources, counts, strict=True) if n]
        truth = drawn[0].truth
        for more in drawn[1:]:
            truth = joined_truth(truth, more.truth)
        crops = [part.crops for part in drawn if part.crops is not None]
        maps = [part.maps for part in drawn if part.maps is not None]
        return Drawn(torch.cat(crops) if crops else None, torch.cat(maps) if maps else None, truth)


def joined_truth(one: MeshTruth, other: MeshTruth) -> MeshTruth:
    """The truth of two batches in one; what has no mask is all valid."""

    def mask(truth: MeshTruth, field: str) -> Tensor:
        valid: Tensor | None = getattr(truth, field)
        points = 1 if field == "vertices_valid" else truth.joints.shape[1]
        if valid is None:
            return torch.ones(len(truth.joints), points, dtype=torch.bool, device=truth.joints.device)
        return valid

    return MeshTruth(
        *(torch.cat([getattr(one, name), getattr(other, name)]) for name in ("vertices", "joints", "joints_2d")),
        *(torch.cat([mask(one, n), mask(other, n)]) for n in ("vertices_valid", "joints_valid", "joints_2d_valid")),
    )
