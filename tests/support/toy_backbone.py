"""A backbone of one layer, for tests of what is around backbones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.network.backbones import PoseBackbone


class ToyBackbone(PoseBackbone):
    """The picture in 4 x 4 blocks, mixed by one convolution into 17 maps between 0 and 1."""

    joints, input_size, heatmap_size = 17, 224, 56
    feature_channels = 3

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.mix = nn.Conv2d(3, 17, 1)
        self.unused = nn.Conv2d(3, 1, 1)
        self.calls = 0

    def features(self, crops: Tensor) -> Tensor:
        return self.norm(torch.nn.functional.avg_pool2d(crops / 255, self.input_size // self.heatmap_size)).relu()

    def forward(self, crops: Tensor) -> Tensor:
        self.calls += 1
        return self.mix(self.features(crops)).sigmoid()
