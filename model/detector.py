"""Finds the people in an image: MoveNet multipose (Google, Apache-2.0)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from model.backbones.base import load_weights, to_channels_last
from model.backbones.mobilenet import DenseHead, MobileNetPyramid
from model.detections import Detection, DetectorOutputs, decode_people, suppress_duplicates
from model.errors import BadInput

__all__ = ["Detection", "PersonDetector"]

_JOINTS = 17
_STRIDE = 32  # the network's input sizes are multiples of this
_PADDING = 128  # grey: what the network's own zero padding looks like
# Longer sides, in pixels, at which the network looks at an image. It was trained at 256, where it finds people who
# fill the image; at the larger size it finds the small ones.
_SCALES = (256, 448)


class PersonDetector(nn.Module):
    """MoveNet multipose with our own decoder; 4.7 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.pyramid = MobileNetPyramid(width=1.5)
        channels = {"heatmap": _JOINTS, "center": 1, "displacement": 2 * _JOINTS, "offset": 2 * _JOINTS}
        channels |= {"box_offset": 2, "box_size": 2}
        self.heads = nn.ModuleDict(
            {name: DenseHead(MobileNetPyramid.channels, outputs) for name, outputs in channels.items()}
        )
        to_channels_last(self)

    @classmethod
    def load(cls, weights: Path) -> PersonDetector:
        """Builds the detector from its safetensors file, in evaluation mode.

        Raises:
            WeightsMissing: If the file is not there.
            BadCheckpoint: If the file is no safetensors file or belongs to another network.
        """
        detector = cls()
        load_weights(detector, weights)
        return detector.eval()

    def forward(self, images: Tensor) -> DetectorOutputs:
        """All heads' raw outputs.

        Args:
            images: (B, 3, H, W) float32 RGB, 0..255, H and W multiples of 32.
        """
        features = self.pyramid(images.contiguous(memory_format=torch.channels_last))
        return DetectorOutputs(**{name: head(features) for name, head in self.heads.items()})

    @torch.inference_mode()
    def detect(self, image: np.ndarray, threshold: float = 0.2) -> list[Detection]:
        """Finds people.

        Args:
            image: (H, W, 3) uint8 RGB.
            threshold: Lowest score to report, 0..1.

        Returns:
            The people, best first, in pixels of `image`.

        Raises:
            BadInput: If the image has another shape or type, or is empty.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise BadInput(f"Expected an image as (height, width, 3) uint8 RGB, got {image.shape} {image.dtype}.")
        longest = max(image.shape[:2])
        # Enlarging an image shows nothing new: a small one is looked at once.
        scales = [scale for scale in _SCALES if scale <= longest] or [_SCALES[0]]
        people = [person for scale in scales for person in self._detect_at(image, scale / longest)]
        return suppress_duplicates([person for person in people if person.score >= threshold])

    def _detect_at(self, image: np.ndarray, scale: float) -> list[Detection]:
        """Decodes the image seen at one scale; in pixels of `image`."""
        canvas, scale_x, scale_y = letterbox(image, scale)
        device = self.pyramid.stem.weight.device
        batch = torch.from_numpy(canvas).to(device).permute(2, 0, 1)[None].float()  # (1, 3, H, W)
        height, width = image.shape[:2]
        people = []
        for person in decode_people(self(batch)):
            x, y, w, h = person.box
            left, right = (min(edge / scale_x, width) for edge in (x, x + w))
            top, bottom = (min(edge / scale_y, height) for edge in (y, y + h))
            keypoints = person.keypoints / np.array([scale_x, scale_y, 1.0], dtype=np.float32)
            people.append(replace(person, box=(left, top, right - left, bottom - top), keypoints=keypoints))
        return people


def letterbox(image: np.ndarray, scale: float) -> tuple[np.ndarray, float, float]:
    """Scales an image, then pads it with grey at the right and at the bottom to multiples of 32.

    Returns:
        The (H, W, 3) uint8 canvas, and the scales in x and y that rounding to whole pixels really gave.
    """
    height, width = image.shape[:2]
    inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    inner = cv2.resize(image, (inner_width, inner_height), interpolation=interpolation)
    padding = (-inner_height % _STRIDE, -inner_width % _STRIDE)
    canvas = np.pad(inner, ((0, padding[0]), (0, padding[1]), (0, 0)), constant_values=_PADDING)
    return canvas, inner_width / width, inner_height / height
