"""The layers that the mesh regression transformer is made of: attention, and pre-norm blocks around it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention from tokens (B, N, D) to a context (B, M, E)."""

    def __init__(self, width: int, heads: int, context: int | None = None):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(context or width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        b, n, width = tokens.shape
        query = self.query(tokens).view(b, n, self.heads, -1).transpose(1, 2)  # (B, H, N, D / H)
        pair = self.key_value(context).view(b, context.shape[1], 2, self.heads, -1)
        key, value = pair.permute(2, 0, 3, 1, 4).unbind(0)  # (B, H, M, D / H) each
        mixed = attend(query, key, value)
        return self.out(mixed.transpose(1, 2).reshape(b, n, width))


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention; spelled out on the CPU, where the fused kernel's backward is slower."""
    if query.is_cuda:
        return F.scaled_dot_product_attention(query, key, value)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    return scores.softmax(dim=-1) @ value


class SelfBlock(nn.Module):
    """A pre-norm transformer layer: attention among the tokens, then a feed-forward network."""

    def __init__(self, width: int, heads: int, ratio: int = 4):
        super().__init__()
        self.among_norm, self.among = nn.LayerNorm(width), Attention(width, heads)
        self.mlp = _feed_forward(width, ratio)

    def forward(self, tokens: Tensor) -> Tensor:
        normed = self.among_norm(tokens)
        tokens = tokens + self.among(normed, normed)
        return tokens + self.mlp(tokens)


class CrossBlock(nn.Module):
    """A pre-norm transformer layer: attention of the tokens to a memory, then a feed-forward network."""

    def __init__(self, width: int, heads: int, memory: int, ratio: int = 4):
        super().__init__()
        self.memory_norm, self.memory = nn.LayerNorm(width), Attention(width, heads, memory)
        self.mlp = _feed_forward(width, ratio)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        tokens = tokens + self.memory(self.memory_norm(tokens), memory)
        return tokens + self.mlp(tokens)


class SelfCrossBlock(nn.Module):
    """A pre-norm transformer layer: attention among the tokens, to a memory, then a feed-forward network."""

    def __init__(self, width: int, heads: int, memory: int, ratio: int = 4):
        super().__init__()
        self.among_norm, self.among = nn.LayerNorm(width), Attention(width, heads)
        self.memory_norm, self.memory = nn.LayerNorm(width), Attention(width, heads, memory)
        self.mlp = _feed_forward(width, ratio)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        normed = self.among_norm(tokens)
        tokens = tokens + self.among(normed, normed)
        tokens = tokens + self.memory(self.memory_norm(tokens), memory)
        return tokens + self.mlp(tokens)


def _feed_forward(width: int, ratio: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width)
    )
