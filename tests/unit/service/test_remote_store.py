"""The store that many machines share, on fsspec's file systems in memory and on the disk."""

from __future__ import annotations

import secrets
import time

import pytest

from service.remote_store import RemoteStore
from service.store import made_at, new_id


@pytest.fixture(params=["memory", "file"])
def url(request, tmp_path) -> str:
    return f"memory://{secrets.token_hex(8)}/meshes" if request.param == "memory" else f"file://{tmp_path}/meshes"


def name(age: float = 0) -> str:
    """The name of a mesh that was made `age` seconds ago."""
    return f"{int(time.time() - age):08x}{new_id()[8:]}.glb"


def test_ids_tell_when_they_were_made():
    before = int(time.time())
    assert before <= made_at(new_id()) <= time.time()


def test_what_one_machine_puts_another_gets(url):
    first, second, mesh = RemoteStore(url, 100, 10**6), RemoteStore(url, 100, 10**6), name()
    assert second.get(mesh) is None
    first.put(mesh, b"mesh")
    assert second.get(mesh) == b"mesh"
    second.sweep()
    assert second.usage == (1, 4)


def test_an_old_mesh_is_gone_at_once_and_swept_later(url):
    store, old, young = RemoteStore(url, 100, 10**6), name(age=102), name(age=97)
    for mesh in (old, young):
        store.put(mesh, b"mesh")
    assert store.get(old) is None
    assert store.get(young) == b"mesh"
    assert RemoteStore(url, 1000, 10**6).get(old) == b"mesh"  # not swept yet
    store.sweep()
    assert RemoteStore(url, 1000, 10**6).get(old) is None
    assert store.usage == (1, 4)


def test_beyond_the_quota_the_oldest_go(url):
    store = RemoteStore(url, 1000, 1000)
    ordered = [name(age=100 - index) for index in range(11)]
    for mesh in ordered:
        store.put(mesh, bytes(100))
    store.sweep()
    # 1100 bytes are cut down to 90 % of 1000: the two oldest go
    assert [store.get(mesh) is None for mesh in ordered] == [True] * 2 + [False] * 9
    assert store.usage == (9, 900)


def test_other_files_are_left_alone(url):
    store = RemoteStore(url, 1, 0)
    path = f"{store._folder}/thesis.tex"
    store._files.pipe_file(path, b"years of work")
    store.put(name(age=50), b"mesh")
    store.sweep()
    assert store._files.cat_file(path) == b"years of work"
    assert store.usage == (0, 0)


@pytest.mark.parametrize("bad", ["../x.glb", "/etc/passwd", "a" * 32, f"{'a' * 32}.glb/.."])
def test_other_names_never_reach_the_store(url, bad):
    store = RemoteStore(url, 1, 0)
    for ask in (lambda: store.get(bad), lambda: store.put(bad, b"")):
        with pytest.raises(ValueError, match="not the name"):
            ask()


def test_an_unknown_kind_of_address_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        RemoteStore("nonsense://bucket", 1, 0)
