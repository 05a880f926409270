"""MoveNet Thunder (Google, Apache-2.0): heatmaps of one person's 17 joints."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.network.backbones.base import PoseBackbone, register_backbone, to_channels_last
from model.network.backbones.gating import gate_to_subject
from model.network.backbones.mobilenet import DenseHead, MobileNetPyramid

JOINTS = 17


class MoveNetOutputs(NamedTuple):
    """What Thunder's heads predict a cell, at a quarter of the input's size.

    A fourth head, each peak's place within its cell, is left out: the heatmap's neighbouring cells tell it as well.

    Attributes:
        heatmap: (B, 17, h, w) logits: a joint is here.
        center: (B, 1, h, w) logits: a person's centre is here.
        displacement: (B, 34, h, w) dy, dx to each joint of the person whose centre is here, in cells.
    """

    heatmap: Tensor
    center: Tensor
    displacement: Tensor


@register_backbone("movenet-thunder")
class MoveNetThunder(PoseBackbone):
    """MoveNet Thunder, its decoder replaced by a gate; 6.2 M parameters, 0.9 GMAC at 224 px."""

    input_size = 224
    heatmap_size = 56
    joints = JOINTS
    feature_channels = MobileNetPyramid.channels

    def __init__(self) -> None:
        super().__init__()
        self.pyramid = MobileNetPyramid(width=1.75)
        self.heads = nn.ModuleDict(
            {
                "heatmap": DenseHead(MobileNetPyramid.channels, JOINTS),
                "center": DenseHead(MobileNetPyramid.channels, 1),
                "displacement": DenseHead(MobileNetPyramid.channels, 2 * JOINTS),
            }
        )
        to_channels_last(self)

    def predict(self, crops: Tensor) -> MoveNetOutputs:
        """All heads' raw outputs.

        Args:
            crops: (B, 3, H, W) float32 RGB, 0..255, H and W multiples of 32.
        """
        features = self.pyramid(crops.contiguous(memory_format=torch.channels_last))
        return MoveNetOutputs(**{name: head(features) for name, head in self.heads.items()})

    def features(self, crops: Tensor) -> Tensor:
        """The pyramid's finest level (B, 24, S / 4, S / 4), after its ReLU."""
        features: Tensor = self.pyramid(crops.contiguous(memory_format=torch.channels_last))
        return features

    def forward(self, crops: Tensor) -> Tensor:
        out = self.predict(crops)
        return gate_to_subject(out.heatmap.sigmoid(), out.center.sigmoid(), out.displacement)
