"""Scores on prepared images go as far as their truth: meshes, or limb joints alone."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model.errors import BadData
from model.joints import COCO_JOINTS, COCO_ROOT
from model.network.lifting import MeshPrediction
from model.network.topology import MeshTopology
from tests.support.standing_people import STANDING, KnownCamera
from training.evaluation.metrics import pa_mpjpe
from training.evaluation.prepared import errors_prepared, score_prepared
from training.images.sample import ImageSample, look_at_root
from training.images.shards import PreparedImages, write_shard

SIZE, C = 32, 20
LIMBS = torch.arange(17) >= 5


def topology() -> MeshTopology:
    """Coarse vertices are the vertices, the first 17 the joints."""
    own = torch.arange(C)[:, None]
    faces, places = torch.zeros(1, 3, dtype=torch.long), torch.randn(C, 3, generator=torch.Generator().manual_seed(0))
    return MeshTopology(
        "toy", COCO_JOINTS, COCO_ROOT, faces, places, torch.eye(17, C), torch.arange(C), own, torch.ones(C, 1)
    )


class Answers(nn.Module):
    """Always the same mesh, projected without a change."""

    def __init__(self, mesh: Tensor):
        super().__init__()
        self.mesh = nn.Parameter(mesh)
        self.mpt = SimpleNamespace(topology=topology())

    def forward(self, crops: Tensor) -> MeshPrediction:
        vertices = self.mesh.expand(len(crops), -1, -1)
        camera = torch.tensor([0.1, 0.0, 0.0]).expand(len(crops), 3)
        return MeshPrediction(vertices, vertices[:, :17], camera)


def images(folder: Path, vertices: Tensor, valid: Tensor | None, mesh: bool) -> PreparedImages:
    sample = ImageSample(
        name="x",
        image=torch.zeros(3, SIZE, SIZE, dtype=torch.uint8),
        vertices=vertices if mesh else None,
        joints=vertices[:17],
        joints_valid=valid,
        joints_2d=(0.1 * vertices[:17, :2] + 1) * SIZE / 2,
    )
    write_shard(folder / "validation-00000.safetensors", [sample, sample], {"size": SIZE}, C)
    return PreparedImages(folder, "validation")


def test_a_mesh_is_scored_whole(tmp_path: Path) -> None:
    """One joint and one other vertex are 30 mm off."""
    truth, off = topology().template, topology().template.clone()
    off[[0, 18], 2] += 0.03
    network: Any = Answers(off)
    scores = score_prepared(network, images(tmp_path, truth, None, mesh=True))
    assert scores["MPJPE"] == pytest.approx(30 / 17, rel=1e-3) and scores["MPVE"] == pytest.approx(60 / C, rel=1e-3)
    aligned = 1000 * pa_mpjpe(off[None, :17], truth[None, :17])
    assert scores["PA-MPJPE"] == pytest.approx(float(aligned), rel=1e-3)


def test_limbs_alone_are_scored_as_limbs(tmp_path: Path) -> None:
    """The nose, which is wrong, is not known to be; the left wrist is 12 mm off."""
    truth, off = topology().template, topology().template.clone()
    off[0] += 1.0
    off[9, 0] += 0.012
    network: Any = Answers(off)
    errors = errors_prepared(network, images(tmp_path, truth, LIMBS, mesh=False))
    assert errors.shape == (2, 4)
    assert errors[0, 1] == pytest.approx(1.0, rel=1e-3) and math.isnan(errors[0, 2])
    aligned = 1000 * pa_mpjpe(off[None, 5:17], truth[None, 5:17])
    assert errors[0, 0] == pytest.approx(float(aligned), rel=1e-3)


def test_unknown_hips_get_a_sentence(tmp_path: Path) -> None:
    network: Any = Answers(topology().template)
    with pytest.raises(BadData, match="3D joints are not known"):
        errors_prepared(network, images(tmp_path, topology().template, torch.arange(17) != 11, mesh=False))


def test_up_is_scored_in_the_photos_axes(tmp_path: Path) -> None:
    """Somebody at the photo's edge stands before a camera that looks down by 12 degrees; the second is unknown."""
    camera = KnownCamera(-12.0)
    joints = torch.from_numpy(camera.see(STANDING + np.array([2.0, 0, -3.0])))
    root = joints[[11, 12]].mean(dim=0)
    turn = look_at_root(root)
    mesh = torch.zeros(C, 3)
    mesh[:17] = ((joints - root) @ turn).float()
    known = ImageSample(
        "x",
        torch.zeros(3, SIZE, SIZE, dtype=torch.uint8),
        joints=mesh[:17],
        joints_2d=torch.full((17, 2), SIZE / 2),
        translation=root.float(),
        up=(torch.from_numpy(camera.up) @ turn).float(),
    )
    write_shard(
        tmp_path / "validation-00000.safetensors", [known, dataclasses.replace(known, up=None)], {"size": SIZE}, C
    )
    network: Any = Answers(mesh)
    errors = errors_prepared(network, PreparedImages(tmp_path, "validation"), with_up=True)
    assert errors.shape == (2, 5)
    assert errors[0, 4] < 2 and math.isnan(errors[1, 4])
