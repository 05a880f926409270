"""How fast pre-training runs here, and what share of the device's peak its network uses.

`python -m benchmarks.pretraining [--sizes tiny small] [--compile]` prints a Markdown table: samples a
second of whole steps (samples made, network forth and back, optimiser), the share of the time that making samples
takes, the network's operations, and the model FLOPs utilisation (MFU, as in PaLM: operations of the network alone,
over the peak). The poses are random: speed does not depend on them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from training.bodies.anny import AnnyBody
from training.bodies.coarse import load_topology
from training.loop.distributed import Processes
from training.loop.optimizers import has_fast_bfloat16
from training.loop.trainer import Trainer
from training.objectives import pretraining_loss
from training.pretrain import shards
from training.recipes import PRETRAIN
from training.synthesis.samples import Synthesizer
from training.variants import build_variant

# Dense bfloat16 operations a second, from the makers' data sheets.
_PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "RTX 4090": 165e12}


def seconds(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    """The median time of one call, after two to warm up."""

    def wait() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    times = []
    for _ in range(repeats + 2):
        started = wait()
        work()
        times.append(wait() - started)
    return sorted(times[2:])[repeats // 2]


def peak(device: torch.device) -> tuple[float, str]:
    """Operations a second at best, and where the number is from."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        for part, value in _PEAKS.items():
            if part in name:
                return value, f"{name}, data sheet"
    side = 8192 if device.type == "cuda" else 2048
    dtype = torch.bfloat16 if has_fast_bfloat16(device) else torch.float32
    a = torch.randn(side, side, device=device, dtype=dtype)
    return 2 * side**3 / seconds(lambda: a @ a, device, 5), f"measured, a {dtype} product of side {side}"


def measure(name: str, device: torch.device, compile: bool, batch: int | None, repeats: int) -> list[str]:
    """One row of the table."""
    recipe = PRETRAIN[name]()
    batch = batch or recipe.trainer.batch_size
    config = replace(recipe.trainer, batch_size=batch, shards=shards(batch, Processes(device)), steps=10**6)
    body = AnnyBody.load()
    poses = 0.4 * torch.randn(2048, 22, 3, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        topology = load_topology(Path(folder) / "topology.safetensors", body, poses)
        samples = Synthesizer(body, topology, poses, recipe.synthesis, device)
        trainer = Trainer(build_variant(recipe.size, topology), config, Path(folder), Processes(device), compile)
        loss = pretraining_loss(samples)
        step = seconds(lambda: trainer.train_step(loss), device, repeats)
        generator = torch.Generator(device).manual_seed(0)
        index = torch.randint(len(poses), (config.batch_size,), generator=generator, device=device)
        draw = seconds(lambda: samples.training_batch(index, generator), device, repeats)
        heatmaps = samples.training_batch(index[:4], generator)[0]
        with FlopCounterMode(display=False) as counter:
            sum(part.float().sum() for part in trainer.model(heatmaps)).backward()
    operations = counter.get_total_flops() / 4
    rate = config.batch_size / step
    share = operations * rate / peak(device)[0]
    parameters = sum(p.numel() for p in trainer.model.parameters()) / 1e6
    cells = [name, f"{parameters:.1f} M", str(config.batch_size), f"{operations / 1e9:.2f} G", f"{rate:,.0f}"]
    return [*cells, f"{draw / step:.0%}", f"{share:.1%}"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pretraining", description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=sorted(PRETRAIN), default=["tiny", "small", "base"])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    device = torch.device(options.device)
    value, source = peak(device)
    print(f"Peak: {value / 1e12:.2f} TFLOP/s ({source}). {torch.get_num_threads()} CPU threads.\n")
    print("| size | parameters | batch | operations a sample, forth and back | samples/s | making samples | MFU |")
    print("|---|---|---|---|---|---|---|")
    for name in options.sizes:
        row = measure(name, device, options.compile, options.batch_size, options.repeats)
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
