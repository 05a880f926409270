"""Which engine is chosen, and what stands in for one that cannot be used."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from model.errors import BadCheckpoint, BadInput, WeightsMissing
from model.runtime import loading
from model.runtime.fingerprint import fingerprint
from model.runtime.loading import export_path, open_network


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes what was tried in place of loading it."""
    names: list[str] = []
    for name in ("torch", "onnx"):
        monkeypatch.setattr(loading, f"_open_{name}", lambda *_, name=name: names.append(name) or name)
    monkeypatch.setattr(loading, "_has_gpu", lambda: False)
    monkeypatch.setattr(loading.importlib.util, "find_spec", lambda name: name)
    return names


def checkpoint(folder: Path, exported: bool) -> Path:
    path = folder / "mine.safetensors"
    path.write_bytes(b"weights")
    if exported:
        path.with_suffix(".onnx").touch()
    return path


def test_auto_takes_the_export_on_the_cpu_and_pytorch_without_one(tmp_path: Path, opened: list[str]) -> None:
    assert open_network(checkpoint(tmp_path, exported=False)) == "torch"
    assert open_network(checkpoint(tmp_path, exported=True)) == "onnx"
    assert open_network(tmp_path / "mine.onnx") == "onnx"


@pytest.mark.parametrize(
    ("device", "gpu", "engine"), [("auto", True, "torch"), ("cuda:1", False, "torch"), ("cpu", True, "onnx")]
)
def test_auto_takes_pytorch_on_a_gpu(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch, device: str, gpu: bool, engine: str
) -> None:
    monkeypatch.setattr(loading, "_has_gpu", lambda: gpu)
    assert open_network(checkpoint(tmp_path, exported=True), device) == engine


@pytest.mark.parametrize("missing", ["torch", "onnxruntime"])
def test_auto_takes_what_is_installed(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(loading.importlib.util, "find_spec", lambda name: None if name == missing else name)
    assert open_network(checkpoint(tmp_path, exported=True)) == ("onnx" if missing == "torch" else "torch")


def test_auto_takes_the_next_if_one_cannot_be_used_and_says_so(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stale(*_: object) -> None:
        raise BadCheckpoint("It is of another version.")

    monkeypatch.setattr(loading, "_open_onnx", stale)
    path = checkpoint(tmp_path, exported=True)
    with caplog.at_level(logging.WARNING):
        assert open_network(path) == "torch"
    assert "onnx cannot be used" in caplog.text and "another version" in caplog.text
    with pytest.raises(BadCheckpoint, match="another version"):
        open_network(path, engine="onnx")


def test_what_cannot_be_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="auto, torch, onnx"):
        open_network(engine="tensorrt")
    for threads in (0, -3):
        with pytest.raises(BadInput, match="threads must be a whole number, 1 or more"):
            open_network(engine="onnx", threads=threads)
    with pytest.raises(BadInput, match="no precision 'float8'; choose one of auto, float32"):
        open_network(tmp_path / "mine.onnx", precision="float8")
    with pytest.raises(BadInput, match="is an export"):
        open_network(tmp_path / "mine.onnx", engine="torch")
    with pytest.raises(WeightsMissing, match=r"mine\.onnx does not exist; `python -m model\.runtime\.export --checkp"):
        open_network(checkpoint(tmp_path, exported=False), engine="onnx")
    monkeypatch.setattr(loading.importlib.util, "find_spec", lambda name: None)
    for engine, title in (("torch", "PyTorch"), ("onnx", "ONNX Runtime")):
        with pytest.raises(BadInput, match=f"{title} is not installed: "):
            open_network(engine=engine)


def test_an_export_of_another_checkpoint_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Twin:
        fingerprint = "of another"

        @classmethod
        def load(cls, *_: object) -> Twin:
            return cls()

    monkeypatch.setattr("model.runtime.onnx_runtime.OnnxNetwork", Twin)
    path = checkpoint(tmp_path, exported=True)
    with pytest.raises(BadCheckpoint, match="renews it"):
        open_network(path, engine="onnx")
    Twin.fingerprint = fingerprint(path)
    assert isinstance(open_network(path, engine="onnx"), Twin)
    path.write_bytes(b"trained on")
    with pytest.raises(BadCheckpoint, match="renews it"):
        open_network(path, engine="onnx")
    path.unlink()  # only the export was brought here
    assert isinstance(open_network(path, engine="onnx"), Twin)


def test_where_exports_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPT_WEIGHTS_DIR", str(tmp_path))
    assert export_path() == tmp_path / "anny-tiny.onnx"
    assert export_path(Path("runs/best.safetensors")) == Path("runs/best.onnx")


def test_onnx_runtime_reports_nothing(tmp_path: Path) -> None:
    """Its wheels make an id of the machine, and what they report, in the home folder as soon as they are imported."""
    pytest.importorskip("onnxruntime")
    kept = os.environ.items() - {(name, os.environ.get(name)) for name in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")}
    code = "import model.runtime.onnx_runtime"
    subprocess.run([sys.executable, "-c", code], check=True, env={**dict(kept), "HOME": str(tmp_path)})
    assert list(tmp_path.rglob("*")) == []
