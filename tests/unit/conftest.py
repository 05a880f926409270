"""A small body and its topology, made by formula, so that unit tests need neither files nor minutes."""

from __future__ import annotations

import pytest
import torch

from model.joints import COCO_JOINTS, COCO_ROOT
from model.network.sizes import TransformerSize
from model.network.topology import MeshTopology


@pytest.fixture
def topology() -> MeshTopology:
    """A tube of 60 vertices with 17 joints inside, 12 coarse vertices."""
    rings, around = 10, 6
    height = torch.linspace(-0.9, 0.8, rings).repeat_interleave(around)
    angle = torch.arange(around).repeat(rings) * (2 * torch.pi / around)
    template = torch.stack([0.2 * angle.cos(), height, 0.2 * angle.sin()], dim=1)
    faces = []
    for ring in range(rings - 1):
        for i in range(around):
            a, b = ring * around + i, ring * around + (i + 1) % around
            faces += [(a, b, a + around), (b, b + around, a + around)]
    regressor = torch.rand(17, len(template), generator=torch.Generator().manual_seed(0)).pow(8)
    coarse = torch.arange(0, len(template), 5)
    square = torch.cdist(template, template[coarse])
    near = square.topk(3, largest=False).indices
    weights = torch.softmax(-square.gather(1, near), dim=1)
    return MeshTopology(
        name="tube",
        joint_names=COCO_JOINTS,
        root_joints=COCO_ROOT,
        faces=torch.tensor(faces),
        template=template,
        joint_regressor=regressor / regressor.sum(dim=1, keepdim=True),
        coarse=coarse,
        neighbours=near,
        weights=weights,
        landmarks=torch.tensor([2, 31, 58]),
    )


@pytest.fixture
def light_size() -> TransformerSize:
    """The layout of tiny and small, shrunk."""
    return TransformerSize("test", 56, 8, ((32, 2),), heads=2, decoder=(16, 1), lift=32, memory=16)
