"""Pre-training on body models that users bring: SMPL and MANO, here made-up ones of the official format."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from model.network.checkpoint import load_checkpoint
from tests.support.command import run_main
from tests.support.short_training import shorten
from tests.unit.training.bodies.test_mano import mano_arrays
from tests.unit.training.bodies.test_smpl import JOINTS, smpl_arrays
from training.pretrain import main


def tube(rows: int, around: int, length: float, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and triangles of a tube with closed ends along y."""
    y, angle = np.meshgrid(
        np.linspace(0, length, rows), np.linspace(0, 2 * np.pi, around, endpoint=False), indexing="ij"
    )
    wide = radius * np.sin(np.linspace(0.05, np.pi - 0.05, rows))[:, None] ** 0.5
    points = np.stack([wide * np.cos(angle), y, wide * np.sin(angle)], axis=-1).reshape(-1, 3)
    a = (np.arange(rows - 1)[:, None] * around + np.arange(around)).ravel()
    b = (np.arange(rows - 1)[:, None] * around + (np.arange(around) + 1) % around).ravel()
    sides = np.concatenate([np.stack([a, b, a + around], 1), np.stack([b, b + around, a + around], 1)])
    end = np.arange(1, around - 1)
    caps = np.concatenate(
        [np.stack([0 * end, end + 1, end], 1), np.stack([0 * end, end, end + 1], 1) + (rows - 1) * around]
    )
    return points, np.concatenate([sides, caps])


def hung(arrays: dict[str, np.ndarray], points: np.ndarray, faces: np.ndarray, joints: np.ndarray) -> None:
    """Puts another surface into a model; each vertex hangs on the nearest joint."""
    nearest = cKDTree(joints).query(points)[1]
    bound = np.eye(len(joints))[nearest] + 1e-6
    arrays |= {"v_template": points, "f": faces.astype(np.uint32), "weights": bound / bound.sum(axis=1, keepdims=True)}
    arrays["J_regressor"] = (bound / bound.sum(axis=0)).T
    arrays["shapedirs"] = 0.02 * points[:, :, None] * np.ones(arrays["shapedirs"].shape[-1])


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run_main(main, "--steps", 1, "--batch-size", 4, *arguments)


def test_pre_training_takes_a_brought_smpl(tmp_path: Path) -> None:
    arrays, _ = smpl_arrays(pose_blends=False)
    points, faces = tube(65, 106, 1.7, 0.2)
    hung(arrays, points, faces, JOINTS)
    np.savez(tmp_path / "SMPL_NEUTRAL.npz", **arrays)
    done = run("--smpl", tmp_path / "SMPL_NEUTRAL.npz", "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    loaded = load_checkpoint(tmp_path / "run" / "best.safetensors")
    assert loaded.topology.vertex_count == 6890 and loaded.topology.joint_count == 17
    assert loaded.card["name"] == "smpl-tiny" and loaded.card["subject"] == "body"

    # Neither goes the run on with another body, nor begins one with another body's checkpoint.
    done = run("--output", tmp_path / "run")
    assert done.returncode == 1 and "a mesh of 6,890 vertices, which the body 'anny'" in done.stderr
    done = run("--from", tmp_path / "run" / "best.safetensors", "--output", tmp_path / "other")
    assert done.returncode == 1 and "best.safetensors is of a mesh of 6,890" in done.stderr
    assert not (tmp_path / "other" / "topology.safetensors").exists()
    kept = tmp_path / "run" / "topology.safetensors"
    kept.write_bytes(kept.read_bytes()[:5000])
    done = run("--output", tmp_path / "run")
    assert done.returncode == 1 and "topology.safetensors cannot be read" in done.stderr


def test_pre_training_takes_a_brought_mano_and_its_poses(tmp_path: Path) -> None:
    arrays = mano_arrays()
    points, faces = tube(32, 24, 0.18, 0.04)
    joints = np.stack([np.zeros(16), np.linspace(0, 0.18, 16), np.zeros(16)], axis=1)
    beside = np.concatenate([points, points[:10]])  # vertices that no triangle has
    hung(arrays, beside, faces, joints)
    np.savez(tmp_path / "MANO_RIGHT.npz", **arrays)
    for subject in ("a", "b", "c"):
        (tmp_path / "poses" / subject).mkdir(parents=True)
        poses = np.random.default_rng(0).normal(0, 0.3, (40, 48))
        np.savez(tmp_path / "poses" / subject / "clip.npz", poses=poses)
    brought = ("--subject", "hand", "--mano", tmp_path / "MANO_RIGHT.npz")
    done = run(*brought, "--mocap", tmp_path / "poses", "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    loaded = load_checkpoint(tmp_path / "run" / "best.safetensors")
    assert loaded.topology.vertex_count == 778 and loaded.topology.joint_count == 21
    assert loaded.card["name"] == "mano-tiny" and loaded.card["subject"] == "hand"


@pytest.mark.parametrize(
    "arguments",
    [("--mano", "x.npz"), ("--subject", "hand", "--mano", "x.npz"), ("--smpl", "x.npz", "--youngest", "2")],
)
def test_options_that_contradict_are_refused(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 2


def test_a_missing_model_gets_a_sentence(tmp_path: Path) -> None:
    done = run("--smpl", tmp_path / "SMPL.npz", "--output", tmp_path / "run")
    assert done.returncode == 1 and "SMPL.npz is not there" in done.stderr and "Traceback" not in done.stderr
