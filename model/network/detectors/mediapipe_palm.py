"""Finds palms in an image: MediaPipe's palm detector (Google, Apache-2.0)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.interfaces import POINTS, PalmOutputs
from model.network.backbones.base import to_channels_last
from model.network.backbones.mobilenet import SameConv

_WIDTHS = (32, 64, 128, 256, 256)  # channels of the stages at strides 2, 4, 8, 16 and 32
_BLOCKS = 7  # of each stage
_ANCHORS = {8: 2, 16: 2, 32: 6}  # a cell, at each stride that has some


class BlazeBlock(nn.Module):
    """A depthwise 3x3 and a pointwise convolution beside a shortcut, then ReLU; at stride 2 the shortcut is pooled."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = SameConv(inputs, inputs, 3, stride, groups=inputs, bias=False)
        self.pointwise = SameConv(inputs, outputs, 1)
        self.stride, self.more = stride, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        shortcut = F.max_pool2d(x, 2) if self.stride == 2 else x
        shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.more)) if self.more else shortcut
        out: Tensor = shortcut + self.pointwise(self.depthwise(x))
        return out.relu_()


class PalmDetector(nn.Module):
    """A single-shot detector with a feature pyramid; 1.8 M parameters. It was trained on 256 x 256 pixels."""

    outputs = PalmOutputs._fields

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, _WIDTHS[0], 3, stride=2)
        self.stages = nn.ModuleList()
        for before, width in zip((None, *_WIDTHS), _WIDTHS, strict=False):
            down = [BlazeBlock(before, width, stride=2)] if before else []
            self.stages.append(nn.Sequential(*down, *(BlazeBlock(width, width) for _ in range(_BLOCKS))))
        *_, fine, middle, coarse = _WIDTHS
        self.up = nn.ModuleList([nn.ConvTranspose2d(coarse, middle, 2, 2), nn.ConvTranspose2d(middle, fine, 2, 2)])
        self.merge = nn.ModuleList([BlazeBlock(middle, middle), BlazeBlock(fine, fine)])
        channels = zip((fine, middle, coarse), _ANCHORS.values(), strict=True)
        self.heads = nn.ModuleList(
            nn.ModuleDict({"score": SameConv(inputs, n, 1), "place": SameConv(inputs, n * (4 + 2 * POINTS), 1)})
            for inputs, n in channels
        )
        to_channels_last(self)

    def predict(self, images: Tensor) -> PalmOutputs:
        """All heads' raw outputs, anchors from fine to coarse.

        Args:
            images: (B, 3, H, W) float32 RGB, 0..255, H and W multiples of 32.
        """
        x = F.relu(self.stem(images.contiguous(memory_format=torch.channels_last) / 127.5 - 1))
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        levels = [x]
        for up, merge, finer in zip(self.up, self.merge, (features[-2], features[-3]), strict=True):
            levels.insert(0, merge(F.relu(up(levels[0])) + finer))
        scores, places = [], []
        for head, level, (stride, anchors) in zip(self.heads, levels, _ANCHORS.items(), strict=True):
            scores.append(head["score"](level).permute(0, 2, 3, 1).flatten(1))  # type: ignore[index]
            place = head["place"](level).permute(0, 2, 3, 1).unflatten(3, (anchors, -1)).float()  # type: ignore[index]
            places.append((place + _middles(level, stride)).flatten(1, 3))  # (B, h w anchors, 18)
        place = torch.cat(places, dim=1)
        return PalmOutputs(torch.cat(scores, dim=1), place[..., :4], place[..., 4:].unflatten(2, (POINTS, 2)))


def _middles(level: Tensor, stride: int) -> Tensor:
    """What to add to the predictions of each cell (h, w, 1, 18): its middle to every x and y, nothing to the size."""
    y, x = ((torch.arange(size, device=level.device) + 0.5) * stride for size in level.shape[2:])
    x, y = torch.broadcast_tensors(x[None], y[:, None])  # (h, w)
    zero = torch.zeros_like(x)
    return torch.stack([x, y, zero, zero, *[x, y] * POINTS], dim=-1).unsqueeze(2)
