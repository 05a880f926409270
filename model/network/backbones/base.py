"""What a 2D pose network must offer, and the registry that finds one by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from model.errors import BadCheckpoint, BadInput, WeightsMissing, in_short


class PoseBackbone(nn.Module, ABC):
    """An off-the-shelf 2D pose network with its post-processing removed: crops in, heatmaps out.

    Attributes:
        joints: How many joints K it finds.
        input_size: Side S of the square crops, in pixels.
        heatmap_size: Side s of the square heatmaps, in cells; cell i's centre sits at pixel (i + 0.5) * S / s.
        feature_channels: Channels of its image features; None if it offers none.
    """

    joints: int
    input_size: int
    heatmap_size: int
    feature_channels: int | None = None

    @abstractmethod
    def forward(self, crops: Tensor) -> Tensor:
        """Heatmaps of the subject in the middle of each crop; differentiable.

        Args:
            crops: (B, 3, S, S) float32 RGB, 0..255.

        Returns:
            (B, K, s, s) float32 in 0..1, one map a joint in the subject's order. A joint without evidence has a low
            map.
        """

    def detect(self, crops: Tensor) -> tuple[Tensor, Tensor | None]:
        """Heatmaps of the part of each crop that matters, for networks that know where it is.

        Returns:
            (B, K, s, s) heatmaps, and the squares that they cover: (B, 3) centre x, y and half the side in -1..1 across
            the crop, or None for the whole crops.
        """
        return self(crops), None

    def features(self, crops: Tensor) -> Tensor:
        """Image features, what the last layers before the heatmaps see: to compare the two as inputs (Table 3b).

        Returns:
            (B, `feature_channels`, s, s), 0 or more.

        Raises:
            BadInput: This backbone offers none.
        """
        raise BadInput(f"{type(self).__name__} offers no image features: choose pose heatmaps, or another backbone.")


_BACKBONES: dict[str, Callable[[], PoseBackbone]] = {}
_Backbone = TypeVar("_Backbone", bound=PoseBackbone)


def register_backbone(name: str) -> Callable[[type[_Backbone]], type[_Backbone]]:
    """Class decorator: makes a backbone that is built without arguments known under a name."""

    def register(backbone: type[_Backbone]) -> type[_Backbone]:
        if name in _BACKBONES:
            raise ValueError(f"Two backbones are registered as {name!r}.")
        _BACKBONES[name] = backbone
        return backbone

    return register


def backbone_names() -> list[str]:
    """The names that `build_backbone` knows, sorted."""
    return sorted(_BACKBONES)


def build_backbone(name: str, weights: Path | None = None) -> PoseBackbone:
    """Builds a 2D pose network in evaluation mode.

    Args:
        name: One of `backbone_names()`.
        weights: Its safetensors file; without one the parameters are random.

    Raises:
        BadInput: If no backbone has this name.
        WeightsMissing: If the file is not there.
        BadCheckpoint: If the file is no safetensors file or belongs to another network.
    """
    if name not in _BACKBONES:
        raise BadInput(f"There is no backbone {name!r}; choose one of {', '.join(backbone_names())}.")
    backbone = _BACKBONES[name]()
    if weights is not None:
        load_weights(backbone, weights)
    return backbone.eval()


def load_weights(network: nn.Module, weights: Path) -> None:
    """Fills a network with the parameters of a safetensors file, whatever precision they are stored in.

    Raises:
        WeightsMissing: If the file is not there.
        BadCheckpoint: If the file is no safetensors file or belongs to another network.
    """
    if not weights.is_file():
        raise WeightsMissing(f"{weights} does not exist; `python -m weights.fetch` gets the published weights.")
    try:
        network.load_state_dict(load_file(weights))
    except (SafetensorError, RuntimeError) as error:
        raise BadCheckpoint(
            f"{weights} does not fit {type(network).__name__}; delete it and run `python -m weights.fetch`. "
            f"({in_short(error)})"
        ) from error


def to_channels_last(network: nn.Module) -> None:
    """Lays the convolutions' weights out channels last, which is faster on CPUs and GPUs alike."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
