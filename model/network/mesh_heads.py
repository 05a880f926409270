"""Mesh heads: a state to how far each coarse vertex is from where it is expected."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_START = 1e-3  # a new head's weights: the first answer is what is expected


class DenseMesh(nn.Module):
    """One linear map to all C vertices: (B, H) to (B, C, 3)."""

    def __init__(self, width: int, vertices: int):
        super().__init__()
        self.linear = nn.Linear(width, vertices * 3)
        nn.init.normal_(self.linear.weight, std=_START)
        nn.init.zeros_(self.linear.bias)

    def forward(self, state: Tensor) -> Tensor:
        return self.linear(state).float().unflatten(1, (-1, 3))


class MeshBasis(nn.Module):
    """R directions in which posed meshes differ from the template, learned on from where `fit` puts them.

    128 carry anny's posed bodies, seen from anywhere, to 2.1 mm in the mean.
    """

    def __init__(self, rank: int, vertices: int):
        super().__init__()
        self.directions = nn.Parameter(0.1 * torch.randn(rank, vertices * 3) / rank**0.5)

    @torch.no_grad()
    def fit(self, offsets: Tensor) -> None:
        """Starts with the principal directions of posed meshes' offsets (N, C, 3), each as long as these vary in it."""
        flat = offsets.flatten(1).double()
        values, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))  # ascending
        principal = vectors.T * values.clamp(min=0).sqrt()[:, None]
        rank = min(len(self.directions), len(principal))
        self.directions.zero_()
        self.directions[:rank] = principal[-rank:].to(self.directions)

    def forward(self, weights: Tensor) -> Tensor:
        """(B, R) weights to (B, C, 3) offsets."""
        return (weights @ self.directions).float().unflatten(1, (-1, 3))


class LowRankMesh(nn.Module):
    """A linear map to the weights of a basis: (B, H) to (B, C, 3)."""

    def __init__(self, width: int, basis: MeshBasis):
        super().__init__()
        self.basis = basis
        self.weights = nn.Linear(width, len(basis.directions))
        nn.init.normal_(self.weights.weight, std=_START)
        nn.init.zeros_(self.weights.bias)

    def forward(self, state: Tensor) -> Tensor:
        return self.basis(self.weights(state))
