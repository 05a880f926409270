"""Networks that are made only to be compared with: on coordinates, or on a backbone's features (Tables 3a and 3b)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.network.build import build_from_record, build_network
from model.network.checkpoint import Checkpoint, load_checkpoint
from model.network.heatmaps import CROP_SIZE, SIGMA, Peaks, draw_heatmaps, read_heatmaps, read_peaks
from model.network.lifting import LiftNetwork, MeshNetwork, MeshPrediction
from model.network.sizes import SIZES as PLAIN_SIZES
from model.network.sizes import TransformerSize
from model.network.tokenizer import HeatmapTokenizer, Tokens
from model.network.topology import MeshTopology


@dataclass(frozen=True)
class VariantSize(TransformerSize):
    """A size of a network for comparison."""

    coordinates: bool = False
    """Whether it sees of each heatmap only where its peak is, as a network on 2D coordinates would."""
    image_features: int | None = None
    """Channels of the backbone's image features, if it reads those in place of heatmaps."""


def mlp() -> VariantSize:
    """The baseline to beat: no transformer, two residual layers on the 17 joints' coordinates."""
    return VariantSize("mlp", 56, 8, encoder=(), heads=1, decoder=None, lift=1024, coordinates=True)


SIZES = {**PLAIN_SIZES, "mlp": mlp}


class Coordinates(MeshNetwork):
    """Another network that is told of each heatmap only where its peak is."""

    def __init__(self, size: TransformerSize, network: MeshNetwork):
        super().__init__()
        self.size, self.network = size, network

    def forward(
        self,
        heatmaps: Tensor,
        masked_joints: Tensor | None = None,
        masked_vertices: Tensor | None = None,
        readout: Tensor | None = None,
    ) -> MeshPrediction:
        """See `MeshNetwork`."""
        position = read_heatmaps(heatmaps).position if readout is None else readout[..., :2]
        at = (position + 1) * (CROP_SIZE / 2)
        if isinstance(self.network, LiftNetwork):  # spares the drawing
            one = torch.ones_like(at[..., 0])
            seen = read_peaks(Peaks(at, SIGMA * one, one), self.size.heatmap_size, SIGMA).features()
            answer: MeshPrediction = self.network(None, readout=seen)
        else:
            answer = self.network(draw_heatmaps(at, self.size.heatmap_size), masked_joints, masked_vertices)
        return answer


class FeatureTokenizer(HeatmapTokenizer):
    """Reads feature maps: none of them belongs to a joint, so joint queries start from the mean of all tokens."""

    def forward(self, heatmaps: Tensor) -> Tokens:
        """Tokens of image features (B, F, S, S), 0 or more."""
        patches, _ = self.embed(heatmaps)
        return Tokens(patches, patches.mean(dim=1, keepdim=True))


def features_of(size: TransformerSize) -> int | None:
    """How many image features a network of that size reads, if it does."""
    return size.image_features if isinstance(size, VariantSize) else None


def reading_features(size: TransformerSize, channels: int | None) -> VariantSize:
    """The same size for a network on so many image features."""
    return VariantSize(**{**asdict(size), "image_features": channels})


def build_variant(size: TransformerSize, topology: MeshTopology) -> MeshNetwork:
    """A network of random weights, of any size that training knows."""
    if not isinstance(size, VariantSize):
        return build_network(size, topology)
    if channels := size.image_features:
        width = size.memory or size.encoder[0][0]
        tokenizer = FeatureTokenizer(channels, size.heatmap_size, size.patch, width, size.token_budget)
        return build_network(size, topology, tokenizer, channels)
    network = build_network(size, topology)
    return Coordinates(size, network) if size.coordinates else network


def load_any(path: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Reads a checkpoint of any network that training knows; see `load_checkpoint`."""
    return load_checkpoint(path, device, _build_described)


def _build_described(size: dict[str, Any], topology: MeshTopology) -> MeshNetwork:
    if size.get("coordinates") or size.get("image_features"):
        return build_variant(VariantSize.read(size), topology)
    return build_from_record(size, topology)
