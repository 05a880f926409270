"""Which networks `mpt reconstruct` loads: by its options and the settings, fetched where they are missing."""

from __future__ import annotations

from pathlib import Path

from model.errors import WeightsMissing
from model.reconstructor import Reconstructor
from tests.support.cli_photos import picture
from tests.support.fake_reconstructor import FakeReconstructor


def test_options_and_settings_choose_the_network(run, loads, monkeypatch):
    Path("photo.jpg").write_bytes(picture())
    run("photo.jpg")
    run("photo.jpg", "--checkpoint", "mine.safetensors", "--device", "cuda:1", "--engine", "torch")
    monkeypatch.setenv("MPT_CHECKPOINT", "theirs.safetensors")
    monkeypatch.setenv("MPT_DEVICE", "cpu")
    run("photo.jpg", "--mode", "zero-shot")
    assert loads == [
        {"checkpoint": None, "device": "auto", "engine": "auto", "subject": "body", "landmarks": True, "rig": None},
        {
            "checkpoint": Path("mine.safetensors"),
            "device": "cuda:1",
            "engine": "torch",
            "subject": "body",
            "landmarks": True,
            "rig": None,
        },
        {
            "checkpoint": Path("theirs.safetensors"),
            "device": "cpu",
            "engine": "auto",
            "subject": "body",
            "landmarks": True,
            "rig": None,
        },
    ]


def test_a_mode_without_a_checkpoint_is_said(run, loads, model, monkeypatch):
    Path("photo.jpg").write_bytes(picture())
    status, output = run("photo.jpg", "--mode", "fine-tuned")
    assert status == 1
    assert "No fine-tuned checkpoint is set: name one by --checkpoint or MPT_FINE_TUNED_CHECKPOINT." in output
    status, output = run("photo.jpg", "--mode", "fine-tuned", "--checkpoint", "mine.safetensors")
    assert status == 1
    assert "mine.safetensors is for --mode zero-shot, not fine-tuned" in output
    model.modes = ("fine-tuned",)
    monkeypatch.setenv("MPT_FINE_TUNED_CHECKPOINT", "tuned.safetensors")
    assert run("photo.jpg", "--mode", "fine-tuned")[0] == 0
    assert loads[-1]["checkpoint"] == Path("tuned.safetensors")


def test_settings_that_cannot_be_used_are_said(run, monkeypatch):
    Path("photo.jpg").write_bytes(picture())
    monkeypatch.setenv("MPT_MAX_PIXELS", "many")
    status, output = run("photo.jpg")
    assert status == 1
    assert "Error: MPT_MAX_PIXELS: " in output


def test_missing_weights_are_fetched_once(run, model, monkeypatch):
    Path("photo.jpg").write_bytes(picture())
    fetched: list[bool] = []

    def load(checkpoint: Path | None, **options: str) -> FakeReconstructor:
        if not fetched:
            raise WeightsMissing("not here")
        return model

    monkeypatch.setattr(Reconstructor, "load", load)
    monkeypatch.setattr("weights.fetch.fetch", lambda: fetched.append(True))
    assert run("photo.jpg")[0] == 0
    assert fetched == [True]


def test_weights_that_cannot_be_fetched_are_said(run, monkeypatch):
    def fail(*arguments: object, **options: object) -> None:
        raise WeightsMissing("Install npm.")

    Path("photo.jpg").write_bytes(picture())
    monkeypatch.setattr(Reconstructor, "load", fail)
    monkeypatch.setattr("weights.fetch.fetch", fail)
    assert run("photo.jpg") == (1, "Error: Install npm.\n")
