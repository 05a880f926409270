"""What runs the networks: the border between numpy here and PyTorch or ONNX Runtime behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from model.errors import BadCheckpoint

Box = tuple[float, float, float, float]
"""x, y, width, height in photo pixels."""

CROP_SCALE = 1.25
"""Side of people's crops by the longer side of their boxes, in photos and in pre-training."""

DETECTORS = {
    "body": ("movenet-multipose",),
    "hand": ("handdetect", "handlandmark-full", "movenet-multipose"),
}
"""The published networks that find each subject, by the names of their weights."""

LANDMARKS = "blazepose-heavy"
"""The published network that sees people's landmarks; what it is sure of goes to the mesh network as drawn heatmaps."""


def detectors_of(subject: str) -> tuple[str, ...]:
    """The networks that find a subject, which checkpoints' cards name.

    Raises:
        BadCheckpoint: there is no such subject.
    """
    if subject not in DETECTORS:
        raise BadCheckpoint(f"The subject {subject!r} is unknown here: this version knows {', '.join(DETECTORS)}.")
    return DETECTORS[subject]


class DetectorOutputs(NamedTuple):
    """What the detector's heads predict a cell, at a quarter of the input's size: tensors in it, numpy outside of it.

    Attributes:
        heatmap: (B, 17, h, w) logits: a joint is here.
        center: (B, 1, h, w) logits: a person's centre is here.
        displacement: (B, 34, h, w) dy, dx to each joint of the person whose centre is here, in cells.
        offset: (B, 34, h, w) dy, dx within the cell of each joint that is here, in cells.
        box_offset: (B, 2, h, w) dy, dx to the middle of that person's box, in cells.
        box_size: (B, 2, h, w) height, width of that box, in cells.
    """

    heatmap: Any
    center: Any
    displacement: Any
    offset: Any
    box_offset: Any
    box_size: Any


POINTS = 7
"""Of a palm: wrist, the bases of the index, middle, ring and little finger, the thumb's base and its next joint."""


class PalmOutputs(NamedTuple):
    """What the detector says of each of its A anchors: tensors in it, numpy arrays outside of it.

    Attributes:
        scores: (B, A) logits: here is a palm.
        boxes: (B, A, 4) its middle's x and y, its width and height, in pixels of the input.
        points: (B, A, 7, 2) x, y of its `POINTS`, likewise.
    """

    scores: Any
    boxes: Any
    points: Any


class Landmarks(NamedTuple):
    """What the landmark network says of crops, each a hand or not: tensors in it, numpy arrays outside of it.

    Attributes:
        points: (B, 21, 3) x, y in pixels of the crop and z in the same unit, relative to the wrist.
        presence: (B,) 0..1, that there is a hand.
        right: (B,) 0..1, that it is a right one.
    """

    points: Any
    presence: Any
    right: Any


class PoseLandmarks(NamedTuple):
    """What BlazePose says of crops, one person in the middle of each: tensors in it, numpy arrays outside of it.

    Attributes:
        points: (B, 39, 2) x, y in pixels of the crop: its 33 landmarks and six auxiliary points.
        peaks: (B, 39) 0..1, how high each one's heatmap is.
        depths: (B, 39) how far each one is away from the camera, from the middle of the hips, in BlazePose's own units.
        mask: (B, 128, 128) 0..1, whether two by two pixels of the crop are the person's.
        local: (B, 29, C) its features where COCO's joints are, then in the middles of `COCO_BONES`.
        overall: (B, D) its last features, of the whole crop.
    """

    points: Any
    peaks: Any
    depths: Any
    mask: Any
    local: Any
    overall: Any


class CameraSpaceMeshes(NamedTuple):
    """Subjects before the cameras of their photos; tensors within the network, numpy arrays outside of it.

    Camera frame: x right, y down, z forward, metres, the root (a body's pelvis, a hand's wrist) at the origin.
    """

    vertices: Any
    """(B, V, 3) float32."""
    joints: Any
    """(B, K, 3) float32."""
    keypoints: Any
    """(B, K, 3) float32 x, y in photo pixels and confidence in 0..1, as the 2D network saw them."""
    translation: Any
    """(B, 3) float32 metres: a point p of the person projects from p + translation."""
    weak_perspective: Any
    """(B, 3) float32 s, tx, ty: crop coordinates in -1..1 are s * (x, y) + (tx, ty)."""


@dataclass(frozen=True)
class NetworkInfo:
    """What a network is, whoever runs it."""

    name: str
    size: str
    """Of the transformer, such as "tiny"."""
    mode: str
    """"zero-shot" or "fine-tuned"."""
    card: dict[str, Any]
    """The checkpoint's model card."""
    subject: str
    """What it reconstructs, "body" or "hand"."""
    faces: np.ndarray
    """(F, 3) int32, counter-clockwise seen from outside."""
    vertex_count: int
    joint_names: tuple[str, ...]
    crop_size: int
    """Pixels on a side of the crops that the network takes."""
    lifts: bool = False
    """Whether it lifts keypoints whoever found them, and `LANDMARKS` was loaded to find them; not so if the mesh
    network was fine-tuned with a backbone of its own, or is for one that its user brought."""


class Network(Protocol):
    """The mesh network and those that find its subject, on some device. Calls from several threads are allowed."""

    @property
    def info(self) -> NetworkInfo:
        """What it is."""

    @property
    def runtime(self) -> str:
        """Who runs it, such as "PyTorch on cpu, float32"."""

    def detect(self, detector: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """Runs one of the networks that find the subject.

        Args:
            detector: its name, one of its subject's.
            images: (B, H, W, 3) uint8 RGB, of a size that it takes.

        Returns:
            Its raw outputs, the batch first, in the order of its named tuple.
        """

    def regress(self, pixels: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        """Runs the mesh network on subjects, who may be of different photos.

        Args:
            pixels: (B, S, S, 3) uint8 RGB, S = `about.crop_size`, one subject in the middle of each crop.
            crops: (B, 3) float32 where the crops are: their centre's x and y and their side, photo pixels.
            cameras: (B, 3) float32 focal length and principal point x, y of their photos, pixels.

        Returns:
            Numpy arrays.
        """

    def lift(self, keypoints: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        """Runs the mesh network on keypoints, drawn as heatmaps; only where `info.lifts`.

        Args:
            keypoints: (B, N, 3) float32 x, y in photo pixels and confidence in 0..1: the K joints and, where they were
                seen, the landmarks of `BODY_LANDMARKS`. Networks take those that they know.
            crops: (B, 3) float32 the squares of the photos that the heatmaps cover, as for `regress`.
            cameras: (B, 3) float32, likewise.

        Returns:
            Numpy arrays.
        """
