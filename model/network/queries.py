"""What a transformer asks for: a learned query for each joint and vertex, with its place on the template body."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.network.tokenizer import Tokens
from model.network.topology import MeshTopology


class JointQueries(nn.Module):
    """A query for each joint, which starts from what is seen of it.

    That is its place on the template body, what all heatmaps say together (the state of `PoseLift`), and the heatmap
    tokens in which it has heat. Queries that knew nothing stayed at the mean pose for many thousand samples.
    """

    def __init__(self, topology: MeshTopology, width: int, tokens: int, lift: int):
        """Makes queries of that width, for tokens and a state of these widths."""
        super().__init__()
        place = topology.joint_regressor @ topology.template / topology.unit
        self.register_buffer("template", place, persistent=False)
        self.query = nn.Parameter(torch.randn(len(place), width) * 0.02)
        self.place = nn.Linear(3, width)
        self.lift = nn.Linear(lift, len(place) * width)
        self.pool = nn.Linear(tokens, width)
        self.mask = nn.Parameter(torch.randn(width) * 0.02)

    def forward(self, tokens: Tokens, lifted: Tensor, masked: Tensor | None) -> Tensor:
        """(B, K, D) from the tokens, the lift's state (B, L), and which queries are hidden: (B, K) bool."""
        joints = self.query + self.place(self.template) + self.pool(tokens.joints)
        joints = joints + self.lift(lifted).unflatten(1, joints.shape[1:])
        if masked is None:
            return joints
        return torch.where(masked[..., None], self.mask + self.query, joints)


class VertexQueries(nn.Module):
    """A query for each coarse vertex."""

    def __init__(self, topology: MeshTopology, width: int):
        super().__init__()
        place = topology.template[topology.coarse] / topology.unit
        self.register_buffer("template", place, persistent=False)
        self.query = nn.Parameter(torch.randn(len(place), width) * 0.02)
        self.place = nn.Linear(3, width)
        self.mask = nn.Parameter(torch.randn(width) * 0.02)

    def forward(self, batch: int, masked: Tensor | None) -> Tensor:
        """(B, C, D), and which are hidden: (B, C) bool."""
        vertices = (self.query + self.place(self.template)).expand(batch, -1, -1)
        if masked is None:
            return vertices
        return torch.where(masked[..., None], self.mask, vertices)
