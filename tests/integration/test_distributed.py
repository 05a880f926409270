"""Two processes under torchrun, over gloo: the same steps as one process with the double batch."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from tests.support.torchrun import run_script

SCRIPT = """
import sys
from pathlib import Path

import torch
from torch import nn

from training.loop.distributed import joined
from training.loop.trainer import Trainer, TrainerConfig

folder, steps = Path(sys.argv[1]), int(sys.argv[2])
torch.manual_seed(0)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter, self.head = nn.Linear(3, 16), nn.Linear(16, 1)
        self.layers = nn.ModuleList([nn.Linear(16, 16)])

    def forward(self, x):
        x = self.enter(x)
        return self.head(x + self.layers[0](x).tanh())


def loss(network, batch, generator):
    x = torch.randn(batch, 3, generator=generator)
    return {"loss": (network(x).float() - x.prod(dim=1, keepdim=True)).square().mean()}


config = TrainerConfig(steps=steps, batch_size=16, learning_rate=0.01, warm_up=2, validate_every=3, shards=2)
with joined("cpu") as processes:
    trainer = Trainer(Network(), config, folder, processes)
    trainer.run(loss, lambda _: {"error": 1.0}, lambda *_: None)
"""


def test_two_processes_step_as_one_with_the_double_batch_and_resume(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    run_script(script, tmp_path / "one", 6, processes=1)
    run_script(script, tmp_path / "two", 3, processes=2)
    run_script(script, tmp_path / "two", 6, processes=2)  # goes on from its state
    one, two = (load_file(tmp_path / name / "state.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=2e-3, rtol=0, msg=lambda text, name=name: f"{name}: {text}")
    moved = one["model.enter.weight"] - two["average.enter.weight"]
    assert moved.abs().max() > 1e-3  # six steps did change something
