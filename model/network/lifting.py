"""Lifting joints' readouts to a first guess of the pose: a residual network over all of them at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.network.heatmaps import fitting_maps, read_heatmaps
from model.network.mesh_heads import MeshHead
from model.network.sizes import TransformerSize
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


class MeshNetwork(nn.Module):
    """What checkpoints hold: a module that answers heatmaps with a `MeshPrediction`."""

    size: TransformerSize
    """Its shape, as checkpoints keep it."""

    def forward(
        self,
        heatmaps: Tensor,
        masked_joints: Tensor | None = None,
        masked_vertices: Tensor | None = None,
        readout: Tensor | None = None,
    ) -> MeshPrediction:
        """Runs the network.

        Args:
            heatmaps: (B, K + L, S, S), S = `size.heatmap_size`, values 0..1; the landmarks' may be left out, as by 2D
                networks that see joints alone.
            masked_joints: (B, K) bool, and
            masked_vertices: (B, C) bool: queries hidden by Masked Vertex Modeling, in training only.
            readout: (B, K + L, 5) what is read from the heatmaps, where it is known; see `HeatmapReadout.features`.
        """
        raise NotImplementedError


class PoseLift(nn.Module):
    """A residual network over all joints' readouts at once: a state that joint queries start from, and a first guess.

    Attention learns to combine 17 joints slowly; dense layers combine them at once and cost little. Alone it is the
    classical lifting baseline (Martinez et al., ICCV 2017) with a mesh; pre-training begins with it alone.
    """

    template_joints: Tensor
    template_vertices: Tensor

    def __init__(self, hidden: int, topology: MeshTopology, mesh: MeshHead, maps: int | None = None):
        """Makes a network.

        Args:
            hidden: width of its state.
            topology: of the mesh.
            mesh: its mesh head.
            maps: how many maps it reads; None for one of each joint and landmark.
        """
        super().__init__()
        template = topology.template / topology.unit
        self.register_buffer("template_joints", topology.joint_regressor @ template, persistent=False)
        self.register_buffer("template_vertices", template[topology.coarse], persistent=False)
        self.maps = maps or topology.map_count
        self.enter = nn.Linear(self.maps * 5, hidden)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, hidden))
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(hidden)
        self.joints = nn.Linear(hidden, topology.joint_count * 3 + 3)
        nn.init.normal_(self.joints.weight, std=1e-3)
        nn.init.zeros_(self.joints.bias)
        self.mesh = mesh

    def forward(self, readout: Tensor, meshes: int | None = None) -> tuple[Tensor, MeshPrediction]:
        """The state and the first guess.

        Args:
            readout: (B, K + L, 5), see `HeatmapReadout.features`; or fewer maps', see `fitting_maps`.
            meshes: of how many samples, the first ones, vertices are wanted; None for all.

        Returns:
            (B, hidden), and the guess, lengths in the topology's unit.
        """
        state = self.enter(fitting_maps(readout, self.maps).flatten(1))
        for layer in self.layers:
            state = state + layer(state)
        state = self.norm(state)
        offsets, camera = self.joints(state).float().tensor_split([-3], dim=1)
        joints = self.template_joints + offsets.unflatten(1, (-1, 3))
        vertices = self.mesh(state[:meshes], self.template_vertices, joints[:meshes])
        return state, MeshPrediction(vertices, joints, camera + camera.new_tensor(_CAMERA_START))


def in_metres(answer: MeshPrediction, unit: float) -> MeshPrediction:
    """An answer whose lengths are in `unit` (metres each), in metres."""
    scale, shift = answer.camera.split([1, 2], dim=1)
    return MeshPrediction(answer.vertices * unit, answer.joints * unit, torch.cat([scale / unit, shift], dim=1))


class LiftNetwork(MeshNetwork):
    """`PoseLift` alone, with the interface of `MeshTransformer`; it has no queries that masks could hide."""

    def __init__(self, size: TransformerSize, unit: float, lift: PoseLift):
        super().__init__()
        self.size, self.unit, self.lift = size, unit, lift

    def forward(
        self,
        heatmaps: Tensor | None,
        masked_joints: Tensor | None = None,
        masked_vertices: Tensor | None = None,
        readout: Tensor | None = None,
        meshes: int | None = None,
    ) -> MeshPrediction:
        """The first guess, see `PoseLift.forward`; a readout is enough, so that heatmaps may be None then."""
        if readout is None:
            assert heatmaps is not None
            readout = read_heatmaps(heatmaps).features()
        return in_metres(self.lift(readout, meshes)[1], self.unit)
