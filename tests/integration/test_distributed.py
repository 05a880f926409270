"""Two processes over gloo: the same steps as one process with the double batch."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from tests.support import small_training
from tests.support.torchrun import run_together


def test_two_processes_step_as_one_with_the_double_batch_and_resume(tmp_path: Path) -> None:
    small_training.train(tmp_path / "one", 6)
    said = run_together(small_training.train, tmp_path / "two", 3, 6, processes=2)
    assert "at step 3 of 6" in said  # goes on from its state
    one, two = (load_file(tmp_path / name / "state.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=2e-3, rtol=0, msg=lambda text, name=name: f"{name}: {text}")
    moved = one["model.enter.weight"] - two["average.enter.weight"]
    assert moved.abs().max() > 1e-3  # six steps did change something
