"""Scores on footage: worked by hand on one frame, and an evaluation of known answers from film to report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.errors import BadData
from model.results import Camera, Person, Reconstruction
from model.scene.ground import Scene
from model.scene.up import Up, directions
from tests.support.footage_files import camera_at, standing, write_film
from training.evaluation import history
from training.evaluation.footage import evaluate_footage
from training.evaluation.footage_scores import can_be_scored, score_frame, summarise
from training.evaluation.report import Report
from training.evaluation.summary import join
from training.footage.recording import Recording, View
from training.footage.truth import TrueJoints

NO_FACES = np.zeros((0, 3), np.int32)

CAMERA = camera_at(0.0)


def answer(limbs: np.ndarray) -> Person:
    """Someone with these limb joints (12, 3) in the camera's axes, the 2D network right about them."""
    root = limbs[6:8].mean(axis=0)
    joints = np.zeros((17, 3), np.float32)
    joints[5:] = limbs - root
    camera = Camera(150.0, (60.5, 80.5), tuple(root.tolist()), (1.0, 0.0, 0.0))
    seen = np.zeros((17, 3))
    seen[5:, :2] = camera.project(joints)[5:]
    return Person(0.9, (0.0, 0.0, 9.0, 9.0), seen, joints, joints, NO_FACES, (), camera)


def test_a_perfect_answer_has_no_error() -> None:
    true = CAMERA.to_camera(standing())
    found = summarise([score_frame(answer(true), true, CAMERA.project(standing()))])
    for name in ("PA-MPJPE", "MPJPE", "2D seen, px", "2D projected, px", "lean, degrees", "depth, rms"):
        assert found[name] == pytest.approx(0, abs=1e-3), name
    for name in ("size, %", "depth slope, %", "right depth signs, %", "limb length, %"):
        assert found[name] == pytest.approx(100, abs=1e-3), name


def test_errors_by_hand() -> None:
    """A wrist 120 mm too far, an ankle 60 mm too low: two of twelve joints."""
    true = CAMERA.to_camera(standing())
    wrong = true.copy()
    wrong[4, 2] += 0.12
    wrong[10, 1] += 0.06
    found = summarise([score_frame(answer(wrong), true, CAMERA.project(standing()))])
    assert found["MPJPE"] == pytest.approx((120 + 60) / 12, abs=1e-3)
    assert found["depth, rms"] == pytest.approx(120 / 12**0.5, abs=1e-2)
    assert found["in the plane, rms"] == pytest.approx(60 / 12**0.5, abs=1e-2)
    assert found["depth, median"] == pytest.approx(0, abs=1e-3)
    # The forearm's depth is -0.13 instead of -0.25 (the camera is ahead of her); others are as they are.
    depths = np.array([0.25, 0.25, 0.0, 0.1, 0.1, 0.1, 0.0, 0.1])
    slope = (np.square(depths).sum() - 0.25 * 0.12) / np.square(depths).sum()
    assert found["depth slope, %"] == pytest.approx(100 * slope, abs=1e-3)
    assert found["right depth signs, %"] == pytest.approx(100)


def test_size_lean_and_signs_by_hand() -> None:
    true = CAMERA.to_camera(standing())
    larger = summarise([score_frame(answer(1.1 * true), true, CAMERA.project(standing()))])
    assert larger["size, %"] == pytest.approx(110, abs=1e-3) == larger["limb length, %"]
    assert larger["PA-MPJPE"] == pytest.approx(0, abs=1e-3) and larger["2D projected, px"] == pytest.approx(0, abs=1e-3)
    mirrored = true * [1, 1, -1] + [0, 0, 8]  # every depth the other way round
    flipped = summarise([score_frame(answer(mirrored), true, CAMERA.project(standing()))])
    assert flipped["depth slope, %"] == pytest.approx(-100, abs=1e-3) and flipped["right depth signs, %"] == 0
    leaning = true.copy()
    leaning[:2, 2] += 0.5 * np.tan(np.radians(20))  # shoulders half a metre above the hips, moved away
    towards = replace(score_frame(answer(leaning), true, CAMERA.project(standing())), lean=-10.0)
    scores = [score_frame(answer(leaning), true, CAMERA.project(standing())), towards]
    assert scores[0].lean == pytest.approx(20, abs=1e-3)
    across = true[:, [1, 0, 2]] * [1, -1, 1]  # lying: nobody can say how she leans
    assert np.isnan(score_frame(answer(across), across, CAMERA.project(standing())).lean)
    found = summarise(scores)
    assert found["lean, degrees"] == pytest.approx(5, abs=1e-3)
    assert found["lean, absolute"] == pytest.approx(15, abs=1e-3)


def test_unknown_joints_do_not_count() -> None:
    world = standing()
    world[[3, 5]] = np.nan
    true, wrong = CAMERA.to_camera(world), CAMERA.to_camera(standing())
    wrong[5, 0] += 3.0
    wrong[4, 0] += 0.1
    found = summarise([score_frame(answer(wrong), true, CAMERA.project(world))])
    assert found["MPJPE"] == pytest.approx(100 / 10, abs=1e-3)
    assert can_be_scored(world)
    world[6] = np.nan
    assert not can_be_scored(world)  # a hip
    assert not can_be_scored(np.where(np.arange(12)[:, None] < 5, np.nan, standing()))
    assert summarise([]) == {}


class Knowing:
    """Finds a passer-by, and but for every third frame the person, whose trunk it lets lean by 30 degrees."""

    faces = np.array([[5, 6, 11], [6, 12, 11]])

    def __init__(self, limbs: np.ndarray):
        self.asked: list[tuple[float, int | None]] = []
        self._people = [answer(limbs + np.array([2.0, 0, 0])), answer(limbs)]

    def reconstruct(self, _: np.ndarray, *, focal_length: float, max_people: int | None) -> Reconstruction:
        self.asked.append((focal_length, max_people))
        people = self._people[: 1 if len(self.asked) % 3 == 0 else 2]
        return Reconstruction(people, {}, scene=Scene(Up(directions(np.radians(4.0), 0.0), 1.0, "people", 0.1), None))


def test_from_film_to_report(tmp_path: Path) -> None:
    views = [View(camera_at(0.0, name), write_film(tmp_path / f"{name}.mp4", 6)) for name in ("one", "two")]
    joints = np.stack([standing()] * 6)
    joints[0, 6] = np.nan  # no hip, no score
    leaning = CAMERA.to_camera(standing())
    leaning[:2, 2] += 0.5 * np.tan(np.radians(30))
    network = Knowing(leaning)
    recording = Recording("trial", views, TrueJoints(joints))
    report = evaluate_footage({"net": network}, recording, tmp_path, 2, max_people=5)  # type: ignore[dict-item]
    assert network.asked == [(150.0, 5)] * 4  # frames 2 and 4 of both
    rows = {row["name"]: row for row in report.data()["tables"]["scores"]["rows"]}
    assert [rows[f"net, {name}"]["frames"] for name in ("one", "two", "all")] == [2, 2, 4]
    assert rows["net, all"]["found, %"] == 75
    assert rows["net, all"]["lean, degrees"] == pytest.approx(30, abs=0.01)
    assert report.summary["net"]["lean, absolute"] == pytest.approx(30, abs=0.01)
    assert report.summary["net"]["up, degrees, median"] == pytest.approx(4, abs=0.01)  # the cameras are level
    assert cv2.imread(str(tmp_path / "worst-net.png")).std() > 10
    nobody = Recording("trial", views, TrueJoints(np.full((6, 12, 3), np.nan)))
    with pytest.raises(BadData, match="No frame of trial"):
        evaluate_footage({"net": network}, nobody, tmp_path)  # type: ignore[dict-item]


def test_several_evaluations_are_one_table() -> None:
    one = Report("a", {"data": "a"}, summary={"net": {"PA-MPJPE": 60.0, "found, %": 90.0}})
    two = Report("b", {"data": "b"}, summary={"net": {"PCK@0.05": 92.0, "PA-MPJPE": 50.0}})
    both = join({"footage": one, "photos": two})
    assert both.data()["tables"]["summary"]["rows"] == [
        {"name": "footage: net", "PA-MPJPE": 60.0, "found, %": 90.0, "PCK@0.05": None},
        {"name": "photos: net", "PA-MPJPE": 50.0, "found, %": None, "PCK@0.05": 92.0},
    ]


def test_figures_are_kept_with_commit_and_machine(tmp_path: Path) -> None:
    path = tmp_path / "history" / "evaluation.jsonl"
    for value in (60.0, 50.0):
        history.keep(Report("a", {"data": "x"}, summary={"net": {"PA-MPJPE": value}}), path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["figures"]["net"]["PA-MPJPE"] for line in lines] == [60.0, 50.0]
    assert len(lines[0]["commit"].rstrip("+")) == 12 and lines[0]["machine"]["cores"] >= 1
    (tmp_path / "file").write_text("")
    with pytest.raises(BadData, match="--keep"):
        history.keep(Report("a", {}), tmp_path / "file" / "x.jsonl")


def test_without_git_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_ROOT", tmp_path)
    with pytest.raises(BadData, match="no git checkout"):
        history.keep(Report("a", {}), tmp_path / "x.jsonl")
    assert not (tmp_path / "x.jsonl").exists()
