"""FreiHAND on a miniature in its own layout, with stand-ins whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from model.errors import BadData
from training.evaluation.freihand import MANO_VERTICES, evaluate_freihand, read_freihand, scores_of
from training.evaluation.scores import F_5, F_15, PA_MPJPE, PA_MPVE

RANDOM = np.random.default_rng(0)
AWAY = np.array([0, 0, 0.7])
JOINTS = AWAY + RANDOM.normal(0, 0.05, (3, 21, 3))
VERTICES = AWAY + RANDOM.normal(0, 0.05, (3, MANO_VERTICES, 3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "evaluation" / "rgb").mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(tmp_path / "evaluation" / "rgb" / f"{number:08d}.jpg"), np.full((224, 224, 3), 90, np.uint8))
    camera = [[480.0, 0, 112], [0, 482.0, 112], [0, 0, 1]]
    for name, value in (("K", [camera] * 3), ("xyz", JOINTS.tolist()), ("verts", VERTICES.tolist())):
        (tmp_path / f"evaluation_{name}.json").write_text(json.dumps(value))
    return tmp_path


def _hand(number: int, vertices: np.ndarray) -> Any:
    """An answer with the true joints of a picture, turned upside down, doubled and moved: alignment undoes that."""
    place = SimpleNamespace(translation=np.array([0.1, 0, 0.5]))
    turn = np.diag([-2.0, -2.0, 2.0])
    return SimpleNamespace(joints=JOINTS[number] @ turn, vertices=vertices @ turn, camera=place)


def test_the_miniature_is_read(folder: Path) -> None:
    pictures = read_freihand(folder)
    assert len(pictures) == 3 and pictures[2].image.name == "00000002.jpg" and pictures[0].image.is_file()
    assert pictures[0].focal_length == pytest.approx(481)
    np.testing.assert_allclose(pictures[1].vertices, VERTICES[1], rtol=1e-6)


def test_predictions_are_scored_and_written_for_the_challenge(folder: Path, tmp_path: Path) -> None:
    pictures = read_freihand(folder)
    seen: list[float] = []

    def perfect(picture: np.ndarray, focal_length: float) -> Any:
        assert picture.shape == (224, 224, 3)
        seen.append(focal_length)
        return _hand(len(seen) - 1, VERTICES[len(seen) - 1])

    report = evaluate_freihand({"net": perfect, "blind": lambda *_: None}, pictures, tmp_path / "out")
    rows = {row["name"]: row for row in report.data()["tables"]["scores"]["rows"]}
    assert rows["net"][PA_MPJPE] == pytest.approx(0, abs=1e-2) and rows["net"][PA_MPVE] == pytest.approx(0, abs=1e-2)
    assert rows["net"][F_5] == pytest.approx(100) and rows["net"]["found, %"] == 100
    assert rows["blind"]["found, %"] == 0 and rows["blind"][PA_MPJPE] > 50
    joints, vertices = json.loads((tmp_path / "out" / "pred-net.json").read_text())
    assert np.shape(joints) == (3, 21, 3) and np.shape(vertices) == (3, MANO_VERTICES, 3)
    np.testing.assert_allclose(joints[2], JOINTS[2] @ np.diag([-2, -2, 2]) + [0.1, 0, 0.5], atol=1e-5)


def test_another_mesh_moves_with_its_joints(folder: Path) -> None:
    truth = read_freihand(folder)[0]
    half = torch.from_numpy(VERTICES[0][: MANO_VERTICES // 2].astype(np.float32))
    scores = scores_of(truth.joints, half, truth)
    assert PA_MPVE not in scores
    # Every predicted vertex is right, and half of the true ones are found, but for chance neighbours.
    recall = scores[F_5] / (200 - scores[F_5])
    assert 0.5 <= recall < 0.8
    assert scores[F_15] > scores[F_5]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("K", "[[1, 2", "no list of numbers"),
        ("xyz", "[[[1, 2, 3]]]", "has shape"),
        ("xyz", json.dumps(np.full((3, 21, 3), np.nan).tolist()), "finite"),
        ("verts", json.dumps(VERTICES[:2].tolist()), "different versions"),
        ("K", "[" * 100_000, "no list of numbers"),
    ],
)
def test_broken_files_are_named(folder: Path, name: str, content: str, message: str) -> None:
    (folder / f"evaluation_{name}.json").write_text(content)
    with pytest.raises(BadData, match=message):
        read_freihand(folder)


def test_missing_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="unpack"):
        read_freihand(tmp_path)
    with pytest.raises(BadData, match="no split"):
        read_freihand(tmp_path, "test")
