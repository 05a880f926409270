"""A checkpoint for hands that was never trained: boxes for bones, and a network that answers about the resting hand.

Its resting hand is the drawn one (`drawn_hand`), so that its answers lie well on drawings of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from model.joints import HAND_JOINTS, HAND_ROOT
from model.network.build import build_network
from model.network.checkpoint import save_checkpoint
from model.network.lifting import _CAMERA_START, LiftNetwork
from model.network.sizes import TransformerSize
from model.network.topology import MeshTopology
from tests.support.drawn_hand import JOINTS
from tests.support.fake_reconstructor import CUBE_FACES

BONES = [(0 if joint % 4 == 1 else joint - 1, joint) for joint in range(1, 21)]
_METRES = 0.18 / 220  # a pixel of the drawing


def boxed_hand() -> MeshTopology:
    """160 vertices, all of them coarse; a joint is in the middle of its bones' ends."""
    joints = np.column_stack([(JOINTS - JOINTS[0]) * _METRES, np.zeros(21)])
    corners = np.array([(i & 1, i >> 1 & 1, i >> 2) for i in range(8)]) - 0.5  # x first
    vertices, faces, regressor = [], [], np.zeros((21, 8 * len(BONES)))
    for bone, (start, end) in enumerate(BONES):
        along = joints[end] - joints[start]
        across = np.cross(along, (0, 0, 1)) / np.linalg.norm(along)
        axes = np.stack([0.016 * across, along, 0.016 * np.cross(across, along) / np.linalg.norm(along)])
        vertices.append((joints[start] + joints[end]) / 2 + corners @ axes)
        faces.append(CUBE_FACES + 8 * bone)
        for joint, side in ((start, -0.5), (end, 0.5)):
            regressor[joint, 8 * bone + np.flatnonzero(corners[:, 1] == side)] = 1
    count = 8 * len(BONES)
    every = torch.arange(count)
    return MeshTopology(
        name="boxed-hand",
        joint_names=HAND_JOINTS,
        root_joints=HAND_ROOT,
        faces=torch.from_numpy(np.concatenate(faces)).long(),
        template=torch.from_numpy(np.concatenate(vertices)).float(),
        joint_regressor=torch.from_numpy(regressor / regressor.sum(axis=1, keepdims=True)).float(),
        coarse=every,
        neighbours=every[:, None],
        weights=torch.ones(count, 1),
    )


def save_boxed_hand(folder: Path) -> Path:
    """Writes the checkpoint; returns its file."""
    torch.manual_seed(0)
    topology = boxed_hand()
    size = TransformerSize("lift", 56, 8, (), heads=1, decoder=None, lift=32)
    model = build_network(size, topology)
    assert isinstance(model, LiftNetwork)
    # Where a hand lies in its crop, which is 1.4 times as large as the box of its joints.
    joints = topology.joint_regressor @ topology.template[:, :2]
    low, high = joints.amin(dim=0), joints.amax(dim=0)
    scale = 2 / (1.4 * (high - low).max())
    camera = torch.cat([scale[None] * topology.unit, -scale * (low + high) / 2])
    with torch.no_grad():
        model.lift.joints.weight *= 0.1
        model.lift.mesh.linear.weight *= 0.1
        model.lift.joints.bias[-3:] = camera - torch.tensor(_CAMERA_START)
    card = {"name": "boxed-hand", "mode": "zero-shot", "backbone": "handlandmark-full", "subject": "hand"}
    file = folder / "boxed-hand.safetensors"
    save_checkpoint(file, model, topology, card)
    return file
