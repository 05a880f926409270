"""What people get on prepared images: errors worked by hand, in the axes of a camera that looks at the root."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from model.network.topology import MeshTopology
from model.results import Camera
from training.evaluation.metrics import pa_mpjpe
from training.evaluation.served_prepared import COLUMNS, served_scores
from training.images.sample import ImageSample, look_at_root
from training.images.shards import PreparedImages, write_shard

SIZE, FOCAL = 64, 100.0
PLACE = torch.tensor([1.0, 0.2, 4.0])  # beside the optical axis: her camera's axes are turned
TURN = look_at_root(PLACE)


def camera() -> Camera:
    return Camera(FOCAL, (SIZE / 2, SIZE / 2), tuple(PLACE.tolist()), (1.0, 0.0, 0.0))


def prepared(folder: Path, topology: MeshTopology, meshes: bool = True) -> PreparedImages:
    """The tube in its resting pose, as a reader keeps it; the second picture shows the same."""
    vertices = topology.template[topology.coarse]
    joints = topology.coarse_regressor @ vertices
    joints, vertices = (points - joints[[11, 12]].mean(dim=0) for points in (joints, vertices))
    pixels = torch.from_numpy(camera().project((joints @ TURN.T).numpy())).float()
    sample = ImageSample(
        "x",
        torch.zeros(3, SIZE, SIZE, dtype=torch.uint8),
        vertices=vertices if meshes else None,
        joints=joints,
        joints_2d=pixels,
        camera=torch.tensor([FOCAL, SIZE / 2, SIZE / 2]),
    )
    write_shard(folder / "test-00000.safetensors", [sample, sample], {"size": SIZE}, topology.coarse_count)
    return PreparedImages(folder, "test")


class Served:
    """Answers with the truth in the photo's axes, moved in depth by some centimetres at one joint; or with nobody."""

    def __init__(self, topology: MeshTopology, images: PreparedImages, off: float, nobody: int = -1):
        self.topology, self.sample, self.off, self.nobody, self.asked = topology, images[0], off, nobody, []

    def reconstruct(self, picture: np.ndarray, boxes: Any, focal_length: float) -> Any:
        self.asked.append((boxes[0], focal_length))
        if len(self.asked) - 1 == self.nobody:
            return SimpleNamespace(people=[])
        joints = self.sample.joints.clone()
        joints[0, 2] += self.off
        vertices = torch.zeros(self.topology.vertex_count, 3)
        coarse = self.topology.template[self.topology.coarse]
        vertices[self.topology.coarse] = coarse - (self.topology.coarse_regressor @ coarse)[[11, 12]].mean(dim=0)
        person = SimpleNamespace(
            joints=(joints @ TURN.T).numpy(), vertices=(vertices @ TURN.T).numpy(), camera=camera()
        )
        return SimpleNamespace(people=[person])


def test_one_joint_off_counts_as_much_as_it_is(topology: MeshTopology, tmp_path: Path) -> None:
    images = prepared(tmp_path, topology)
    served: Any = Served(topology, images, off=0.17)
    scores = dict(zip(COLUMNS, served_scores(served, topology, images), strict=True))
    assert scores["MPJPE"] == pytest.approx(10, rel=1e-3)  # 170 mm of one joint in 17
    off = images[0].joints.clone()
    off[0, 2] += 0.17
    assert scores["PA-MPJPE"] == pytest.approx(1000 * float(pa_mpjpe(off[None], images[0].joints[None])), rel=1e-3)
    assert scores["MPVE"] == pytest.approx(0, abs=1e-2) and scores["PA-MPVE"] == pytest.approx(0, abs=1e-2)
    assert 0 < scores["re-projection, pixels"] < 1 and scores["found, %"] == 100
    (x, y, width, height), focal = served.asked[0]
    pixels = images[0].joints_2d.numpy()
    assert focal == FOCAL and len(served.asked) == 2
    assert (pixels > [x, y]).all() and (pixels < [x + width, y + height]).all()


def test_who_is_not_found_is_told_and_left_out(topology: MeshTopology, tmp_path: Path) -> None:
    images = prepared(tmp_path, topology, meshes=False)
    served: Any = Served(topology, images, off=0.0, nobody=0)
    scores = dict(zip(COLUMNS, served_scores(served, topology, images), strict=True))
    assert scores["found, %"] == 50 and scores["MPJPE"] == pytest.approx(0, abs=1e-2)
    assert scores["MPVE"] is None and scores["PA-MPVE"] is None
    nobody: Any = Served(topology, images, off=0.0, nobody=0)
    assert served_scores(nobody, topology, images, every=2) == [None] * 5 + [0.0]
