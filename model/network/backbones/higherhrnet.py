"""HigherHRNet-W32 (Cheng et al., "HigherHRNet: Scale-Aware Representation Learning ...", CVPR 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.network.backbones.base import PoseBackbone, register_backbone, to_channels_last
from model.network.backbones.residual import BasicBlock, Bottleneck, layer, normalise

_WIDTHS = (32, 64, 128, 256)  # of the branches, each of half the resolution of the one before


def _step(inputs: int, outputs: int, *, stride: int = 1, active: bool = True) -> nn.Sequential:
    """A convolution of 3 x 3 with its norm, and an activation if wanted."""
    parts: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*parts, *([nn.ReLU()] if active else []))


class Exchange(nn.Module):
    """Four residual blocks on each branch, then every branch takes in all others at its own resolution."""

    def __init__(self, branches: int, outputs: int):
        super().__init__()
        self.branches = nn.ModuleList(layer(BasicBlock, width, width, 4) for width in _WIDTHS[:branches])
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_path(source, target) for source in range(branches)) for target in range(outputs)
        )

    def forward(self, states: Sequence[Tensor]) -> list[Tensor]:
        states = [branch(state) for branch, state in zip(self.branches, states, strict=True)]
        answers = []
        for paths in self.fuse_layers:
            assert isinstance(paths, nn.ModuleList)
            parts = [path(state) for path, state in zip(paths, states, strict=True)]
            answers.append(F.relu(torch.stack(parts).sum(dim=0)))
        return answers


def _path(source: int, target: int) -> nn.Module:
    """From one branch to the resolution and width of another."""
    if source == target:
        return nn.Identity()
    if source > target:  # up
        return nn.Sequential(
            nn.Conv2d(_WIDTHS[source], _WIDTHS[target], 1, bias=False),
            nn.BatchNorm2d(_WIDTHS[target]),
            nn.Upsample(scale_factor=2 ** (source - target), mode="nearest"),
        )
    width = _WIDTHS[source]
    down = [_step(width, width, stride=2) for _ in range(target - source - 1)]
    return nn.Sequential(*down, _step(width, _WIDTHS[target], stride=2, active=False))


class Stage(nn.Sequential):
    """Exchanges in a row; the last one may answer on the finest branch alone."""

    def __init__(self, branches: int, count: int, *, finest_only: bool = False):
        last = 1 if finest_only else branches
        super().__init__(*(Exchange(branches, last if i == count - 1 else branches) for i in range(count)))


class Transition(nn.ModuleList):
    """Opens one more branch, out of the coarsest."""

    def __init__(self, before: Sequence[int], after: int):
        steps: list[nn.Module] = [
            nn.Identity() if width == _WIDTHS[i] else _step(width, _WIDTHS[i]) for i, width in enumerate(before)
        ]
        # Down-sampling steps are in a sequence of their own, as the authors' names have it.
        steps.append(nn.Sequential(_step(before[-1], _WIDTHS[after - 1], stride=2)))
        super().__init__(steps)

    def open(self, states: Sequence[Tensor]) -> list[Tensor]:
        """One more state than there are."""
        return [step(state) for step, state in zip(self, [*states, states[-1]], strict=True)]


@register_backbone("higherhrnet-w32")
class HigherHRNet(PoseBackbone):
    """28.6 M parameters, named as in the authors' checkpoints; the mean of both resolutions' heatmaps, without tags.

    It was made to find everyone in a photo, so that its maps answer to all people in the crop, not to one of them.
    """

    joints = 17
    input_size = 512
    heatmap_size = 256
    feature_channels = 32

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 3, 2, 1, bias=False), nn.BatchNorm2d(64)
        self.conv2, self.bn2 = nn.Conv2d(64, 64, 3, 2, 1, bias=False), nn.BatchNorm2d(64)
        self.layer1 = layer(Bottleneck, 64, 64, 4)
        self.transition1, self.stage2 = Transition([256], 2), Stage(2, 1)
        self.transition2, self.stage3 = Transition(_WIDTHS[:2], 3), Stage(3, 4)
        self.transition3, self.stage4 = Transition(_WIDTHS[:3], 4), Stage(4, 3, finest_only=True)
        width, k = _WIDTHS[0], self.joints
        self.final_layers = nn.ModuleList([nn.Conv2d(width, 2 * k, 1), nn.Conv2d(width, k, 1)])  # the first: also tags
        up = nn.Sequential(
            nn.ConvTranspose2d(width + 2 * k, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        blocks = (nn.Sequential(BasicBlock(width, width)) for _ in range(4))
        self.deconv_layers = nn.ModuleList([nn.Sequential(up, *blocks)])
        to_channels_last(self)

    def _both(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """The coarser heatmaps and tags (B, 2 K, S / 4, S / 4), and the finer features (B, 32, S / 2, S / 2)."""
        x = F.relu(self.bn1(self.conv1(normalise(crops))))
        x = self.layer1(F.relu(self.bn2(self.conv2(x))))
        states = [x]
        for transition, stage in (
            (self.transition1, self.stage2),
            (self.transition2, self.stage3),
            (self.transition3, self.stage4),
        ):
            states = stage(transition.open(states))
        coarse = self.final_layers[0](states[0])
        return coarse, self.deconv_layers[0](torch.cat([states[0], coarse], dim=1))

    def features(self, crops: Tensor) -> Tensor:
        """See `PoseBackbone.features`."""
        return self._both(crops)[1]

    def forward(self, crops: Tensor) -> Tensor:
        coarse, features = self._both(crops)
        fine = self.final_layers[1](features)
        coarse = F.interpolate(coarse[:, : self.joints], fine.shape[-2:], mode="bilinear", align_corners=False)
        return ((coarse + fine) / 2).clamp(0, 1)


@register_backbone("higherhrnet-w32-256")
class SmallHigherHRNet(HigherHRNet):
    """The same on smaller crops, four times as fast."""

    input_size = 256
    heatmap_size = 128
