"""Files are there whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from model.errors import BadInput
from model.files import atomic_write, check_folder


def test_a_file_appears_when_it_is_whole_with_the_folders_above_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "mesh.npz"
    with atomic_write(path) as partial:
        assert partial.suffix == ".npz" and partial.parent == path.parent and partial.name.startswith(".")
        partial.write_bytes(b"half")
        assert not path.exists()
        partial.write_bytes(b"whole")
    assert path.read_bytes() == b"whole" and list(path.parent.iterdir()) == [path]


def test_files_may_have_the_longest_names_that_there_are(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".glb")
    with atomic_write(path) as partial:
        partial.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"


def test_what_failed_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "mesh.npz"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), atomic_write(path) as partial:
        partial.write_bytes(b"half" + (None if path else b""))
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "mesh.npz"
    with atomic_write(path) as first, atomic_write(path) as second:
        assert first != second
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert path.read_bytes() == b"first"  # who ends last wins


def test_others_may_read_it_as_any_new_file(tmp_path: Path) -> None:
    """Safetensors writes files that their owner alone may read; checkpoints and rigs are served by other users."""
    before = os.umask(0o022)
    try:
        with atomic_write(tmp_path / "net.safetensors") as partial:
            save_file({"weight": np.zeros(3)}, partial)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "net.safetensors").stat().st_mode) == 0o644


def test_files_are_written_where_nobody_may_set_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on disks of others that are mounted with one mode for all."""

    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "chmod", refuse)
    with atomic_write(tmp_path / "a.txt") as partial:
        partial.write_text("whole")
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_a_folder_that_takes_no_files_is_told_before_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_folder(tmp_path / "new" / "folder")
    check_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []  # nothing is left by a command that then finds other faults
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"Nothing can be written to .*file/folder \(Not a directory\)"):
        check_folder(tmp_path / "file" / "folder")

    def closed(dir: Path) -> None:
        raise PermissionError(13, "Permission denied", str(dir))  # root may write everywhere

    monkeypatch.setattr("model.files.TemporaryFile", closed)
    with pytest.raises(BadInput, match=r"Nothing can be written to .*folder \(Permission denied\)"):
        check_folder(tmp_path / "new" / "folder")
