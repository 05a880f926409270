"""MediaPipe's hand landmark network, "full" (Google, Apache-2.0): a hand's 21 joints, regressed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.interfaces import Landmarks
from model.network.backbones.base import PoseBackbone, register_backbone, to_channels_last
from model.network.backbones.mobilenet import InvertedResidual, SameConv, relu6
from model.network.heatmaps import CROP_SIZE, draw_heatmaps

JOINTS = 21

# Output channels, stride, kernel and expansion of the inverted residuals.
_BLOCKS = (
    (16, 1, 3, 1),
    *((24, 2, 3, 4), (24, 1, 3, 6)),
    *((40, 2, 5, 6), (40, 1, 5, 6)),
    *((80, 2, 3, 6), (80, 1, 3, 6), (80, 1, 3, 6)),
    *((112, 1, 5, 6), (112, 1, 5, 6), (112, 1, 5, 6)),
    *((192, 2, 5, 6), (192, 1, 5, 6), (192, 1, 5, 6), (192, 1, 5, 6)),
)
_STEM, _LAST = 24, 1152
_FOCUS_SCALE = 1.37  # pre-training's crops are 1.25 times as large as the mesh, whose box is 1.09 times the joints'

# What MediaPipe marks are the wrist's crease, the skin over the knuckles and the middle of fingertips; what a mesh
# regresses are the joints inside and the very ends of fingers. (joint, a, b, share): it moves by share (a - b).
# Measured on 245 renders of the open hand: the median distance fell from 4.6 to 3.3 % of the hand's size.
_MOVES = (
    (0, 0, 9, 0.14),  # the wrist, away from the middle finger
    (1, 17, 1, 0.085),  # the thumb's base, into the palm
    (2, 1, 2, 0.335),
    *((knuckle, knuckle, 0, 0.07) for knuckle in (5, 9, 13, 17)),
    *((tip, tip, tip - 1, 0.34) for tip in (4, 8, 12, 16, 20)),
)


@register_backbone("handlandmark-full")
class HandLandmarkNet(PoseBackbone):
    """The network, its points drawn as peaks; 2.7 M parameters.

    It was trained on crops that are about twice as large as the palm and its nearest joints, turned so that the
    middle finger's base is above the wrist.
    """

    input_size = 224
    heatmap_size = 56
    joints = JOINTS
    outputs = Landmarks._fields

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, _STEM, 3, stride=2)
        inputs = [_STEM, *(block[0] for block in _BLOCKS)]
        self.blocks = nn.ModuleList(
            InvertedResidual(before, outputs, stride, expansion, kernel)
            for before, (outputs, stride, kernel, expansion) in zip(inputs, _BLOCKS, strict=False)
        )
        self.last = SameConv(inputs[-1], _LAST, 1)
        self.last_depthwise = SameConv(_LAST, _LAST, 3, groups=_LAST)
        self.points = nn.Linear(_LAST, 3 * JOINTS)
        self.presence = nn.Linear(_LAST, 1)
        self.handedness = nn.Linear(_LAST, 1)
        self.register_buffer("to_joints", _to_joints(), persistent=False)
        to_channels_last(self)

    def predict(self, crops: Tensor) -> Landmarks:
        """What the network says.

        Args:
            crops: (B, 3, 224, 224) float32 RGB, 0..255.
        """
        x = relu6(self.stem(crops.contiguous(memory_format=torch.channels_last) / 255))
        for block in self.blocks:
            x = block(x)
        x = relu6(self.last_depthwise(relu6(self.last(x))))
        x = x.mean(dim=(2, 3))  # (B, 1152)
        points = self.points(x).unflatten(1, (JOINTS, 3))
        return Landmarks(points, self.presence(x).sigmoid()[:, 0], self.handedness(x).sigmoid()[:, 0])

    def forward(self, crops: Tensor) -> Tensor:
        """Peaks by Eq. 1: full where a hand is more likely than not, as pre-training draws them, else low."""
        out = self.predict(crops)
        return self._draw(self._joints(out), out.presence)

    def detect(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Its crops show a fist half as large as an open hand; the squares are about the joints, as in pre-training."""
        out = self.predict(crops)
        points = self._joints(out)
        low, high = points.amin(dim=1), points.amax(dim=1)
        half = (_FOCUS_SCALE / 2) * (high - low).amax(dim=1, keepdim=True).clamp(min=0.05)
        squares = torch.cat([(low + high) / 2, half], dim=1)
        return self._draw((points - squares[:, None, :2]) / squares[:, None, 2:], out.presence), squares

    def _joints(self, out: Landmarks) -> Tensor:
        """(B, 21, 2) where the mesh's joints are, in -1..1 across the crop."""
        return self.to_joints.float() @ (out.points[..., :2].float() / self.input_size * 2 - 1)

    def _draw(self, points: Tensor, presence: Tensor) -> Tensor:
        """Heatmaps of points (B, 21, 2) in -1..1."""
        height = (2 * presence.float()).clamp(max=1)[:, None].expand(-1, JOINTS)
        return draw_heatmaps((points + 1) * (CROP_SIZE / 2), self.heatmap_size, height=height)


def _to_joints() -> Tensor:
    """(21, 21) from what the network marks to joints: linear, rows sum to 1, so that it holds in every projection."""
    matrix = torch.eye(JOINTS)
    for joint, a, b, share in _MOVES:
        matrix[joint, a] += share
        matrix[joint, b] -= share
    return matrix
