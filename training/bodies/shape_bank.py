"""What our own meshes of anny share: arrays of a small file, principal shape directions, a bank of sample shapes."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot
from typing_extensions import Self

_SMALL_SHARE = 1e-4  # of a bone in a joint: without it joints are off by 0.01 mm


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

    def subset(self, vertices: Tensor) -> Self:
        """The same mesh with only these vertices (indices), for speed where few are wanted."""
        part = copy.copy(self)
        part.template, part.weights = self.template[vertices], self.weights[vertices]
        part.shape_directions = self.shape_directions[:, vertices]
        part.vertex_count = len(vertices)
        return part

    def carrying(self, regressor: Tensor, vertices: Tensor) -> tuple[Self, Tensor]:
        """Some vertices, and the few points that say where joints are, exactly as all vertices do.

        Skinning is linear: what a bone does to all vertices that a joint is regressed from, it does to their weighted
        mean. So a joint needs one point for each bone that has a share in it.

        Args:
            regressor: (K, V) rows sum to 1.
            vertices: (N,) which vertices there shall be too.

        Returns:
            A mesh of these N vertices and P points, and the regressor (K, N + P) of the same joints from it.
        """
        shares = regressor[:, :, None] * self.weights  # (K, V, bones)
        joint, bone = (shares.sum(dim=1).abs() > _SMALL_SHARE).nonzero(as_tuple=True)  # (P,) each
        share = shares.sum(dim=1)[joint, bone]
        means = shares[joint, :, bone] / share[:, None]  # (P, V)
        part = self.subset(vertices)
        part.template = torch.cat([part.template, means @ self.template])
        directions = torch.einsum("pv,svd->spd", means, self.shape_directions)
        part.shape_directions = torch.cat([part.shape_directions, directions], dim=1)
        part.weights = torch.cat([part.weights, one_hot(bone, self.weights.shape[1]).to(self.weights)])
        part.vertex_count = len(part.template)
        few = regressor.new_zeros(len(regressor), part.vertex_count)
        few[joint, torch.arange(len(vertices), part.vertex_count)] = share
        return part, few / few.sum(dim=1, keepdim=True)

    def mean_shape(self) -> Tensor:
        """(S,) zeros: the mean of the bank."""
        return torch.zeros_like(self.shapes[0])

    def sample_shapes(self, count: int, generator: torch.Generator) -> Tensor:
        """Shapes drawn from the bank, each blended a little with another: (count, S)."""
        pick = torch.randint(len(self.shapes), (2, count), generator=generator, device=self.shapes.device)
        blend = 0.3 * torch.rand(count, 1, generator=generator, device=self.shapes.device)
        return torch.lerp(self.shapes[pick[0]], self.shapes[pick[1]], blend)
