"""Where fine-tuning's batches come from: any mixture of image data sets, or a prepared one with its maps at hand."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import Dataset

from model.losses import MeshTruth
from model.topology import MeshTopology
from training.images.maps import BackboneMaps
from training.images.prepared import PreparedImages
from training.images.record import ImageSample, collate

_READERS = 8


@dataclass(frozen=True)
class Drawn:
    """One batch of B samples, on the generator's device."""

    crops: Tensor | None
    """(B, 3, S, S) float32 in 0..255, or"""
    maps: Tensor | None
    """(B, K or F, s, s): what the backbone answered to them."""
    truth: MeshTruth


class Source(Protocol):
    """Draws batches; the same generator gives the same batch."""

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        """So many samples, with replacement."""


class ImageSource:
    """Images of several data sets, each drawn as often as its weight says, read by threads."""

    def __init__(
        self, datasets: Sequence[Dataset[ImageSample]], topology: MeshTopology, weights: Sequence[float] | None = None
    ):
        """Mixes data sets.

        Args:
            datasets: of samples of one image size, with a length.
            topology: of the samples' meshes.
            weights: how often each is drawn, not negative; by default as often as it has samples.
        """
        self.datasets, self.topology = datasets, topology
        self.lengths = [len(dataset) for dataset in datasets]  # type: ignore[arg-type]
        self.weights = torch.tensor(list(weights or self.lengths), dtype=torch.float)
        self._threads = ThreadPoolExecutor(_READERS)

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        """See `Source`."""
        device = generator.device
        which = torch.multinomial(self.weights.to(device), count, replacement=True, generator=generator)
        part = torch.rand(count, generator=generator, device=device)
        places = [
            (d, min(int(self.lengths[d] * u), self.lengths[d] - 1)) for d, u in zip(which.tolist(), part.tolist())
        ]
        samples = list(self._threads.map(lambda place: self.datasets[place[0]][place[1]], places))
        batch = collate(samples, self.topology.coarse_count, self.topology.joint_count).to(device)
        return Drawn(batch.crops(), None, batch.truth())


class MappedSource:
    """Prepared images whose maps a frozen backbone has answered already: no picture is read."""

    def __init__(self, images: PreparedImages, maps: BackboneMaps):
        """Takes the whole truth into memory, 6 KB a sample."""
        self.maps = maps
        self.vertices, self.joints = images.truth("vertices"), images.truth("joints")
        self.joints_2d = images.truth("joints_2d") * (2 / images.about["size"]) - 1  # -1..1 across the crop

    def __len__(self) -> int:
        return len(self.joints)

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        """See `Source`."""
        return self.take(torch.randint(len(self), (count,), generator=generator, device=generator.device))

    def take(self, index: Tensor) -> Drawn:
        """The samples (B,), on the index's device."""
        place = index.cpu()
        vertices, joints, joints_2d = (
            field[place].to(index.device) for field in (self.vertices, self.joints, self.joints_2d)
        )
        near = (joints_2d.abs() < 2).all(dim=-1)  # as `ImageBatch.truth` has it
        return Drawn(None, self.maps[index], MeshTruth(vertices, joints, joints_2d, joints_2d_valid=near))
