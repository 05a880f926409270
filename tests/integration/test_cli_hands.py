"""`mpt reconstruct --subject hand`: a drawn hand to files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from typer.testing import CliRunner

from cli.main import app
from tests.integration.test_hands import background, drawn, picture, volume
from tests.integration.test_service_hands import png


@pytest.fixture
def run(tmp_path: Path, boxed_hand: Path, loads_once: None, monkeypatch: pytest.MonkeyPatch):
    """`mpt reconstruct` in a folder of its own, with a checkpoint for hands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPT_HAND_CHECKPOINT", str(boxed_hand))

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["reconstruct", *arguments])
        return result.exit_code, result.output

    return run


def test_hands_become_files(run):
    Path("left.png").write_bytes(png(picture()[:, ::-1]))
    Path("none.png").write_bytes(png(background(240, 320)))
    status, output = run("left.png", "none.png", "--subject", "hand", "--format", "glb,obj,json,npz", "--overlay")
    assert status == 0, output
    assert "1 hand in 2 photos" in output and "No hand was found in 1 input" in output
    answer = json.loads(Path("reconstructions/left.hand.json").read_text())
    (hand,) = answer["hands"]
    assert answer["people"] == [] and hand["handedness"] == "left"
    off = np.array(hand["keypoints_2d"])[:, :2] - (answer["width"], 0) - drawn() * (-1, 1)
    assert np.median(np.linalg.norm(off, axis=1)) < 4
    arrays = np.load("reconstructions/left.hand.npz")
    assert arrays["joints"].shape == (1, 21, 3) and arrays["left"].tolist() == [True]
    mesh = trimesh.load_mesh(f"reconstructions/{hand['mesh']['glb']}", process=False)
    assert volume(np.asarray(mesh.vertices), np.asarray(mesh.faces)) > 0
    assert json.loads(Path("reconstructions/none.hand.json").read_text())["hands"] == []
    assert {"left.hand.overlay.png", "left.hand.side.png"} <= {path.name for path in Path("reconstructions").iterdir()}


def test_hands_take_the_place_of_no_body(run):
    Path("left.png").write_bytes(png(picture()[:, ::-1]))
    Path("reconstructions").mkdir()
    bodies = [
        Path(f"reconstructions/left{ending}") for ending in ("-1.glb", ".json", ".npz", ".overlay.png", ".side.png")
    ]
    for body in bodies:
        body.write_bytes(b"a body")
    status, output = run("left.png", "--subject", "hand", "--format", "glb,json,npz", "--overlay")
    assert status == 0, output
    assert all(body.read_bytes() == b"a body" for body in bodies)
    assert len(list(Path("reconstructions").iterdir())) == 2 * len(bodies)


def test_the_wrong_subject_gets_a_sentence(run, boxed_hand):
    Path("photo.png").write_bytes(png(picture()))
    status, output = run("photo.png", "--checkpoint", str(boxed_hand))
    assert status == 1 and "is for --subject hand, not body" in " ".join(output.split())
    Path("film.mp4").touch()
    assert run("film.mp4", "photo.png", "--subject", "hand")[0] == 3
    status, output = run("film.mp4", "--subject", "hand")
    assert status == 1 and "in photos only" in output
    status, output = run("photo.png", "--subject", "hand", "--rigged")
    assert status == 2 and "only bodies have a skeleton" in output
    status, output = run("photo.png", "--subject", "hand", "--pitch", "-20")
    assert status == 2 and "Hands stand on no ground" in output
