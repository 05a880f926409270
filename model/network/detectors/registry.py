"""The networks that find people, palms and the joints of both in photos, by the names of their weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

from torch import Tensor, nn

from model.errors import BadInput
from model.network.backbones.base import load_weights
from model.network.backbones.blazepose import BlazePoseFull, BlazePoseHeavy, BlazePoseLite
from model.network.backbones.handlandmark import HandLandmarkNet
from model.network.detectors.mediapipe_palm import PalmDetector
from model.network.detectors.movenet_multipose import PersonDetector


class Detector(Protocol):
    """What these networks have in common, beside being modules."""

    outputs: tuple[str, ...]
    """The names of what it predicts."""

    def predict(self, images: Tensor) -> tuple[Tensor, ...]:
        """A named tuple of raw outputs for images (B, 3, H, W) float32 RGB, 0..255."""


DETECTORS: dict[str, Callable[[], nn.Module]] = {
    "movenet-multipose": PersonDetector,
    "blazepose-heavy": BlazePoseHeavy,
    "blazepose-full": BlazePoseFull,
    "blazepose-lite": BlazePoseLite,
    "handdetect": PalmDetector,
    "handlandmark-full": HandLandmarkNet,
}


def load_detector(name: str, weights: Path) -> PhotoDetector:
    """Builds a network from its safetensors file, in evaluation mode.

    Args:
        name: One of `DETECTORS`.
        weights: Its safetensors file.

    Raises:
        BadInput: If no network has this name.
        WeightsMissing: If the file is not there.
        BadCheckpoint: If the file is no safetensors file or belongs to another network.
    """
    if name not in DETECTORS:
        raise BadInput(f"There is no detector {name!r}; choose one of {', '.join(DETECTORS)}.")
    network = DETECTORS[name]()
    load_weights(network, weights)
    return PhotoDetector(network).eval()


class PhotoDetector(nn.Module):
    """A `Detector` from uint8 pixels to float32 outputs, whatever its own precision; served and exported.

    Attributes:
        outputs: Names of the outputs.
        input_size: Side of the images that it takes, in pixels; None if any multiple of 32 will do.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.outputs = cast(Detector, network).outputs
        self.input_size: int | None = getattr(network, "input_size", None)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The named tuple of the network's raw outputs.

        Args:
            images: (B, H, W, 3) uint8 RGB, of a size that the network takes.
        """
        precision = next(self.network.parameters()).dtype
        pixels = images.permute(0, 3, 1, 2).to(precision)  # (B, 3, H, W), channels last in memory
        outputs: Any = cast(Detector, self.network).predict(pixels)
        return type(outputs)(*(head.float() for head in outputs))
