"""What training asks of a body model: poses and shapes in, vertices out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Self

from training.bodies.subject import Subject


class BodyModel(Protocol):
    """A posable mesh, of a person or a hand.

    People's poses are those of SMPL's first 22 joints, whatever the mesh's own skeleton; of meshes with fingers also
    those of all joints of SMPL-H (52) or SMPL-X (55).
    """

    name: str
    subject: Subject
    joint_count: int
    """J: how many joints a pose turns."""
    faces: np.ndarray
    """(F, 3) int32, counter-clockwise seen from outside."""
    vertex_count: int
    joint_regressor: np.ndarray
    """(K, V) float32: the evaluated joints from the vertices, rows sum to 1."""

    landmarks: tuple[int, ...]
    """Vertices of `MeshTopology.landmarks`; none if the mesh's are not known."""

    def sample_shapes(self, count: int, generator: torch.Generator) -> Tensor:
        """Random bodies: (count, S) shape coefficients."""
        ...

    def mean_shape(self) -> Tensor:
        """(S,) the average body."""
        ...

    def pose(self, rotations: Tensor, shapes: Tensor) -> Tensor:
        """Poses bodies by linear blend skinning, differentiably.

        Args:
            rotations: (B, J, 3, 3) parent-relative rotation matrices, for people in SMPL's order; the first turns
                the body's own frame (y up, facing +z; a hand's fingers up, its palm to +z) into the world (z up).
            shapes: (B, S).

        Returns:
            (B, V, 3) metres, world frame.
        """
        ...

    def subset(self, vertices: Tensor) -> Self:
        """The same body with only these vertices (indices), for speed where few are wanted."""
        ...

    def to(self, device: torch.device | str) -> Self:
        """Moves its tensors in place and returns itself."""
        ...
