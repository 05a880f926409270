"""Encoders: queries and tokens in, what is known of each joint (and vertex) out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from model.network.layers import SelfBlock, SelfCrossBlock
from model.network.queries import JointQueries, VertexQueries
from model.network.tokenizer import Tokens


class Encoded(NamedTuple):
    """What an encoder knows."""

    joints: Tensor
    """(B, K, D)."""
    vertices: Tensor | None
    """(B, C, D), where vertices are encoded too."""


class Encoder(Protocol):
    """An encoder of joints, to be put into a `MeshTransformer`."""

    width: int
    """D of what it answers."""

    def __call__(
        self, tokens: Tokens, lifted: Tensor, masked_joints: Tensor | None, masked_vertices: Tensor | None
    ) -> Encoded:
        """Encodes.

        Args:
            tokens: of the heatmaps; lifted: (B, L) the state of `PoseLift`.
            masked_joints: (B, K) bool; masked_vertices: (B, C) bool: queries that are hidden.
        """
        ...


class _Stack(nn.Module):
    """Blocks of falling width (METRO: 1024, 256, 128), each with some layers."""

    def __init__(self, blocks: Sequence[tuple[int, int]], heads: int, memory: int | None):
        super().__init__()
        self.blocks, self.narrow = nn.ModuleList(), nn.ModuleList()
        for (width, layers), (following, _) in zip(blocks, [*blocks[1:], blocks[-1]], strict=True):
            self.blocks.append(
                nn.ModuleList(
                    SelfBlock(width, heads) if memory is None else SelfCrossBlock(width, heads, memory)
                    for _ in range(layers)
                )
            )
            self.narrow.append(nn.Identity() if following == width else nn.Linear(width, following))
        self.width = blocks[-1][0]
        self.norm = nn.LayerNorm(self.width)

    def run(self, state: Tensor, *memory: Tensor) -> Tensor:
        """(B, N, first width) to (B, N, last width); with the memory, where the blocks attend to one."""
        for blocks, narrow in zip(self.blocks, self.narrow, strict=True):
            for block in blocks:  # type: ignore[attr-defined]
                state = block(state, *memory)
            state = narrow(state)
        return self.norm(state)


class JointEncoder(_Stack):
    """Joint queries attend to one another and to the heatmap tokens, which stay as they are."""

    def __init__(self, joints: JointQueries, blocks: Sequence[tuple[int, int]], heads: int, memory: int):
        """Makes an encoder; `memory` is the tokens' width."""
        super().__init__(blocks, heads, memory)
        self.joints = joints

    def forward(self, tokens: Tokens, lifted: Tensor, masked_joints: Tensor | None, _: Tensor | None) -> Encoded:
        """See `Encoder`."""
        return Encoded(self.run(self.joints(tokens, lifted, masked_joints), tokens.patches), None)


class SequenceEncoder(_Stack):
    """The paper's layout: joint queries, vertex queries and heatmap tokens in one sequence."""

    def __init__(self, joints: JointQueries, vertices: VertexQueries, blocks: Sequence[tuple[int, int]], heads: int):
        super().__init__(blocks, heads, None)
        self.joints, self.vertices = joints, vertices

    def forward(
        self, tokens: Tokens, lifted: Tensor, masked_joints: Tensor | None, masked_vertices: Tensor | None
    ) -> Encoded:
        """See `Encoder`."""
        joints = self.joints(tokens, lifted, masked_joints)
        vertices = self.vertices(len(joints), masked_vertices)
        k, c = joints.shape[1], vertices.shape[1]
        state = self.run(torch.cat([joints, vertices, tokens.patches], dim=1))
        return Encoded(state[:, :k], state[:, k : k + c])
