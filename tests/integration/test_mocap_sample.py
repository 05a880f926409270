"""The built-in sample: fetched once, in one piece, and plausible."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.errors import BadData
from training.mocap import sample


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MPT_CACHE_DIR", str(tmp_path))
    return tmp_path / "mocap"


def test_fetches_only_the_humanoids_clips_and_only_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = [1.0, *[0.0] * 43]
    for column in (4, 8, 12, 16, 21, 25, 30, 35, 39):
        frame[column] = 1.0
    clip = f'{{"Loop": "wrap", "Frames": [{frame}]}}'

    def fake_wheel(scratch: Path) -> Path:
        path = scratch / "pybullet.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name in ("humanoid3d_dance_a", "humanoid3d_dance_b", "humanoid3d_walk", "laikago_walk"):
                wheel.writestr(f"pybullet_data/data/motions/{name}.txt", clip)
            wheel.writestr("pybullet_data/r2d2.urdf", "")
        return path

    monkeypatch.setattr(sample, "_download_wheel", fake_wheel)
    poses = sample.read_sample()

    assert poses.subjects.tolist() == ["DeepMimic/dance", "DeepMimic/dance", "DeepMimic/walk"]
    assert [path.name for path in cache.iterdir()] == ["deepmimic"]  # nothing else is left behind
    monkeypatch.setattr(sample, "_download_wheel", lambda scratch: pytest.fail("fetched twice"))
    assert len(sample.read_sample()) == 3


def test_says_what_to_do_without_a_network_and_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(BadData, match="MOCAP="):
        sample.read_sample()
    assert list(cache.iterdir()) == []


@pytest.mark.slow
def test_the_real_sample_shows_people_who_mostly_stand() -> None:
    poses = sample.read_sample()
    assert len(set(poses.clips)) == 15 and len(poses) > 500
    walk = poses.select(poses.subjects == "DeepMimic/walk")
    root = Rotation.from_rotvec(walk.rotations[:, 0])
    assert (root.apply([0, 1, 0])[:, 2] > 0.95).all()  # upright: the body's up is the world's z
    knees = walk.rotations[:, [4, 5]]
    assert (knees[..., 0] > -0.1).all() and np.abs(knees[..., 1:]).max() < 1e-6  # knees bend backwards only
