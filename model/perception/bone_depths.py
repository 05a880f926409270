"""How deep bones point, by what BlazePose's features show of them.

From joints in the picture alone a limb that points to the camera and one that points away look alike, and the mesh
network answers with the likelier one, or with something between both. Shading, outlines and what hides what tell more.
A small network reads them out of the features that BlazePose has anyway, at the joints and in the middles of the bones,
and corrects the mesh network's depths. It was trained on rendered people: `training/depths`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import erf

from model.body.body_file import read_body_file, refusing_broken
from model.joints import BLAZEPOSE_COCO, COCO_BONES, COCO_JOINTS, COCO_MIRROR, COCO_ROOT

STARTS, ENDS = (list(joints) for joints in zip(*COCO_BONES))
_COCO = list(BLAZEPOSE_COCO)
_HIPS = [_COCO[joint] for joint in COCO_ROOT]
_MIRRORED = [(COCO_MIRROR[start], COCO_MIRROR[end]) for start, end in COCO_BONES]
BONES_MIRROR = [COCO_BONES.index(bone if bone in COCO_BONES else bone[::-1]) for bone in _MIRRORED]
"""For each bone, the index of its left-right counterpart,"""
MIRROR_SIGNS = np.array([1.0 if bone in COCO_BONES else -1.0 for bone in _MIRRORED])
"""and whether that goes the same way: from hip to hip it does not."""
_CHAIN = ((11, 13), (12, 14), (13, 15), (14, 16), (5, 7), (6, 8), (7, 9), (8, 10))
_EPSILON = 1e-5  # PyTorch's, of layer norms
LAYERS = ("first", "second")
TENSORS = (
    "local.scale", "local.shift", "bones.weight", "bones.bias", "enter.numbers", "enter.overall", "enter.bones",
    "enter.bias", *(f"{layer}.{part}" for layer in LAYERS for part in ("in", "in.bias", "out", "out.bias")), "leave",
    "leave.bias",
)  # fmt: skip
"""The network's tensors by their names in its file; matrices take rows from the left."""
FORMAT = "mpt-bone-depths-1"
_MAKER = "training.depths.train"


class BonesSeen(NamedTuple):
    """What is known of B people's bones."""

    numbers: np.ndarray
    """(B, N) float32: joints where they were seen and as they were lifted, metres."""
    local: np.ndarray
    """(B, 29, C) float32, see `PoseLandmarks`."""
    overall: np.ndarray
    """(B, D) float32, likewise."""
    lifted: np.ndarray
    """(B, 12) float32 metres by which the bones' ends are farther from the camera than their starts, as lifted."""


def gather(
    landmarks: np.ndarray,
    depths: np.ndarray,
    features: tuple[np.ndarray, np.ndarray],
    joints: np.ndarray,
    translations: np.ndarray,
    focal_length: float | np.ndarray,
    angles: np.ndarray,
) -> BonesSeen:
    """What is known of B people's bones.

    Args:
        landmarks: (B, 33, 3) BlazePose's: x, y in photo pixels and confidence, 0 of what is made up.
        depths: (B, 33) theirs, photo pixels away from the camera, from any origin.
        features: BlazePose's of the same look, (B, 29, C) and (B, D); see `PoseLandmarks`.
        joints: (B, 17, 3) COCO's as the mesh network lifted them, camera axes, metres, the hips' middle at the origin.
        translations: (B, 3) metres: where they stand before the camera.
        focal_length: pixels, of all or of each.
        angles: (B,) radians by which BlazePose's crops were turned, see `Crop`.
    """
    scale = (translations[:, 2] / focal_length)[:, None, None]  # metres a pixel
    cos, sin = np.cos(angles), np.sin(angles)
    axes = np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2).swapaxes(1, 2)
    place = (landmarks[..., :2] - landmarks[:, _HIPS, :2].mean(axis=1, keepdims=True)) * scale @ axes
    deep = (depths - depths[:, _HIPS].mean(axis=1, keepdims=True)) * scale[..., 0]
    before = joints @ _facing(translations)
    lifted = before[:, ENDS, 2] - before[:, STARTS, 2]
    seen = deep[:, _COCO]
    before[..., :2] = before[..., :2] @ axes
    parts = (place, deep, landmarks[..., 2], before, lifted, seen[:, ENDS] - seen[:, STARTS])
    numbers = np.concatenate([part.reshape(len(joints), -1) for part in parts], axis=1)
    local, overall = features
    return BonesSeen(*(each.astype(np.float32) for each in (numbers, local, overall, lifted)))


def _facing(translations: np.ndarray) -> np.ndarray:
    """(B, 3, 3) whose columns are the axes of cameras that look at people: to the right, down, away."""
    away = translations / np.linalg.norm(translations, axis=1, keepdims=True)
    right = np.cross((0.0, 1.0, 0.0), away)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(away, right), away], axis=2)


def joint_depths(bones: np.ndarray) -> np.ndarray:
    """(B, 17) metres that COCO's joints are farther from the camera than the hips' middle; the face as the shoulders.

    Args:
        bones: (B, 12) metres by which the ends of `COCO_BONES` are farther than their starts.
    """
    shoulders, hips, left, right, *limbs = bones.T
    deep = np.repeat(-(left + right)[:, None] / 2, len(COCO_JOINTS), axis=1)
    deep[:, 11], deep[:, 12] = -hips / 2, hips / 2
    deep[:, 5] -= shoulders / 2
    deep[:, 6] += shoulders / 2
    for (start, end), limb in zip(_CHAIN, limbs, strict=True):
        deep[:, end] = deep[:, start] + limb
    return deep


class BoneReader:
    """The network, which needs no PyTorch: it takes about a millisecond a person.

    Each bone's features, at both ends and in the middle, go through a layer of the bone's own; with all that is known
    of the joints they make a state, to which two residual layers add, and from which each bone's depth is corrected.

    Args:
        tensors: float32 arrays by their names in `TENSORS`.
    """

    def __init__(self, tensors: Sequence[np.ndarray]):
        self._tensors = dict(zip(TENSORS, tensors, strict=True))
        self._channels = len(self._tensors["local.scale"]), len(self._tensors["enter.overall"])

    @classmethod
    @cache
    def shipped(cls) -> BoneReader:
        """The one that comes with the project."""
        from weights import path

        return cls.load(path("anny-depths"))

    @classmethod
    def load(cls, path: Path) -> BoneReader:
        """Reads a network's file.

        Raises:
            BadData: it cannot be used; the message names it.
        """
        with refusing_broken(path, "network for bones' depths", _MAKER):
            _, tensors = read_body_file(path, FORMAT, TENSORS)
            if not all(np.isfinite(tensor).all() for tensor in tensors):
                raise ValueError("some of its numbers are not finite")
            reader = cls([tensor.astype(np.float32) for tensor in tensors])
            local, overall = reader._channels
            count = len(reader._tensors["enter.numbers"])
            nothing = BonesSeen(*(np.zeros((1, *shape), np.float32) for shape in (
                (count,), (len(COCO_JOINTS) + len(COCO_BONES), local), (overall,), (len(COCO_BONES),))))  # fmt: skip
            if reader(nothing).shape != (1, len(COCO_BONES)):
                raise ValueError("its tensors do not fit together")
            return reader

    def reads(self, local: np.ndarray, overall: np.ndarray) -> bool:
        """Whether features (..., 29, C) and (..., D) are of the network that it learned with: BlazePose in its size."""
        return (local.shape[-1], overall.shape[-1]) == self._channels

    def __call__(self, seen: BonesSeen) -> np.ndarray:
        """(B, 12) metres by which the ends of people's bones are farther from the camera than their starts."""
        of = self._tensors
        local = _norm(seen.local) * of["local.scale"] + of["local.shift"]
        pairs = np.concatenate([local[:, STARTS], local[:, ENDS], local[:, len(COCO_JOINTS) :]], axis=2)
        bones = _gelu(pairs.swapaxes(0, 1) @ of["bones.weight"] + of["bones.bias"][:, None]).swapaxes(0, 1)
        state = seen.numbers @ of["enter.numbers"] + seen.overall @ of["enter.overall"] + of["enter.bias"]
        state += bones.reshape(len(state), -1) @ of["enter.bones"]
        for layer in LAYERS:
            inner = _gelu(_norm(state) @ of[f"{layer}.in"] + of[f"{layer}.in.bias"])
            state += inner @ of[f"{layer}.out"] + of[f"{layer}.out.bias"]
        told: np.ndarray = seen.lifted + _norm(state) @ of["leave"] + of["leave.bias"]
        return told


def _norm(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=-1, keepdims=True)
    normed: np.ndarray = centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + _EPSILON)
    return normed


def _gelu(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = values * (0.5 * (1 + erf(values * np.sqrt(0.5).astype(values.dtype))))
    return found
