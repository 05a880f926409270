"""BlazePose GHUM (Google, Apache-2.0) in three sizes: one person's 33 landmarks, by heatmaps and by regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.interfaces import PoseLandmarks
from model.joints import BLAZEPOSE_COCO, COCO_BONES
from model.network.backbones.base import PoseBackbone, register_backbone, to_channels_last
from model.network.backbones.mobilenet import SameConv, relu6
from model.network.heatmaps import CROP_SIZE, draw_heatmaps

LANDMARKS = 39

_STEM = 24  # channels
_SEGMENTS = 8  # likewise, of what tells the person from the rest
_FINE = 3  # maps, at strides 4, 8 and 16, in which features are read at single joints
_WINDOW = 4  # cells on either side of a landmark in which its heatmap refines it
_SURE = 0.5  # height of the heatmap within that window from which it does


@dataclass(frozen=True)
class PoseSize:
    """How large a BlazePose is."""

    first: int
    """Channels after the first block."""
    blocks: tuple[tuple[int, int, int, int], ...]
    """The inverted residuals after it: output channels, kernel, stride and expansion."""
    taps: tuple[int, int, int]
    """The blocks whose outputs, at strides 4, 8 and 16, feed the pyramid."""
    last: int
    """Channels of the deepest features, at stride 32."""
    pyramid: int
    """Channels of the pyramid whose finest level becomes the heatmaps."""
    tail: tuple[int, tuple[int, ...]]
    """The regression's end: its channels, and the number of blocks of each stage down to 2 x 2."""
    stages: tuple[tuple[int, int, int], ...] = ()
    """What leads there from the pyramid: channels, blocks, and the tap that joins at the end; without them the tail
    starts from the deepest features."""


HEAVY = PoseSize(
    first=24,
    blocks=(
        *((32, 3, 2, 4), (32, 3, 1, 4), (32, 3, 1, 6), (32, 3, 1, 6)),
        *((56, 5, 2, 6), (56, 5, 1, 6), (56, 5, 1, 6), (56, 5, 1, 6)),
        *((112, 3, 2, 6), *[(112, 3, 1, 6)] * 5),
        *((160, 5, 1, 6), *[(160, 5, 1, 6)] * 5),
        *((272, 5, 2, 6), *[(272, 5, 1, 6)] * 7),
    ),
    taps=(3, 7, 19),
    last=1632,
    pyramid=48,
    tail=(288, (8, 8)),
    stages=((96, 7, 1), (192, 8, 2), (288, 8, 3)),
)


def _light(
    first: int, channels: tuple[int, int, int, int, int], pyramid: int, tail: tuple[int, tuple[int, int]]
) -> PoseSize:
    """The smaller ones, which differ in channels only: after the first block, and of each kind of residual."""
    at_4, at_8, at_16, deep_16, at_32 = channels
    return PoseSize(
        first,
        blocks=(
            *((at_4, 3, 2, 4), (at_4, 3, 1, 6)),
            *((at_8, 5, 2, 6), (at_8, 5, 1, 6)),
            *((at_16, 3, 2, 6), *[(at_16, 3, 1, 6)] * 2),
            *[(deep_16, 5, 1, 6)] * 3,
            *((at_32, 5, 2, 6), *[(at_32, 5, 1, 6)] * 3),
        ),
        taps=(1, 3, 9),
        last=6 * at_32,
        pyramid=pyramid,
        tail=tail,
    )


FULL = _light(16, (24, 32, 64, 88, 144), 48, (288, (5, 6)))
LITE = _light(8, (16, 24, 40, 56, 96), 32, (192, (3, 4)))


class StridedConv(nn.Conv2d):
    """A convolution padded alike on all sides, as this network's first half is at stride 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, groups=groups)


class PoseResidual(nn.Module):
    """MobileNetV2's block: expand (1x1), filter (depthwise), project (1x1, linear)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = nn.Conv2d(inputs, hidden, 1)
        self.depthwise = StridedConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = nn.Conv2d(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.project(relu6(self.depthwise(relu6(self.expand(x)))))
        return x + out if self.residual else out


class Separable(nn.Module):
    """A depthwise 3x3 and a pointwise convolution, ReLU6 between them."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = SameConv(inputs, inputs, 3, stride, groups=inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pointwise(relu6(self.depthwise(x)))
        return out


class PoseBlazeBlock(Separable):
    """The same beside a shortcut, then ReLU6; at stride 2 the shortcut is pooled, and widened by empty channels."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, stride)
        self.stride, self.more = stride, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        shortcut = F.max_pool2d(x, 2) if self.stride == 2 else x
        shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.more)) if self.more else shortcut
        return relu6(shortcut + super().forward(x))


class PersonSegmenter(nn.Module):
    """BlazePose's head that tells a person from the rest, from its finest features.

    Its last layers, at the crop's own size, cost a tenth of the network's time. At half the size, where a twentieth of
    the person comes out otherwise, all at her outline, they tell people's build as well.
    """

    def __init__(self, fine: int, pyramid: int) -> None:
        super().__init__()
        self.fine = (PoseBlazeBlock if fine == _SEGMENTS else Separable)(fine, _SEGMENTS)
        self.entry = Separable(pyramid, _SEGMENTS)
        self.blocks = nn.ModuleList(PoseBlazeBlock(_SEGMENTS, _SEGMENTS) for _ in range(4))
        self.mask = nn.Conv2d(_SEGMENTS, 1, 3, padding=1)

    def forward(self, fine: Tensor, pyramid: Tensor, half: bool) -> Tensor:
        """(B, 256, 256) in 0..1, or of half the size, from features at strides 2 and 4."""
        x = F.interpolate(relu6(self.entry(pyramid)), scale_factor=2.0, mode="bilinear") + relu6(self.fine(fine))
        for index, block in enumerate(self.blocks):
            x = block(F.interpolate(x, scale_factor=2.0, mode="bilinear") if index == 2 and not half else x)
        mask: Tensor = self.mask(x).sigmoid()
        return mask[:, 0]


class BlazePose(PoseBackbone):
    """The network, its points drawn as peaks.

    It answers to the person in the middle of the crop, who should fill about half of its side. Its head that places
    landmarks in metres is left out.
    """

    input_size = 256
    heatmap_size = 56
    joints = len(BLAZEPOSE_COCO)
    outputs = PoseLandmarks._fields
    size: PoseSize

    def __init__(self) -> None:
        super().__init__()
        size = self.size
        self.stem = StridedConv(3, _STEM, 3, 2)
        self.first = Separable(_STEM, size.first)
        inputs = [size.first, *(block[0] for block in size.blocks)]
        self.blocks = nn.ModuleList(
            PoseResidual(before, *block) for before, block in zip(inputs, size.blocks, strict=False)
        )
        self.last = nn.Conv2d(inputs[-1], size.last, 1)
        self.last_depthwise = SameConv(size.last, size.last, 3, groups=size.last)
        taps = [*(size.blocks[tap][0] for tap in size.taps), size.last]
        self.laterals = nn.ModuleList(Separable(channels, size.pyramid) for channels in reversed(taps))
        self.heatmaps = nn.Conv2d(size.pyramid, LANDMARKS, 1)
        self.segmenter = PersonSegmenter(size.first, size.pyramid)
        self.stages, self.joins = nn.ModuleList(), nn.ModuleList()
        before = size.pyramid
        for channels, count, tap in size.stages:
            self.stages.append(_stage(before, channels, count))
            self.joins.append(Separable(taps[tap], channels))
            before = channels
        channels, counts = size.tail
        self.entry = None if size.stages else Separable(size.last, channels)
        self.tail = nn.Sequential(*(_stage(channels, channels, count) for count in counts))
        self.points = nn.Conv2d(channels, 5 * LANDMARKS, 2)
        to_channels_last(self)

    def raw(self, crops: Tensor, half: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """What its heads say.

        Args:
            crops: (B, 3, 256, 256) float32 RGB, 0..255.
            half: whether the mask is of half the crop's size, and about what it would be.

        Returns:
            (B, 39, 64, 64) heatmaps in 0..1, cell i at pixel 4 i; (B, 39, 5) x, y in pixels of the crop, z and the
            logits of being visible and of being in the crop; (B, 256, 256) 0..1, whether a pixel is the person's.
        """
        return self._run(crops, half)[:3]

    def _run(self, crops: Tensor, half: bool) -> tuple[Tensor, Tensor, Tensor, list[Tensor], Tensor]:
        """See `raw`; and features: maps from the finest to coarser ones, and what the landmarks are regressed from."""
        x = relu6(self.stem(crops.contiguous(memory_format=torch.channels_last) / 255))
        x = fine = self.first(x)
        taps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.size.taps:
                taps.append(x)
        taps.append(relu6(self.last_depthwise(relu6(self.last(x)))))
        x, *finer = (relu6(lateral(tap)) for lateral, tap in zip(self.laterals, reversed(taps), strict=True))
        for level in finer:
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear") + level
        heatmaps, mask, maps = self.heatmaps(x).sigmoid(), self.segmenter(fine, x, half), [x]
        if self.entry is not None:
            x = relu6(self.entry(taps[-1]))
        for stage, join, (*_, tap) in zip(self.stages, self.joins, self.size.stages, strict=True):
            x = stage(x) + relu6(join(taps[tap]))
            maps.append(x)
        last = self.tail(x)
        points = self.points(last).flatten(1).unflatten(1, (LANDMARKS, 5))
        return heatmaps, points, mask, maps[:_FINE], last.flatten(1)

    def predict(self, crops: Tensor) -> PoseLandmarks:
        """The landmarks, each refined by its heatmap where that is sure, their depths, and features; see `raw`."""
        heatmaps, points, mask, maps, overall = self._run(crops, half=True)
        heatmaps, places = heatmaps.float(), points[..., :2].float()
        stride = self.input_size / heatmaps.shape[-1]
        cells = torch.arange(heatmaps.shape[-1], device=heatmaps.device, dtype=heatmaps.dtype)
        near = ((cells - (places / stride).floor()[..., None]).abs() <= _WINDOW).to(heatmaps)  # (B, 39, 2, 64)
        window = heatmaps * near[:, :, 1, :, None] * near[:, :, 0, None, :]
        on_x, on_y = window.sum(dim=2), window.sum(dim=3)  # (B, 39, 64)
        mass = on_x.sum(dim=-1, keepdim=True).clamp(min=1e-6)
        refined = torch.stack([(on * cells).sum(dim=-1) for on in (on_x, on_y)], dim=-1) / mass * stride
        sure = window.amax(dim=(2, 3))[..., None] >= _SURE
        depths = points[..., 2].float()
        places = torch.where(sure, refined, places)
        local = _sample(maps, places[:, list(BLAZEPOSE_COCO)] * (2 / self.input_size) - 1).float()
        return PoseLandmarks(places, heatmaps.amax(dim=(2, 3)), depths, mask, local, overall.float())

    def forward(self, crops: Tensor) -> Tensor:
        """COCO's joints, drawn by Eq. 1 as high as their channels are."""
        out = self.predict(crops)
        coco = list(BLAZEPOSE_COCO)
        joints = out.points[:, coco] * (CROP_SIZE / self.input_size)
        return draw_heatmaps(joints, self.heatmap_size, height=out.peaks[:, coco])


@register_backbone("blazepose-heavy")
class BlazePoseHeavy(BlazePose):
    """13.6 M parameters, 1.9 GMAC."""

    size = HEAVY


@register_backbone("blazepose-full")
class BlazePoseFull(BlazePose):
    """3.0 M parameters, 0.35 GMAC."""

    size = FULL


@register_backbone("blazepose-lite")
class BlazePoseLite(BlazePose):
    """1.3 M parameters, 0.17 GMAC."""

    size = LITE


def _sample(maps: Sequence[Tensor], joints: Tensor) -> Tensor:
    """(B, 29, C) what maps (B, c, S, S) hold at COCO's joints (B, 17, 2), -1..1 across the crop, and between them."""
    middles = [(joints[:, start] + joints[:, end]) / 2 for start, end in COCO_BONES]
    grid = torch.cat([joints, torch.stack(middles, dim=1)], dim=1)[:, :, None]  # (B, 29, 1, 2)
    read = [F.grid_sample(each, grid.to(each), padding_mode="border", align_corners=False)[..., 0] for each in maps]
    return torch.cat(read, dim=1).transpose(1, 2)


def _stage(inputs: int, outputs: int, count: int) -> nn.Sequential:
    """Blocks of which the first halves the size."""
    return nn.Sequential(
        PoseBlazeBlock(inputs, outputs, stride=2), *(PoseBlazeBlock(outputs, outputs) for _ in range(count - 1))
    )
