"""MobileNetV2 and the feature pyramid that MoveNet's networks share, batch norms folded into the convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# MobileNetV2: output channels at width 1 and stride of the blocks 0 to 16; each expands 6 times, the first not at all.
_BLOCKS = (
    (16, 1),
    *((24, 2), (24, 1)),
    *((32, 2), (32, 1), (32, 1)),
    *((64, 2), (64, 1), (64, 1), (64, 1)),
    *((96, 1), (96, 1), (96, 1)),
    *((160, 2), (160, 1), (160, 1)),
    (320, 1),
)
_TAPS = (2, 5, 9)  # the blocks whose outputs, at strides 4, 8 and 16, feed the pyramid
_LAST_CHANNELS = 1280


def relu6(x: Tensor) -> Tensor:
    """ReLU6 in the place of `x`, a layer's result that nobody else reads: memory costs such small layers a tenth."""
    return F.relu6(x, inplace=True)


def scaled_channels(channels: int, width: float) -> int:
    """MobileNet's rule: channels times width, rounded to a multiple of 8, never down by more than a tenth."""
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * scaled else rounded + 8


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, for inputs of even height and width.

    At stride 2 a kernel of 3 then needs one row and one column of padding in all, one of 5 three, and TensorFlow adds
    the odd one at the bottom and at the right. `padding=1` would sample the input one pixel off.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, bias: bool = True
    ) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] == 1:
            return super().forward(x)
        half = self.kernel_size[0] // 2
        if torch.compiler.is_exporting():  # ONNX's convolutions pad unevenly
            return super().forward(F.pad(x, (half - 1, half, half - 1, half)))
        # PyTorch's do not. A kernel with a row and a column of zeros more does the same, and its input is not copied.
        return F.conv2d(x, F.pad(self.weight, (1, 0, 1, 0)), self.bias, 2, half, groups=self.groups)


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand (1x1), filter (depthwise), project (1x1, linear)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int, kernel: int = 3) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = SameConv(inputs, hidden, 1) if expansion > 1 else None
        self.depthwise = SameConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = SameConv(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        hidden = x if self.expand is None else relu6(self.expand(x))
        out: Tensor = self.project(relu6(self.depthwise(hidden)))
        return x + out if self.residual else out


class SeparableConv(nn.Module):
    """3x3 depthwise, then 1x1, then ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = SameConv(inputs, inputs, 3, groups=inputs, bias=False)
        self.pointwise = SameConv(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pointwise(self.depthwise(x))
        return out.relu_()


class MobileNetPyramid(nn.Module):
    """MobileNetV2 with a feature pyramid: an image to 24 channels at a quarter of its size.

    Args:
        width: MobileNetV2's width multiplier.
    """

    channels = 24

    def __init__(self, width: float) -> None:
        super().__init__()
        stem = scaled_channels(32, width)
        outputs = [scaled_channels(channels, width) for channels, _ in _BLOCKS]
        self.stem = SameConv(3, stem, 3, stride=2)
        self.blocks = nn.ModuleList(
            InvertedResidual(inputs, out, stride, expansion=6 if index else 1)
            for index, (inputs, out, (_, stride)) in enumerate(zip([stem, *outputs], outputs, _BLOCKS, strict=False))
        )
        self.last = SameConv(outputs[-1], _LAST_CHANNELS, 1)
        # Coarse to fine: strides 32, 16, 8 and 4.
        sources = [_LAST_CHANNELS, *(outputs[tap] for tap in reversed(_TAPS))]
        self.laterals = nn.ModuleList(SameConv(i, o, 1) for i, o in zip(sources, (64, 64, 32, 24), strict=True))
        self.merges = nn.ModuleList(SeparableConv(i, o) for i, o in ((64, 32), (32, 24), (24, self.channels)))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) RGB, 0..255, H and W multiples of 32 -> (B, 24, H / 4, W / 4)."""
        # 0.007843018 is 2 / 255 in the float16 that the published weights are stored in.
        x = relu6(self.stem(images * 0.007843018 - 1.0))
        taps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in _TAPS:
                taps.append(x)
        x = self.laterals[0](relu6(self.last(x)))
        for lateral, merge, tap in zip(self.laterals[1:], self.merges, reversed(taps), strict=True):
            x = merge(F.interpolate(x, scale_factor=2.0, mode="bilinear") + lateral(tap))
        return x


class DenseHead(nn.Module):
    """One prediction a cell: separable convolution to 96 channels, then 1x1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.features = SeparableConv(inputs, 96)
        self.out = SameConv(96, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(self.features(x))
        return out
