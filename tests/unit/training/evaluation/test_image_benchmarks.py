"""Scores on image data sets with a stand-in for the network, whose answers are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from model.errors import BadData
from model.interfaces import Box
from model.results import Camera, Person, Reconstruction
from training.evaluation.image_benchmarks import MPJPE_PELVIS, evaluate_images
from training.images.datasets.base import DatasetPerson, SampleSet, SmplParameters
from training.images.datasets.joint_sets import LIMBS, LIMBS_IN_COCO, LSP_14

V = 6890
CAMERA = Camera(500.0, (50.0, 40.0), (0.0, 0.0, 4.0), (1.0, 0.0, 0.0))


def evaluated(networks: dict[str, StandIn], *arguments: Any, **named: Any) -> Any:
    topologies = {name: network.topology for name, network in networks.items()}
    return evaluate_images(networks, topologies, *arguments, **named)  # type: ignore[arg-type]


class StandIn:
    """Answers the people it was given, in the order of the boxes; notes what it was asked."""

    def __init__(self, vertices: int, answers: dict[float, np.ndarray]):
        template = torch.zeros(vertices, 3)
        template[:17, 0] = torch.tensor([0, -0.1, -0.1, -0.1, 0.1, 0.1, 0.1, 0, 0, 0, 0, *[0.3] * 3, *[-0.3] * 3])
        topology = SimpleNamespace(name="smpl" if vertices == V else "anny", vertex_count=vertices, template=template)
        self.topology: Any = topology
        self.faces = np.array([[0, 1, 2]])
        self.answers, self.asked = answers, []

    def reconstruct(
        self, image: np.ndarray, *, boxes: Sequence[Box], focal_length: float | None = None
    ) -> Reconstruction:
        self.asked.append((image.shape, focal_length, len(boxes)))
        people = []
        for box in boxes:
            points = self.answers[box[0] + box[2] / 2].astype(np.float32)  # by the crop's middle
            full = np.concatenate([points, np.zeros((V - len(points), 3), np.float32)]) if len(points) != 17 else points
            people.append(Person(1.0, box, np.zeros((17, 3)), points[:17], full, self.faces, (), CAMERA))
        return Reconstruction(people, {})


def limbs(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.5, (12, 3))


def coco_of(points: np.ndarray) -> np.ndarray:
    joints = np.full((17, 3), 9.0)  # the face is not looked at
    joints[list(LIMBS_IN_COCO)] = points
    return joints


@pytest.fixture
def image(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "image.png"), np.zeros((80, 100, 3), np.uint8))
    return tmp_path / "image.png"


def sample_at(image: Path, x: float, joints: np.ndarray | None, **more: Any) -> DatasetPerson:
    return DatasetPerson(image, (x, 40.0), 50.0, {"subject": "S9"}, joints=joints, **more)


def rows_of(report: Any, table: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in report.data()["tables"][table]["rows"]}


def test_limb_joints_by_hand(image: Path, tmp_path: Path) -> None:
    """One person moved as a whole, the other with a wrist 6 cm off: 60 / 12 = 5 mm, half of it in the mean."""
    wrong = limbs(1)
    wrong[LIMBS.index("left wrist"), 2] += 0.06
    network = StandIn(20, {30.0: coco_of(limbs(0) + np.arange(3)), 70.0: coco_of(wrong)})
    data = SampleSet("Human3.6M", "Protocol", [sample_at(image, 30, limbs(0)), sample_at(image, 70, limbs(1))])
    report = evaluated({"net": network}, data, output=tmp_path)
    assert rows_of(report, "scores")["net"]["MPJPE"] == pytest.approx(2.5, abs=1e-2)
    assert rows_of(report, "scores")["net"]["joints"] == 12
    assert 0 < rows_of(report, "scores")["net"]["PA-MPJPE"] < 5
    assert rows_of(report, "joints")["left wrist"]["net, MPJPE"] == pytest.approx(30, abs=1e-2)
    assert rows_of(report, "joints")["right knee"]["net, MPJPE"] == pytest.approx(0, abs=1e-2)
    assert rows_of(report, "by_subject")["S9"]["persons"] == 2
    assert network.asked[0] == ((80, 100, 3), None, 2)  # both people of the image at once
    assert "not the field's protocol" in report.markdown() and "'anny'" in report.markdown()
    assert all((tmp_path / file).is_file() for file, _ in report.pictures) and len(report.pictures) == 2


def test_the_hips_are_the_root(image: Path) -> None:
    wrong = limbs(0)
    wrong[LIMBS.index("left hip"), 0] += 0.05  # moves the root by 2.5 cm
    network = StandIn(20, {30.0: coco_of(wrong)})
    data = SampleSet("Human3.6M", "Protocol", [sample_at(image, 30, limbs(0))])
    report = evaluated({"net": network}, data)
    assert rows_of(report, "scores")["net"]["MPJPE"] == pytest.approx(25, abs=1e-2)


def seventeen(seed: int) -> np.ndarray:
    """Human3.6M's joints as the mesh's first vertices, the right leg first."""
    return np.random.default_rng(seed).normal(0, 0.5, (18, 3))


IN_LSP = [3, 2, 1, 4, 5, 6, 16, 15, 14, 11, 12, 13, 8, 10]


@pytest.fixture
def regressor(tmp_path: Path) -> Path:
    np.save(tmp_path / "J_regressor_h36m.npy", np.eye(17, V))
    return tmp_path / "J_regressor_h36m.npy"


def test_smpls_mesh_is_measured_in_14_joints(image: Path, regressor: Path) -> None:
    true = seventeen(0)
    predicted = true.copy()
    predicted[0] += [0, 0, 0.03]  # the pelvis joint
    predicted[8] += [0.14, 0, 0]  # the neck: 140 / 14 = 10 mm
    network = StandIn(V, {30.0: predicted + 5})
    joints = true[IN_LSP].astype(np.float32)
    data = SampleSet("Human3.6M", "P2", [sample_at(image, 30, joints, pelvis=true[0].astype(np.float32))])
    row = rows_of(evaluated({"net": network}, data, regressor), "scores")["net"]
    assert row["joints"] == 14 and row["MPJPE"] == pytest.approx(10, abs=1e-2)
    off = (13 * 30 + np.hypot(140, 30)) / 14  # about the wrong pelvis all are 3 cm off
    assert row[MPJPE_PELVIS] == pytest.approx(off, abs=1e-2)
    assert "MPVE" not in row


class FixedTruth:
    """Stands for SMPL's model files."""

    def __init__(self, vertices: np.ndarray):
        self.vertices = torch.from_numpy(vertices).float()

    def pose(self, _: SmplParameters) -> tuple[torch.Tensor, torch.Tensor]:
        return self.vertices, torch.from_numpy(limbs(0)).float()


def test_meshes_are_compared_about_the_pelvis(image: Path, regressor: Path) -> None:
    true = np.random.default_rng(3).normal(0, 0.5, (V, 3))
    predicted = true + 2
    predicted[100:3545, 1] += 0.04  # half of the vertices
    network = StandIn(V, {30.0: predicted})
    smpl = SmplParameters(np.zeros((24, 3), np.float32), np.zeros(10, np.float32), "male")
    data = SampleSet("3DPW", "test", [sample_at(image, 30, None, smpl=smpl, focal_length=700.0)])
    report = evaluated({"net": network}, data, regressor, FixedTruth(true))
    row = rows_of(report, "scores")["net"]
    assert row["MPVE"] == pytest.approx(20, abs=1e-2) and row["MPJPE"] == pytest.approx(0, abs=1e-2)
    assert 0 < row["PA-MPVE"] < 21
    assert network.asked[0][1] == 700.0
    # Another topology has its limbs compared.
    other = StandIn(20, {30.0: coco_of(limbs(0))})
    report = evaluated({"a": network, "b": other}, data, regressor, FixedTruth(true))
    assert rows_of(report, "scores")["b"]["joints"] == 12 and rows_of(report, "scores")["b"]["MPVE"] is None
    assert rows_of(report, "joints")["neck"]["b, MPJPE"] is None
    assert set(rows_of(report, "joints")) == set(LSP_14)


def test_without_smpls_files_its_parameters_get_a_sentence(image: Path) -> None:
    smpl = SmplParameters(np.zeros((24, 3), np.float32), np.zeros(10, np.float32), "male")
    data = SampleSet("3DPW", "test", [sample_at(image, 30, None, smpl=smpl)])
    network = StandIn(20, {30.0: coco_of(limbs(0))})
    with pytest.raises(BadData, match="--smpl"):
        evaluated({"net": network}, data)


def test_crops_beside_the_image_are_counted(image: Path) -> None:
    network = StandIn(20, {30.0: coco_of(limbs(0))})
    away = sample_at(image, 500, limbs(1))
    data = SampleSet("Human3.6M", "Protocol", [sample_at(image, 30, limbs(0)), away])
    report = evaluated({"net": network}, data)
    assert "1 persons are left out" in report.markdown()
    assert report.setting["checkpoints"]["net"]["persons"] == 1
    with pytest.raises(BadData, match="crop"):
        evaluated({"net": network}, dataclasses.replace(data, samples=[away]))


def test_missing_and_broken_images_get_a_sentence(image: Path) -> None:
    network = StandIn(20, {30.0: coco_of(limbs(0))})
    gone = image.with_name("gone.png")
    broken = image.with_name("broken.png")
    broken.write_text("no image")
    for path, message in ((gone, r"gone\.png is not there"), (broken, r"broken\.png cannot be read")):
        data = SampleSet("Human3.6M", "Protocol", [sample_at(path, 30, limbs(0))])
        with pytest.raises(BadData, match=message):
            evaluated({"net": network}, data)


def test_each_nth_sample(image: Path) -> None:
    data = SampleSet("Human3.6M", "Protocol", [sample_at(image, x, limbs(0)) for x in range(7)])
    assert [sample.centre[0] for sample in data.every(3).samples] == [0, 3, 6]
    assert "each 3rd of 7" in data.every(3).notes[-1] and data.every(1) is data
    assert [data.every(n).notes[-1].split()[2] for n in (2, 11, 22, 64)] == ["2nd", "11th", "22nd", "64th"]


def test_larger_crops_are_called_out(image: Path) -> None:
    data = SampleSet("Human3.6M", "Protocol", [sample_at(image, 30, limbs(0))])
    larger = data.crops_times(1.2)
    assert larger.samples[0].side == pytest.approx(60) and larger.samples[0].centre == (30, 40)
    assert "1.2 times the protocol's" in larger.notes[-1] and data.crops_times(1) is data
