"""Decoders: what is known of the joints to coarse vertices, as a correction of the first guess."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from model.network.encoder import Encoded
from model.network.layers import CrossBlock
from model.network.mesh_heads import DenseMesh, MeshHead
from model.network.queries import VertexQueries


class Decoder(Protocol):
    """A decoder of vertices, to be put into a `MeshTransformer`."""

    def __call__(self, encoded: Encoded, guess: Tensor, joints: Tensor, masked_vertices: Tensor | None) -> Tensor:
        """Coarse vertices (B, C, 3) from what is encoded and the first guess (B, C, 3).

        Args:
            encoded: see there; guess: in the unit of the answer; joints: (B, K, 3) the network's answer, likewise.
            masked_vertices: (B, C) bool: queries that are hidden.
        """
        ...


def small_head(width: int) -> nn.Linear:
    """A linear map to three numbers that starts near zero."""
    head = nn.Linear(width, 3)
    nn.init.normal_(head.weight, std=1e-2)
    nn.init.zeros_(head.bias)
    return head


class VertexHead(nn.Module):
    """Reads vertices off the tokens that the encoder made of their queries: the paper's layout."""

    def __init__(self, width: int):
        super().__init__()
        self.head = small_head(width)

    def forward(self, encoded: Encoded, guess: Tensor, joints: Tensor, _: Tensor | None) -> Tensor:
        """See `Decoder`."""
        assert encoded.vertices is not None
        return guess + self.head(encoded.vertices)


class QueryDecoder(nn.Module):
    """One linear map of the joint tokens corrects the mesh; vertex queries take that in and correct it again.

    Vertex queries attend to the joint tokens alone, as in FastMETRO.
    """

    def __init__(self, vertices: VertexQueries, width: int, layers: int, joints: int, memory: int):
        """Makes a decoder of so many layers, for `joints` tokens of the width `memory`."""
        super().__init__()
        self.vertices = vertices
        self.skip = DenseMesh(joints * memory, len(vertices.query))
        self.skip_place = nn.Linear(3, width)
        self.blocks = nn.ModuleList(CrossBlock(width, max(1, width // 64), memory, ratio=2) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = small_head(width)

    def forward(self, encoded: Encoded, guess: Tensor, joints: Tensor, masked_vertices: Tensor | None) -> Tensor:
        """See `Decoder`."""
        coarse = self.skip(encoded.joints.flatten(1), guess, joints)
        vertices = self.vertices(len(guess), masked_vertices) + self.skip_place(coarse)
        for block in self.blocks:
            vertices = block(vertices, encoded.joints)
        return coarse + self.head(self.norm(vertices))


class MeshDecoder(nn.Module):
    """One map of all joint tokens together corrects the mesh: no queries, a hundredth of their cost."""

    def __init__(self, mesh: MeshHead):
        """Makes a decoder of a mesh head."""
        super().__init__()
        self.mesh = mesh

    def forward(self, encoded: Encoded, guess: Tensor, joints: Tensor, _: Tensor | None) -> Tensor:
        """See `Decoder`."""
        vertices: Tensor = self.mesh(encoded.joints.flatten(1), guess, joints)
        return vertices
