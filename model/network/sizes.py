"""Named sizes of the mesh regression transformer, as plain functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import Self

from model.errors import BadInput


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
    """(width, layers) of a light decoder of vertex queries; None leaves it out."""
    lift: int
    """Width of the network that lifts all joints' readouts to the joint queries."""
    memory: int | None = None
    """Width of heatmap tokens that the encoder only attends to; None encodes them, and vertex queries, as well."""
    token_budget: int | None = None
    """How many heatmap tokens are kept, those with the most energy; None keeps all."""
    rank: int | None = None
    """Directions of a low-rank mesh head, in place of vertex queries and of dense maps to all vertices."""

    @classmethod
    def read(cls, record: dict[str, Any]) -> Self:
        """The size of which `dataclasses.asdict` made a dictionary that then was JSON."""
        lists = {"encoder": tuple(map(tuple, record["encoder"])), "decoder": record["decoder"]}
        lists["decoder"] = tuple(lists["decoder"]) if lists["decoder"] else None
        return cls(**{**record, **lists})

    def __post_init__(self) -> None:
        """Refuses shapes whose parts do not fit together.

        Raises:
            BadInput: says what is wrong.
        """
        if self.encoder and bool(self.memory) != bool(self.decoder or self.rank):
            raise BadInput(
                f"The size {self.name} is contradictory: an encoder whose tokens are only attended to (memory) needs a "
                "decoder or a rank, and one of all queries has neither."
            )
        if self.decoder and self.rank:
            raise BadInput(f"The size {self.name} is contradictory: a decoder of vertex queries has no rank.")


def tiny() -> TransformerSize:
    """For two CPU cores: 17 joint tokens attend to 49 heatmap tokens of 8 x 8 cells; a light decoder makes the mesh."""
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


def fast() -> TransformerSize:
    """For two CPU cores without bfloat16: `tiny` with 16 heatmap tokens, a layer less, and a low-rank mesh head."""
    return TransformerSize(
        "fast", heatmap_size=56, patch=14, encoder=((128, 3),), heads=2, decoder=None, lift=1024, memory=64, rank=128
    )


def lift_of(size: TransformerSize) -> TransformerSize:
    """The first stage of a network of that size: its `PoseLift` alone."""
    return replace(size, name=f"{size.name}-lift", encoder=(), decoder=None, memory=None)


SIZES = {"tiny": tiny, "fast": fast, "small": small, "base": base}
