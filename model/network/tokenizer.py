"""Heatmaps to tokens: patches of all maps embedded together (section 3.1.1), and each joint's own share of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Tokens(NamedTuple):
    """What the encoder reads of a stack of maps."""

    patches: Tensor
    """(B, T, E) one token a patch."""
    joints: Tensor
    """(B, K, E) for each joint the mean of the patches, weighted by its heat in them; or (B, 1, E), one for all."""


class HeatmapTokenizer(nn.Module):
    """Splits heatmaps into patches and embeds each as a token, keeping all or the fullest."""

    def __init__(self, maps: int, size: int, patch: int, width: int, budget: int | None = None):
        """Makes a tokenizer.

        Args:
            maps: K; size: cells on a side of a map; patch: cells on a side of a patch; width: E.
            budget: how many tokens are kept, those with the most heat; None keeps all.
        """
        super().__init__()
        self.maps, self.patch, self.budget = maps, patch, budget
        count = (size // patch) ** 2
        self.mlp = nn.Sequential(nn.Linear(maps * patch * patch, width), nn.GELU(), nn.Linear(width, width))
        self.position = nn.Parameter(torch.randn(count, width) * 0.02)

    def forward(self, heatmaps: Tensor) -> Tokens:
        """Tokens of heatmaps (B, K, S, S)."""
        patches, heat = self.embed(heatmaps)
        return Tokens(patches, (heat / (heat.sum(dim=-1, keepdim=True).abs() + 1e-3)) @ patches)

    def embed(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, E), and each map's heat in each token's patch (B, K, T)."""
        b, k, size, _ = heatmaps.shape
        grid, p = size // self.patch, self.patch
        patches = heatmaps.view(b, k, grid, p, grid, p).permute(0, 2, 4, 1, 3, 5).reshape(b, grid * grid, k, p * p)
        heat = patches.sum(dim=-1)  # (B, T, K)
        position = self.position.expand(b, -1, -1)
        if self.budget is not None and self.budget < grid * grid:
            kept = heat.sum(dim=-1).topk(self.budget, dim=1).indices  # (B, budget)
            patches = patches.gather(1, kept[..., None, None].expand(-1, -1, k, p * p))
            heat = heat.gather(1, kept[..., None].expand(-1, -1, k))
            position = position.gather(1, kept[..., None].expand(-1, -1, position.shape[-1]))
        return self.mlp(patches.flatten(2)) + position, heat.transpose(1, 2)
