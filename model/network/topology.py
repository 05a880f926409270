"""What a checkpoint needs to know of its mesh: faces, joint regressor, coarse vertices, coarse-to-full upsampling."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from model.errors import BadCheckpoint

_NEAR = 6  # neighbours of a vertex in a triangle mesh, in the mean


@dataclass(frozen=True)
class MeshTopology:
    """One mesh of V vertices, the K joints that hang on it, and the C coarse vertices that stand for it."""

    name: str
    joint_names: tuple[str, ...]
    root_joints: tuple[int, ...]
    """The origin of every mesh is the mean of these joints (for a body the hips)."""
    faces: Tensor
    """(F, 3) int64, counter-clockwise seen from outside."""
    template: Tensor
    """(V, 3) the resting body, camera frame, metres, root at the origin."""
    joint_regressor: Tensor
    """G of Eq. 4: (K, V), rows sum to 1."""
    coarse: Tensor
    """(C,) int64: the full vertices that are the coarse ones."""
    neighbours: Tensor
    """(V, N) int64: the coarse vertices from which each full vertex is made."""
    weights: Tensor
    """(V, N) their weights; rows sum to 1."""
    landmarks: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    """(L,) int64: full vertices that some 2D networks see beside the joints: of a body `BODY_LANDMARKS`, or none."""

    @property
    def joint_count(self) -> int:
        return len(self.joint_names)

    @property
    def map_count(self) -> int:
        """K + L: of how many points a network reads heatmaps, the joints' first."""
        return self.joint_count + len(self.landmarks)

    @property
    def vertex_count(self) -> int:
        return len(self.template)

    @property
    def coarse_count(self) -> int:
        return len(self.coarse)

    @cached_property
    def unit(self) -> float:
        """Metres, the power of ten nearest to the mesh's size: 1 for bodies, 0.1 for hands.

        Networks answer in it, so that the same first weights, losses and learning rates do for both.
        """
        size = float((self.template.amax(dim=0) - self.template.amin(dim=0)).max())
        return 10.0 ** round(math.log10(size)) if size > 0 else 1.0

    @cached_property
    def coarse_regressor(self) -> Tensor:
        """(K, C): G after upsampling, so that joints can be regressed from coarse vertices directly."""
        upsampling = torch.zeros(self.vertex_count, self.coarse_count)
        upsampling.scatter_add_(1, self.neighbours, self.weights)
        return self.joint_regressor @ upsampling

    @cached_property
    def coarse_seen(self) -> Tensor:
        """(K + L, C): the joints and then the landmarks from coarse vertices."""
        rows = torch.zeros(len(self.landmarks), self.coarse_count)
        rows.scatter_add_(1, self.neighbours[self.landmarks], self.weights[self.landmarks])
        return torch.cat([self.coarse_regressor, rows])

    @cached_property
    def coarse_edges(self) -> Tensor:
        """(E, 2) int64: the pairs of coarse vertices (their indices among the C) that are near on the resting body."""
        places = self.template[self.coarse]
        distance = torch.cdist(places, places).fill_diagonal_(torch.inf)
        near = distance.topk(min(_NEAR, self.coarse_count - 1), largest=False).indices  # (C, 6)
        pairs = torch.stack([torch.arange(self.coarse_count)[:, None].expand_as(near), near], dim=-1).flatten(0, 1)
        return pairs.sort(dim=1).values.unique(dim=0)

    @cached_property
    def fingerprint(self) -> str:
        """Tells two topologies apart: a checkpoint runs only on the one it was trained with."""
        digest = hashlib.sha256()
        for tensor in (self.faces, self.coarse, self.neighbours):
            digest.update(tensor.to(torch.int32).contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def upsample(self, coarse: Tensor) -> Tensor:
        """Full vertices (B, V, 3) from coarse ones (B, C, 3)."""
        neighbours, weights = self.neighbours.to(coarse.device), self.weights.to(coarse)
        # One neighbour at a time: the (B, V, N, 3) gather at once would be N times the mesh.
        return torch.stack([coarse[:, neighbours[:, n]] * weights[:, n, None] for n in range(weights.shape[1])]).sum(0)

    def root(self, joints: Tensor) -> Tensor:
        """The origin (B, 1, 3) of joints (B, K, 3)."""
        return joints[:, list(self.root_joints)].mean(dim=1, keepdim=True)

    def state(self) -> dict[str, Tensor]:
        """The tensors, in the smallest types that hold them."""
        tensors = {
            "faces": self.faces.to(torch.int32),
            "template": self.template.to(torch.float32),
            "joint_regressor": self.joint_regressor.to(torch.float16),
            "coarse": self.coarse.to(torch.int32),
            "neighbours": self.neighbours.to(torch.int16),
            "weights": self.weights.to(torch.float16),
        }
        if len(self.landmarks):
            tensors["landmarks"] = self.landmarks.to(torch.int32)
        return {name: tensor.contiguous() for name, tensor in tensors.items()}

    @classmethod
    def from_state(
        cls, name: str, joint_names: tuple[str, ...], root_joints: tuple[int, ...], state: Mapping[str, Tensor]
    ) -> MeshTopology:
        """The inverse of `state`, with every index checked: a checkpoint is a file from outside.

        Raises:
            BadCheckpoint: when a tensor is missing or an index points nowhere.
        """
        try:
            faces, coarse, neighbours = (state[k].to(torch.int64) for k in ("faces", "coarse", "neighbours"))
            template, regressor, weights = (
                state[k].to(torch.float32) for k in ("template", "joint_regressor", "weights")
            )
            landmarks = state.get("landmarks", torch.zeros(0)).to(torch.int64)
        except KeyError as missing:
            raise BadCheckpoint(f"The mesh topology lacks {missing}; export the checkpoint again.") from None
        vertices = len(template)
        sound = (
            faces.ndim == 2
            and faces.shape[1] == 3
            and regressor.shape == (len(joint_names), vertices)
            and weights.shape == neighbours.shape
            and len(weights) == vertices
            and all(t.min() >= 0 and t.max() < n for t, n in ((faces, vertices), (coarse, vertices)))
            and landmarks.ndim == 1
            and bool(((landmarks >= 0) & (landmarks < vertices)).all())
            and neighbours.min() >= 0
            and neighbours.max() < len(coarse)
            and all(0 <= j < len(joint_names) for j in root_joints)
        )
        if not sound:
            raise BadCheckpoint("The mesh topology contradicts itself; export the checkpoint again.")
        # Half precision lost a little of "rows sum to 1": a common factor is all it takes.
        regressor = regressor / regressor.sum(dim=1, keepdim=True)
        weights = weights / weights.sum(dim=1, keepdim=True)
        return cls(name, joint_names, root_joints, faces, template, regressor, coarse, neighbours, weights, landmarks)
