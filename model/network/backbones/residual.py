"""Residual blocks of He et al. (2016), under the names that published checkpoints give their parameters."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Of ImageNet's RGB in 0..1: what networks that began with ImageNet's weights expect to be taken off and divided by.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalise(crops: Tensor) -> Tensor:
    """Crops (B, 3, H, W) in 0..255 as networks from ImageNet take them; channel by channel, whatever their order."""
    mean, deviation = (crops.new_tensor(values).view(3, 1, 1) for values in (_MEAN, _DEVIATION))
    return (crops / 255 - mean) / deviation


class BasicBlock(nn.Module):
    """Two convolutions of 3 x 3 beside a short cut."""

    expansion: ClassVar[int] = 1

    def __init__(self, inputs: int, width: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _short_cut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """A convolution of 3 x 3 between two of 1 x 1, the last of which is four times as wide."""

    expansion: ClassVar[int] = 4

    def __init__(self, inputs: int, width: int, stride: int = 1):
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _short_cut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def layer(
    block: type[BasicBlock] | type[Bottleneck], inputs: int, width: int, count: int, stride: int = 1
) -> nn.Module:
    """`count` blocks in a row, the first with the stride."""
    rest = (block(width * block.expansion, width) for _ in range(count - 1))
    return nn.Sequential(block(inputs, width, stride), *rest)


def _short_cut(inputs: int, outputs: int, stride: int) -> nn.Module | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def swap_red_and_blue(crops: Tensor) -> Tensor:
    """RGB to BGR, for networks that were trained on what OpenCV reads: (B, 3, H, W)."""
    return torch.flip(crops, dims=(1,))
