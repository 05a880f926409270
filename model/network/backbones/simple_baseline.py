"""SimpleBaseline with ResNet-50 (Xiao, Wu and Wei, "Simple Baselines for Human Pose Estimation", ECCV 2018)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from model.network.backbones.base import PoseBackbone, register_backbone, to_channels_last
from model.network.backbones.residual import Bottleneck, layer, normalise, swap_red_and_blue
from model.network.heatmaps import resample_heatmaps

_STRIDE = 4
# Their cell i is at the pixel with the index 4 i, whose centre is at 4 i + 0.5; ours is at 4 (i + 0.5).
_OFFSET = 0.5 - 0.5 / _STRIDE


@register_backbone("simple-baseline-50-square")
class SimpleBaseline(PoseBackbone):
    """A ResNet-50 with three transposed convolutions; 34.0 M parameters, named as in the authors' checkpoints.

    It answers to the person in the middle of the crop, as it was trained to, so that nothing needs to be gated. It
    sees the whole crop: people who lie or stretch out are in it, but it was trained on upright crops; see
    `UprightSimpleBaseline`.
    """

    joints = 17
    input_size = 256
    heatmap_size = 64
    feature_channels = 256

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = layer(Bottleneck, 64, 64, 3)
        self.layer2 = layer(Bottleneck, 256, 128, 4, stride=2)
        self.layer3 = layer(Bottleneck, 512, 256, 6, stride=2)
        self.layer4 = layer(Bottleneck, 1024, 512, 3, stride=2)
        steps: list[nn.Module] = []
        for inputs in (2048, 256, 256):
            steps += [nn.ConvTranspose2d(inputs, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU()]
        self.deconv_layers = nn.Sequential(*steps)
        self.final_layer = nn.Conv2d(256, self.joints, 1)
        to_channels_last(self)

    def features(self, crops: Tensor) -> Tensor:
        """See `PoseBackbone.features`."""
        return self._trunk(crops)

    def forward(self, crops: Tensor) -> Tensor:
        return self._read(self._trunk(crops))

    def _trunk(self, crops: Tensor) -> Tensor:
        """Crops (B, 3, H, W) to features (B, 256, H / 4, W / 4)."""
        x = normalise(swap_red_and_blue(crops))
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        y: Tensor = self.deconv_layers(x)
        return y

    def _read(self, features: Tensor) -> Tensor:
        heatmaps = self.final_layer(features).clamp(0, 1)
        return resample_heatmaps(heatmaps, heatmaps.shape[-2:], (_OFFSET, _OFFSET))


@register_backbone("simple-baseline-50")
class UprightSimpleBaseline(SimpleBaseline):
    """The same on the middle 192 of a crop's 256 columns, the shape of its training; the rest has empty heatmaps."""

    width = 192

    def features(self, crops: Tensor) -> Tensor:
        """Those of the middle, zero beside it."""
        return self._widen(self._trunk(self._middle(crops)))

    def forward(self, crops: Tensor) -> Tensor:
        return self._widen(self._read(self._trunk(self._middle(crops))))

    def _middle(self, crops: Tensor) -> Tensor:
        beside = (self.input_size - self.width) // 2
        return crops[..., beside : beside + self.width]

    def _widen(self, maps: Tensor) -> Tensor:
        beside = (self.heatmap_size - maps.shape[-1]) // 2
        return F.pad(maps, (beside, beside))
