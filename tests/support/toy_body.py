"""A body that is a tube, its motion capture, and a network that always answers the same, for tests of evaluation."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from model.network.checkpoint import Checkpoint
from model.network.lifting import MeshPrediction
from model.network.topology import MeshTopology
from training.bodies.subject import BODY
from training.evaluation.candidates import Evaluated
from training.mocap.poses import MocapPoses

SIZE = 56


class ToyBody:
    """A tube with limbs' worth of freedom: the root turns it, the left hip turns its lower half."""

    subject, joint_count = BODY, 22

    def __init__(self, topology: MeshTopology):
        self.name, self.faces = "tube", topology.faces.numpy().astype(np.int32)
        self.joint_regressor = topology.joint_regressor.numpy()
        self.vertex_count = topology.vertex_count
        self.landmarks = tuple(topology.landmarks.tolist())
        self.rest = topology.template * torch.tensor([1.0, -1.0, -1.0])  # camera frame to its own, y up

    def sample_shapes(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.rand(count, 1, generator=generator)

    def mean_shape(self) -> Tensor:
        return torch.zeros(1)

    def pose(self, rotations: Tensor, shapes: Tensor) -> Tensor:
        low = (self.rest[:, 1] < 0)[:, None]
        bent = torch.where(low, self.rest @ rotations[:, 1].mT, self.rest)
        return (bent * (1 + 0.1 * shapes[:, None])) @ rotations[:, 0].mT

    def subset(self, vertices: Tensor) -> ToyBody:
        body = copy.copy(self)
        body.rest, body.vertex_count = self.rest[vertices], len(vertices)
        return body

    def to(self, _: object) -> ToyBody:
        return self


class StandIn(nn.Module):
    """Answers the same body always, or NaN; notes the heatmaps it was shown."""

    def __init__(self, topology: MeshTopology, size: int = SIZE, answer: float = 1.0):
        super().__init__()
        self.size: Any = SimpleNamespace(heatmap_size=size)
        self.coarse = topology.template[topology.coarse] * answer
        self.joints = topology.joint_regressor[:, : len(topology.template)] @ topology.template
        self.shown: list[Tensor] = []

    def forward(self, heatmaps: Tensor) -> MeshPrediction:
        self.shown.append(heatmaps)
        batch = len(heatmaps)
        return MeshPrediction(
            self.coarse.expand(batch, -1, -1), self.joints.expand(batch, -1, -1), torch.ones(batch, 3)
        )


def poses(count: int, seed: int, subjects: tuple[str, ...] = ("CMU/02", "CMU/08")) -> MocapPoses:
    rng = np.random.default_rng(seed)
    rotations = np.zeros((count, 22, 3), np.float32)
    rotations[:, 0, 0] = np.pi / 2  # upright
    rotations[:, 1] = rng.normal(0, 0.6, (count, 3))
    names = np.array([subjects[i % len(subjects)] for i in range(count)], dtype=object)
    clips = np.array([f"{name}/clip_{i // 4}.npz" for i, name in enumerate(names)], dtype=object)
    return MocapPoses(rotations, names, clips)


def network_of(topology: MeshTopology, name: str = "net", card: dict[str, Any] | None = None, **more: Any) -> Evaluated:
    stand_in: Any = StandIn(topology, **more)
    return Evaluated(
        name, Path(f"{name}.safetensors"), Checkpoint(stand_in, topology, None, card or {}), torch.device("cpu")
    )
