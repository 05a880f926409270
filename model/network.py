"""What runs the networks: the border between numpy here and PyTorch or ONNX Runtime behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from model.topology import MeshTopology


class Placed(NamedTuple):
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
class About:
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


class Network(Protocol):
    """The mesh network and those that find its subject, on some device. Calls from several threads are allowed."""

    @property
    def about(self) -> About:
        """What it is."""

    @property
    def runtime(self) -> str:
        """Who runs it, such as "PyTorch on cpu, float32"."""

    @property
    def topology(self) -> MeshTopology:
        """What training and evaluation ask of the mesh; only PyTorch's engine knows it.

        Raises:
            BadInput: this engine does not.
        """

    def find(self, detector: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """Runs one of the networks that find the subject.

        Args:
            detector: its name, one of its subject's.
            images: (B, H, W, 3) uint8 RGB, of a size that it takes.

        Returns:
            Its raw outputs, the batch first, in the order of its named tuple.
        """

    def place(self, pixels: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> Placed:
        """Runs the mesh network on subjects, who may be of different photos.

        Args:
            pixels: (B, S, S, 3) uint8 RGB, S = `about.crop_size`, one subject in the middle of each crop.
            crops: (B, 3) float32 where the crops are: their centre's x and y and their side, photo pixels.
            cameras: (B, 3) float32 focal length and principal point x, y of their photos, pixels.

        Returns:
            Numpy arrays.
        """
