"""The mirror image of a mesh: which vertex stands where its left-right counterpart stood."""

from __future__ import annotations

import torch
from scipy.spatial import cKDTree
from torch import Tensor

from model.network.topology import MeshTopology

_NEAR = 0.005  # metres, between a vertex of the resting body and the mirror image of its counterpart


class MeshMirror:
    """Mirrors coarse vertices of a topology whose resting body is the same left and right, as anny's and SMPL's are.

    The counterpart of a coarse vertex need not be a coarse one: it is made from them by the topology's own upsampling,
    which costs what upsampling costs, about a millimetre.
    """

    def __init__(self, topology: MeshTopology):
        """Finds each vertex' counterpart on the resting body; see `known`."""
        flipped = topology.template * torch.tensor([-1.0, 1.0, 1.0])
        distance, nearest = cKDTree(topology.template.numpy()).query(flipped[topology.coarse].numpy())
        counterparts = torch.from_numpy(nearest)
        self.known = bool(distance.max() < _NEAR)
        """Whether the mesh is the same left and right; if not, its mirror image is not known."""
        self._neighbours = topology.neighbours[counterparts]  # (C, N)
        self._weights = topology.weights[counterparts]

    def __call__(self, vertices: Tensor) -> Tensor:
        """Coarse vertices (C, 3), root at the origin, of the person mirrored at x = 0: (C, 3)."""
        made = (vertices[self._neighbours] * self._weights[..., None]).sum(dim=1)
        return made * vertices.new_tensor([-1.0, 1.0, 1.0])
