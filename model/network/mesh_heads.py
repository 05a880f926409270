"""Mesh heads: from a state, and where the joints are, to coarse vertices."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from model.network.topology import MeshTopology

_START = 1e-3  # a new head's weights: the first answer is what is expected
_LOOSE = 0.005  # of the unit: how far the mesh may leave joints where following them would tear it


class MeshHead(Protocol):
    """One of the modules of this file."""

    def __call__(self, state: Tensor, expected: Tensor, joints: Tensor) -> Tensor:
        """Vertices (B, C, 3).

        Args:
            state: (B, H); expected: (B, C, 3) or (C, 3), the vertices as they are known so far.
            joints: (B, K, 3) where the joints are said to be.
        """
        ...


class DenseMesh(nn.Module):
    """One linear map of the state to all vertices."""

    def __init__(self, width: int, vertices: int):
        super().__init__()
        self.linear = nn.Linear(width, vertices * 3)
        nn.init.normal_(self.linear.weight, std=_START)
        nn.init.zeros_(self.linear.bias)

    def forward(self, state: Tensor, expected: Tensor, joints: Tensor) -> Tensor:
        """See `MeshHead`; the joints are left to themselves."""
        return expected + self.linear(state).float().unflatten(1, (-1, 3))


class MeshBasis(nn.Module):
    """R directions in which posed meshes differ from the template, and how a mesh moves in them to follow its joints.

    128 carry anny's posed bodies, seen from anywhere, to 2.1 mm in the mean. They are fitted, not learned.
    """

    directions: Tensor
    gain: Tensor
    regressor: Tensor

    def __init__(self, rank: int, topology: MeshTopology):
        """Makes a basis of R directions, which are none until `fit`."""
        super().__init__()
        k, c = topology.joint_count, topology.coarse_count
        self.register_buffer("regressor", topology.coarse_regressor, persistent=False)
        self.register_buffer("directions", torch.zeros(rank, c * 3))
        self.register_buffer("gain", torch.zeros(k * 3, rank))

    @torch.no_grad()
    def fit(self, offsets: Tensor) -> None:
        """Takes the principal directions of posed meshes' offsets (N, C, 3), each as long as these vary in it."""
        flat = offsets.flatten(1).double()
        values, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))  # ascending
        principal = vectors.T * values.clamp(min=0).sqrt()[:, None]
        rank = min(len(self.directions), len(principal))
        self.directions.zero_()
        self.directions[:rank] = principal[-rank:].to(self.directions)
        # Weights vary by 1: the likeliest ones, given joints that are known but for _LOOSE, as in a Kalman filter.
        moved = (self.regressor @ self.directions.unflatten(1, (-1, 3))).flatten(1).double()  # (R, K * 3)
        spread = moved.T @ moved + _LOOSE**2 * torch.eye(moved.shape[1]).to(moved)
        self.gain.copy_(torch.linalg.solve(spread, moved.T))

    def forward(self, weights: Tensor) -> Tensor:
        """(B, R) weights to (B, C, 3) offsets."""
        return (weights @ self.directions).float().unflatten(1, (-1, 3))

    def follow(self, vertices: Tensor, joints: Tensor) -> Tensor:
        """Moves vertices (B, C, 3) so that the joints regressed from them are where they are said to be (B, K, 3)."""
        return vertices + self((joints - self.regressor @ vertices).flatten(1) @ self.gain)


class LowRankMesh(nn.Module):
    """A linear map of the state to the weights of a basis, whose mesh then follows the joints."""

    def __init__(self, width: int, basis: MeshBasis):
        super().__init__()
        self.basis = basis
        self.weights = nn.Linear(width, len(basis.directions))
        nn.init.normal_(self.weights.weight, std=_START)
        nn.init.zeros_(self.weights.bias)

    def forward(self, state: Tensor, expected: Tensor, joints: Tensor) -> Tensor:
        """See `MeshHead`."""
        return self.basis.follow(expected + self.basis(self.weights(state)), joints)
