"""Finds the people in an image: MoveNet multipose (Google, Apache-2.0)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.interfaces import DetectorOutputs
from model.network.backbones.base import to_channels_last
from model.network.backbones.mobilenet import DenseHead, MobileNetPyramid

_JOINTS = 17


class PersonDetector(nn.Module):
    """MoveNet multipose without its decoder, which is `detect_people`; 4.7 M parameters."""

    outputs = DetectorOutputs._fields

    def __init__(self) -> None:
        super().__init__()
        self.pyramid = MobileNetPyramid(width=1.5)
        channels = {"heatmap": _JOINTS, "center": 1, "displacement": 2 * _JOINTS, "offset": 2 * _JOINTS}
        channels |= {"box_offset": 2, "box_size": 2}
        self.heads = nn.ModuleDict(
            {name: DenseHead(MobileNetPyramid.channels, outputs) for name, outputs in channels.items()}
        )
        to_channels_last(self)

    def predict(self, images: Tensor) -> DetectorOutputs:
        """All heads' raw outputs.

        Args:
            images: (B, 3, H, W) float32 RGB, 0..255, H and W multiples of 32.
        """
        features = self.pyramid(images.contiguous(memory_format=torch.channels_last))
        return DetectorOutputs(**{name: head(features) for name, head in self.heads.items()})
