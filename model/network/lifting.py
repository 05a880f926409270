"""Lifting joints' readouts to a first guess of the pose: a residual network over all of them at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.network.heatmaps import read_heatmaps
from model.network.topology import MeshTopology

_CAMERA_START = (0.9, 0.0, 0.0)  # a standing adult, or a hand in decimetres, centred, fills the crop about so


class MeshPrediction(NamedTuple):
    """What the transformer answers, root at the origin but for the network's error."""

    vertices: Tensor
    """(B, C, 3) coarse vertices, camera frame, metres."""
    joints: Tensor
    """(B, K, 3) joints, likewise."""
    camera: Tensor
    """(B, 3) weak perspective s, tx, ty; see `project_weak_perspective`."""


class PoseLift(nn.Module):
    """A residual network over all joints' readouts at once: a state that joint queries start from, and a first guess.

    Attention learns to combine 17 joints slowly; dense layers combine them at once and cost little. Alone it is the
    classical lifting baseline (Martinez et al., ICCV 2017) with a mesh; pre-training begins with it alone.
    """

    def __init__(self, hidden: int, topology: MeshTopology, maps: int | None = None):
        """A network for as many maps as joints, or for that many."""
        super().__init__()
        self.joints, self.points = topology.joint_count, topology.joint_count + topology.coarse_count
        template = torch.cat([topology.joint_regressor @ topology.template, topology.template[topology.coarse]])
        self.register_buffer("template", template / topology.unit, persistent=False)
        self.enter = nn.Linear((maps or self.joints) * 5, hidden)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, hidden))
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(hidden)
        self.guess = nn.Linear(hidden, self.points * 3 + 3)
        nn.init.normal_(self.guess.weight, std=1e-3)
        nn.init.zeros_(self.guess.bias)

    def forward(self, readout: Tensor) -> tuple[Tensor, MeshPrediction]:
        """(B, K, 5) readouts to the state (B, hidden) and the first guess, lengths in the topology's unit."""
        state = self.enter(readout.flatten(1))
        for layer in self.layers:
            state = state + layer(state)
        state = self.norm(state)
        offsets, camera = self.guess(state).float().split([self.points * 3, 3], dim=1)
        points = self.template + offsets.unflatten(1, (self.points, 3))
        joints, vertices = points.split([self.joints, self.points - self.joints], dim=1)
        return state, MeshPrediction(vertices, joints, camera + camera.new_tensor(_CAMERA_START))


def in_metres(answer: MeshPrediction, unit: float) -> MeshPrediction:
    """Lengths in a unit of so many metres, to metres."""
    scale, shift = answer.camera.split([1, 2], dim=1)
    return MeshPrediction(answer.vertices * unit, answer.joints * unit, torch.cat([scale / unit, shift], dim=1))


class LiftNetwork(nn.Module):
    """`PoseLift` alone, with the interface of `MeshTransformer`; it has no queries that masks could hide."""

    def __init__(self, lift: PoseLift, unit: float):
        super().__init__()
        self.lift, self.unit = lift, unit

    def forward(self, heatmaps: Tensor, *_: Tensor) -> MeshPrediction:
        """Heatmaps (B, K, S, S), or what is read from them (B, K, 5), to the first guess."""
        readout = heatmaps if heatmaps.ndim == 3 else read_heatmaps(heatmaps).features()
        return in_metres(self.lift(readout)[1], self.unit)
