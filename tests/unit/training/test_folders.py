"""Folders of data sets: links to other disks, links in circles, caches whose files are links."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.folders import files_below
from training.mocap import read_mocap


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_linked_folders_are_gone_into_once(tmp_path: Path) -> None:
    touch(tmp_path / "disk/KIT/3/walk.npz")
    touch(tmp_path / "amass/CMU/02/02_01.npz")
    (tmp_path / "amass/KIT").symlink_to(tmp_path / "disk/KIT")
    (tmp_path / "amass/CMU/all").symlink_to(tmp_path / "amass")  # a circle
    (tmp_path / "amass/KIT again").symlink_to(tmp_path / "disk/KIT")
    found = [path.relative_to(tmp_path / "amass").as_posix() for path in files_below(tmp_path / "amass")]
    assert found == ["CMU/02/02_01.npz", "KIT/3/walk.npz"]
    assert files_below(tmp_path / "nowhere") == []


def test_clips_in_linked_folders_and_linked_clips_are_their_subjects(tmp_path: Path) -> None:
    """A hub's cache keeps all contents in one folder, and links in folders named as in the data set."""
    for number, subject in enumerate(("CMU/02", "KIT/3")):
        blob = touch(tmp_path / f"hub/blobs/{number}")
        poses = np.zeros((2, 156))
        poses[:, 0] = np.pi / 2
        with blob.open("wb") as file:
            np.savez(file, poses=poses, frame=np.arange(2))
        (tmp_path / "hub/snapshot" / subject).mkdir(parents=True)
        (tmp_path / "hub/snapshot" / subject / "walk_poses.npz").symlink_to(blob)
    (tmp_path / "amass").symlink_to(tmp_path / "hub/snapshot")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/all").symlink_to(tmp_path / "hub/snapshot")
    for folder in ("hub/snapshot", "amass", "data"):
        assert sorted(set(read_mocap(tmp_path / folder).subjects)) == ["CMU/02", "KIT/3"]
