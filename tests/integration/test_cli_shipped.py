"""`mpt reconstruct` with the shipped weights: a drawn person comes back as a mesh that lies over her."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh
from typer.testing import CliRunner

import weights
from cli.main import app
from model.network.checkpoint import load_checkpoint
from tests.integration.test_hands import picture
from tests.support.render import draw_person

pytestmark = pytest.mark.usefixtures("loads_once")


def test_a_drawn_person_comes_back(tmp_path: Path, monkeypatch):
    topology = load_checkpoint(weights.path("anny-tiny")).topology
    body, faces = topology.template.numpy(), topology.faces.numpy()
    placed = body + np.array([0.2, 0.0, 3.0], np.float32)
    photo = draw_person(placed, faces, body, 600.0, (400, 520))
    cv2.imwrite(str(tmp_path / "drawn.png"), photo[..., ::-1])
    monkeypatch.chdir(tmp_path)
    options = ("--format", "glb,json,npz", "--overlay", "--focal-length", "600", "--device", "cpu", "--engine", "torch")
    result = CliRunner().invoke(app, ["reconstruct", "drawn.png", *options])
    assert (result.exit_code, result.stderr.strip().splitlines()[-1]) == (0, "1 person in 1 photo -> reconstructions")

    answer = json.loads(Path("reconstructions/drawn.json").read_text())
    (person,) = answer["people"]
    assert (answer["width"], answer["height"], answer["model"]) == (400, 520, "anny-tiny")
    assert person["camera"]["translation"][2] == np.clip(person["camera"]["translation"][2], 2.5, 3.5)
    joints = topology.joint_regressor.numpy() @ body
    assert np.linalg.norm(np.array(person["joints"]) - joints, axis=1).mean() < 0.12  # metres

    mesh = trimesh.load_mesh("reconstructions/drawn-1.glb", process=False)
    assert mesh.vertices.shape == body.shape and 1.3 < np.ptp(mesh.vertices[:, 1]) < 2.0
    assert mesh.vertices[:, 1].argmax() in np.flatnonzero(body[:, 1] < -0.5)  # y up: the head is above
    with np.load("reconstructions/drawn.npz") as arrays:
        np.testing.assert_allclose(arrays["vertices"][0] * (1, -1, -1), mesh.vertices, atol=1e-5)

    over = cv2.imread("reconstructions/drawn.overlay.png").astype(int)
    drawn = draw_person(placed, faces, body, 600.0, (400, 520), np.zeros_like(photo)).any(axis=2)
    changed = np.abs(over - photo[..., ::-1]).max(axis=2) > 12
    assert (changed & drawn).sum() > 0.75 * (changed | drawn).sum()


def test_everyone_in_a_photo_is_explained_and_nothing_else_is_overwritten(tmp_path: Path, monkeypatch):
    topology = load_checkpoint(weights.path("anny-tiny")).topology
    body, faces = topology.template.numpy(), topology.faces.numpy()
    photo = draw_person(body + np.array([0.0, 0.0, 3.0], np.float32), faces, body, 600.0, (400, 520))
    cv2.imwrite(str(tmp_path / "drawn.png"), np.hstack([photo, photo])[..., ::-1])
    monkeypatch.chdir(tmp_path)
    Path("explanations").mkdir()
    others = [Path(f"explanations/drawn{end}") for end in ("-1.glb", ".hand-1.heatmaps.png", ".overlay.png")]
    for other in others:
        other.write_bytes(b"another answer")
    result = CliRunner().invoke(app, ["explain", "drawn.png", "--device", "cpu"])
    files = [f"explanations/drawn-{number}.{kind}.png" for number in (1, 2) for kind in ("heatmaps", "influence")]
    assert (result.exit_code, result.stdout.split()) == (0, files), result.output
    for file in files:
        drawn = tiles(file, rows=3)
        assert all(np.abs(a - b).max() > 20 for k, a in enumerate(drawn) for b in drawn[:k])  # each its own
    assert all(other.read_bytes() == b"another answer" for other in others)
    result = CliRunner().invoke(app, ["explain", "drawn.png", "--device", "cpu", "--max-people", "1", "-o", "one"])
    assert result.stdout.split() == [f"one/drawn-1.{kind}.png" for kind in ("heatmaps", "influence")]
    status = CliRunner().invoke(app, ["explain", "nothing.jpg"])
    assert status.exit_code == 1 and "No such file" in status.output


def test_hands_are_explained_as_the_network_sees_them(tmp_path: Path, monkeypatch):
    """Which is fingers up, and as right ones: a photo turned and mirrored has the pictures of the photo itself."""
    for name, image in (("right", picture()), ("left", np.rot90(picture())[:, ::-1])):
        cv2.imwrite(str(tmp_path / f"{name}.png"), image[..., ::-1])
    monkeypatch.chdir(tmp_path)
    for name in ("right", "left"):
        result = CliRunner().invoke(app, ["explain", f"{name}.png", "--subject", "hand", "--device", "cpu"])
        assert result.exit_code == 0, result.output
    for kind in ("heatmaps", "influence"):
        one, other = (tiles(f"explanations/{name}.hand-1.{kind}.png", rows=4) for name in ("right", "left"))
        mirrored = [tile[:, ::-1] for tile in one]
        assert np.abs(np.subtract(one, other)).mean() < 0.4 * np.abs(np.subtract(mirrored, other)).mean()


def tiles(file: str, rows: int) -> list[np.ndarray]:
    """The tiles of a sheet without their captions, six a row."""
    picture = cv2.imread(file)
    assert picture.shape == (rows * 250 - 4, 6 * 228 - 4, 3)
    corners = [(y, x) for y in range(22, rows * 250, 250) for x in range(0, 1368, 228)]
    return [picture[y : y + 224, x : x + 224].astype(int) for y, x in corners]
