"""ONNX Runtime takes over from PyTorch only if it gives the same answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from model.results import Reconstruction
from service.inference import upgrade
from service.inference.batched_network import BatchedNetwork
from service.inference.upgrade import Upgrade, distance_mm
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.waiting import wait_for


class Network:
    """Stands in for one: its answers are `off` metres from the others'."""

    def __init__(self, runtime: str, off: float = 0.0, people: int = 1) -> None:
        self.runtime, self.off, self.people = runtime, off, people


class Answers(FakeReconstructor):
    """A reconstructor of such a network."""

    modes = ("zero-shot",)

    def __init__(self, network: object) -> None:
        super().__init__()
        self.network = network

    def reconstruct(self, image: np.ndarray, *, mesh: str = "body", **options: object) -> Reconstruction:
        found = super().reconstruct(image, **options)
        network = self.network
        people = [replace(person, vertices=person.vertices + network.off) for person in found.people]
        return replace(found, people=people * network.people)


@pytest.fixture
def run(tmp_path, monkeypatch) -> Callable[..., BatchedNetwork]:
    """What runs a model's network in the end, if its export answers as told."""
    monkeypatch.setattr("model.reconstructor.Reconstructor", Answers)
    monkeypatch.setattr(Upgrade, "_export", lambda self, subject: True)
    monkeypatch.setenv("MPT_WEIGHTS_DIR", str(tmp_path))
    (tmp_path / "anny-tiny.onnx").touch()

    def run(exported: Network, runtime: str = "PyTorch on cpu, float32", **settings: object) -> BatchedNetwork:
        monkeypatch.setattr("model.runtime.loading.open_network", lambda *_, **__: exported)
        network = BatchedNetwork(Network(runtime), 8, 0.0)
        model = Answers(network)
        network.off, network.people = 0.0, 1
        Upgrade(Settings(store_dir=tmp_path, **settings))([model])
        return network

    return run


def test_an_export_that_agrees_takes_over(run, caplog):
    with caplog.at_level(logging.INFO):
        assert run(Network("ONNX Runtime", off=0.0002)).runtime == "ONNX Runtime"
    assert "from now on (0.346 mm off)" in caplog.text  # the diagonal of 0.2


@pytest.mark.parametrize("exported", [Network("ONNX Runtime", off=0.002), Network("ONNX Runtime", people=2)])
def test_an_export_that_does_not_agree_is_left_and_goes(run, exported, caplog, tmp_path):
    assert run(exported).runtime.startswith("PyTorch")
    assert not (tmp_path / "anny-tiny.onnx").exists()  # the next start would take it
    assert "stays with PyTorch" in caplog.text


@pytest.mark.parametrize(
    "options",
    [
        {"export": False},
        {"engine": "torch"},
        {"checkpoint": "mine.safetensors"},
        {"runtime": "PyTorch on cuda, float16"},
        {"runtime": "ONNX Runtime on cpu"},
    ],
    ids=str,
)
def test_nothing_is_exchanged_that_need_not_be(run, options, monkeypatch):
    monkeypatch.setattr(Upgrade, "_export", lambda self, subject: pytest.fail("exported"))
    before = options.get("runtime", "PyTorch on cpu, float32")
    assert run(Network("ONNX Runtime"), **options).runtime == before


def test_of_checkpoints_that_are_brought_the_log_says_how_to_export_them(run, caplog):
    with caplog.at_level(logging.INFO):
        run(Network("ONNX Runtime"), checkpoint="mine.safetensors")
    assert "model.runtime.export --checkpoint mine.safetensors` makes an export" in caplog.text


def test_an_export_that_fails_is_told_and_pytorch_goes_on(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(upgrade, "COMMAND", ["-c", "import sys; sys.exit('no memory')"])
    network = BatchedNetwork(Network("PyTorch on cpu, float32"), 8, 0.0)
    Upgrade(Settings(store_dir=tmp_path))([Answers(network)])
    assert network.runtime.startswith("PyTorch")
    assert "stays with PyTorch: the export failed: no memory" in caplog.text


def test_a_service_that_ends_ends_its_export(tmp_path, monkeypatch):
    monkeypatch.setattr(upgrade, "COMMAND", ["-c", "import time; time.sleep(60)"])
    working = Upgrade(Settings(store_dir=tmp_path))
    begun = []
    monkeypatch.setattr(upgrade.log, "info", lambda text, *_: begun.append(text))
    models = [Answers(BatchedNetwork(Network("PyTorch on cpu, float32"), 8, 0.0)) for _ in range(2)]
    thread = threading.Thread(target=working, args=(models,))
    thread.start()
    wait_for(lambda: working._exporting is not None)
    working.stop()
    thread.join(20)
    assert not thread.is_alive() and working._exporting.returncode != 0
    assert len(begun) == 1  # the second model's export never began


def test_answers_are_compared_by_what_is_furthest_off_in_the_median(monkeypatch):
    monkeypatch.setattr("model.reconstructor.Reconstructor", Answers)
    assert distance_mm(Network("a"), Network("b")) == 0
    assert distance_mm(Network("a"), Network("b", off=0.001)) == pytest.approx(3**0.5, rel=1e-3)
