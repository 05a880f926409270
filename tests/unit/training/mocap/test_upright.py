"""Worlds of other programs, whose files have AMASS's keys."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.support.bvh_files import write_bvh
from training.mocap import read_mocap

# From z up to the world of another program: y up, as in Blender's exports; y down, as cameras have it; x up.
WORLDS = {"y": ("x", -90), "-y": ("x", 90), "x": ("y", 90), "-z": ("x", 180)}


def write(path: Path, world: Rotation) -> None:
    """Somebody who bows, facing another way in each frame."""
    poses = np.zeros((12, 156))
    for frame in range(12):
        own = Rotation.from_euler("ZX", [30 * frame, 90 + 40 * (frame % 2)], degrees=True)
        poses[frame, :3] = (world * own).as_rotvec()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, poses=poses, mocap_framerate=np.array(30.0))


def trunks(folder: Path, data_set: str) -> np.ndarray:
    """(N, 3) where trunks point to."""
    poses = read_mocap(folder)
    own = np.array([subject.startswith(data_set) for subject in poses.subjects])
    return Rotation.from_rotvec(poses.rotations[own, 0]).apply([0.0, 1, 0])


@pytest.mark.parametrize("up", WORLDS)
def test_a_data_set_of_another_world_is_stood_up_and_said(
    tmp_path: Path, up: str, caplog: pytest.LogCaptureFixture
) -> None:
    about, angle = WORLDS[up]
    write(tmp_path / "good/a/1.npz", Rotation.identity())
    write(tmp_path / "other/a/1.npz", Rotation.from_euler(about, angle, degrees=True))
    with caplog.at_level(logging.WARNING):
        np.testing.assert_allclose(trunks(tmp_path, "other"), trunks(tmp_path, "good"), atol=1e-5)
    assert f"In other trunks point along {up} in the mean" in caplog.text and "In good" not in caplog.text


def test_who_lies_is_not_stood_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Some who lie among others, people who lie any way or get up, and a file whose rest tells its up."""
    write(tmp_path / "mixed/a/1.npz", Rotation.identity())
    write(tmp_path / "mixed/a/2.npz", Rotation.from_euler("x", -90, degrees=True))
    for number, heading in enumerate((0, 90, 180, 270)):
        write(tmp_path / f"lying/{number}/1.npz", Rotation.from_euler("ZX", [heading, -90], degrees=True))
    write(tmp_path / "getting up/a/1.npz", Rotation.from_euler("x", -55, degrees=True))
    write_bvh(tmp_path / "bed/a/1.bvh", [{"Hips": Rotation.from_euler("x", -90, degrees=True)}] * 3)
    with caplog.at_level(logging.WARNING):
        read_mocap(tmp_path)
    assert not caplog.text
