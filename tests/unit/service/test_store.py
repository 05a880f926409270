"""The mesh store: lifetime, quota, atomic writes, names, restarts."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from service.store import MeshStore, all_or_nothing, is_id, new_id


def store(folder: Path, lifetime: float = 3600, quota: int = 10_000) -> MeshStore:
    return MeshStore(folder, lifetime, quota)


def age(folder: Path, name: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(folder / name, (then, then))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_ids_are_the_time_and_96_random_bits():
    ids = {new_id() for _ in range(100)}
    assert len({text[8:] for text in ids}) == 100
    assert {int(text[:8], 16) for text in ids} <= {int(time.time()), int(time.time()) - 1}
    assert all(len(text) == 32 and is_id(text) for text in ids)


@pytest.mark.parametrize(
    "text", ["", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 32 + "\n", "../" + "a" * 29, "a" * 31 + "/", "٣" * 32]
)
def test_anything_else_is_no_id(text):
    assert not is_id(text)


def test_what_is_put_can_be_got(tmp_path):
    meshes, name = store(tmp_path), f"{new_id()}.glb"
    assert meshes.get(name) is None
    meshes.put(name, b"mesh")
    assert meshes.get(name) == b"mesh"
    assert names(tmp_path) == {name}  # nothing left aside


def test_what_was_kept_before_a_failure_goes_again(tmp_path):
    meshes, (before, one, other) = store(tmp_path), (f"{new_id()}.glb" for _ in range(3))
    meshes.put(before, b"mesh")
    with all_or_nothing(meshes) as put:
        put(one, b"mesh")

    def fail() -> None:
        with all_or_nothing(meshes) as put:
            put(other, b"mesh")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert names(tmp_path) == {before, one}


def test_only_the_owner_can_read(tmp_path):
    meshes, name = store(tmp_path / "made"), f"{new_id()}.glb"
    meshes.put(name, b"mesh")
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "made" / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "name", ["../x.glb", "/etc/passwd", "x.glb", "a" * 32, f"{'a' * 32}.glb/..", f"{'a' * 32}.glb\n"]
)
def test_other_names_never_reach_the_file_system(tmp_path, name):
    meshes = store(tmp_path)
    with pytest.raises(ValueError, match="not the name"):
        meshes.get(name)
    with pytest.raises(ValueError, match="not the name"):
        meshes.put(name, b"")


def test_meshes_survive_a_restart(tmp_path):
    name = f"{new_id()}.glb"
    store(tmp_path).put(name, b"mesh")
    assert store(tmp_path).get(name) == b"mesh"


def test_an_old_mesh_is_gone_at_once_and_swept_later(tmp_path):
    meshes, old, young = store(tmp_path, lifetime=100), f"{new_id()}.glb", f"{new_id()}.glb"
    for name, seconds in ((old, 101), (young, 99)):
        meshes.put(name, b"mesh")
        age(tmp_path, name, seconds)
    assert meshes.get(old) is None
    assert meshes.get(young) == b"mesh"
    meshes.sweep()
    assert names(tmp_path) == {young}


def test_what_was_put_while_the_clock_was_ahead_has_its_time_from_now_on(tmp_path):
    meshes, name = store(tmp_path, lifetime=100), f"{new_id()}.glb"
    meshes.put(name, b"mesh")
    age(tmp_path, name, -1e6)
    meshes.sweep()
    assert meshes.get(name) == b"mesh"
    assert (tmp_path / name).stat().st_mtime <= time.time()


def test_usage_counts_meshes_and_bytes(tmp_path):
    meshes, old, young = store(tmp_path, lifetime=100), f"{new_id()}.glb", f"{new_id()}.glb"
    meshes.put(old, b"mesh")
    meshes.put(young, b"other mesh")
    assert meshes.usage == store(tmp_path).usage == (2, 14)
    age(tmp_path, old, 101)
    meshes.sweep()
    assert meshes.usage == (1, 10)


def test_beyond_the_quota_the_oldest_go(tmp_path):
    meshes = store(tmp_path, quota=1000)
    ordered = [f"{new_id()}.glb" for _ in range(11)]
    for index, name in enumerate(ordered[:-1]):
        meshes.put(name, bytes(100))
        age(tmp_path, name, 50 - index)
    assert names(tmp_path) == set(ordered[:-1])  # 1000 bytes: full, not over
    meshes.put(ordered[-1], bytes(100))
    # 1100 bytes are cut down to 90 % of 1000: the two oldest go
    assert names(tmp_path) == set(ordered[2:])


def test_the_quota_counts_what_was_there_before(tmp_path):
    first = store(tmp_path, quota=10_000)
    for _ in range(10):
        first.put(f"{new_id()}.glb", bytes(100))
    store(tmp_path, quota=500)
    assert len(names(tmp_path)) == 4


def test_what_a_killed_process_left_is_swept_but_not_a_write_under_way(tmp_path):
    (tmp_path / ".mpt-unfinished-dead").write_bytes(b"half")
    (tmp_path / ".mpt-unfinished-busy").write_bytes(b"half")
    age(tmp_path, ".mpt-unfinished-dead", 3600)
    store(tmp_path)
    assert names(tmp_path) == {".mpt-unfinished-busy"}


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / ("a" * 32 + ".glb")).mkdir()
    age(tmp_path, "thesis.tex", 1e6)
    age(tmp_path, "a" * 32 + ".glb", 1e6)
    store(tmp_path, lifetime=1, quota=0).sweep()
    assert names(tmp_path) == {"thesis.tex", "a" * 32 + ".glb"}


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    meshes = store(tmp_path)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        meshes.put(f"{new_id()}.glb", b"mesh")
    assert names(tmp_path) == set()


def test_a_reader_sees_whole_meshes_only(tmp_path):
    meshes, name = store(tmp_path, quota=10**9), f"{new_id()}.glb"
    meshes.put(name, b"\0" * 200_000)
    stop = threading.Event()

    def rewrite() -> None:
        value = 0
        while not stop.is_set():
            value = (value + 1) % 256
            meshes.put(name, bytes([value]) * 200_000)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(200):
            data = meshes.get(name)
            assert data is not None
            assert data == data[:1] * 200_000
    finally:
        stop.set()
        writer.join()


def test_many_writers_keep_to_the_quota(tmp_path):
    meshes = store(tmp_path, quota=2000)
    threads = [
        threading.Thread(target=lambda: [meshes.put(f"{new_id()}.glb", bytes(100)) for _ in range(30)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2000
