"""Named sizes of the mesh regression transformer, as plain functions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TransformerSize:
    """The shape of a `MeshTransformer`; see there for what the parts do."""

    name: str
    heatmap_size: int
    """Cells on a side of the heatmaps it reads."""
    patch: int
    """Cells on a side of a heatmap token's patch."""
    encoder: tuple[tuple[int, int], ...]
    """(width, layers) of each encoder block; none leaves `PoseLift` alone."""
    heads: int
    decoder: tuple[int, int] | None
    """(width, layers) of the light decoder of vertices; None puts the vertex queries into the encoder."""
    lift: int
    """Width of the network that lifts all joints' readouts to the joint queries."""
    memory: int | None = None
    """Width of heatmap tokens that the encoder only looks at; None puts them into the encoder too."""
    token_budget: int | None = None
    """How many heatmap tokens are kept, those with the most energy; None keeps all."""
    coordinates: bool = False
    """Whether it sees of each heatmap only where its peak is, as a network on 2D coordinates would (Table 3a)."""
    image_features: int | None = None
    """Channels of the backbone's image features, if it reads those in place of heatmaps (Table 3b)."""


def tiny() -> TransformerSize:
    """For two CPU cores: 17 joint tokens look at 49 heatmap tokens of 8 x 8 cells; a light decoder makes the mesh."""
    return TransformerSize(
        "tiny", heatmap_size=56, patch=8, encoder=((128, 4),), heads=2, decoder=(64, 1), lift=1024, memory=64
    )


def small() -> TransformerSize:
    """For one GPU to train and a CPU to run: 196 tokens of 4 x 4 cells in a wider, deeper network of the same kind."""
    return TransformerSize(
        "small", heatmap_size=56, patch=4, encoder=((256, 6),), heads=4, decoder=(128, 2), lift=768, memory=128
    )


def base() -> TransformerSize:
    """The paper's: 784 tokens of 8 x 8 pixels, 17 + 431 queries, one encoder of METRO's widths."""
    return TransformerSize(
        "base", heatmap_size=224, patch=8, encoder=((1024, 4), (256, 4), (128, 4)), heads=4, decoder=None, lift=1024
    )


def mlp() -> TransformerSize:
    """The baseline to beat: no transformer, two residual layers on the 17 joints' coordinates."""
    return TransformerSize(
        "mlp", heatmap_size=56, patch=8, encoder=(), heads=1, decoder=None, lift=1024, coordinates=True
    )


SIZES = {"tiny": tiny, "small": small, "base": base, "mlp": mlp}
