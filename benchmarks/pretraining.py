"""How fast pre-training runs here, stage by stage, and what share of the device's peak its network uses.

`python -m benchmarks.pretraining [--sizes tiny fast] [--compile]` prints a Markdown table: samples a second of whole
steps (samples made, network forth and back, optimiser), how many times the first row's that is, the share of the time
that making samples takes, the network's operations, and the model FLOPs utilisation (MFU, as in PaLM: operations of
the network alone, over the peak). The rows take turns, step by step, so that what else runs on the machine slows all of
them alike; on a CPU its own time counts. The poses are random: speed does not depend on them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from model.network.lifting import LiftNetwork, MeshNetwork
from model.network.sizes import lift_of
from model.network.topology import MeshTopology
from model.network.transformer import MeshTransformer
from training.arguments import add_device
from training.bodies.anny import AnnyBody
from training.bodies.coarse import load_topology
from training.bodies.subject import BODY
from training.loop.distributed import Processes
from training.loop.optimizers import has_fast_bfloat16
from training.loop.trainer import StepLoss, Trainer, TrainerConfig
from training.objectives import lifting_loss, pretraining_loss
from training.pretrain import shards
from training.recipes import PRETRAIN
from training.synthesis.joint_samples import JointSynthesizer
from training.synthesis.samples import Synthesizer
from training.variants import build_variant

# Dense bfloat16 operations a second, from the makers' data sheets.
_PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "RTX 4090": 165e12}


@dataclass
class Stage:
    """A stage of a recipe, ready to take steps."""

    name: str
    trainer: Trainer
    loss: StepLoss
    make: Callable[[int, torch.Generator], object]
    """Makes as many samples as a step has."""
    steps: list[float] = field(default_factory=list)
    """Seconds of a step, one a round."""
    makes: list[float] = field(default_factory=list)
    """Seconds in which a step's samples are made, one a round."""

    def take_turn(self, device: torch.device) -> None:
        """One step, and one step's samples once more, both timed."""
        config = self.trainer.config
        self.steps.append(seconds(lambda: self.trainer.train_step(self.loss), device))
        generator = torch.Generator(device).manual_seed(0)
        part = config.batch_size // config.shards
        self.makes.append(config.shards * seconds(lambda: self.make(part, generator), device))

    def rate(self) -> float:
        """Samples a second, by the median step of those after the first, which warms up."""
        return self.trainer.config.batch_size / median(self.steps[1:])

    def operations(self) -> float:
        """Of the network, forth and back, a sample."""
        model, device = self.trainer.model, self.trainer.device
        assert isinstance(model, MeshNetwork)
        size = model.size.heatmap_size
        heatmaps = torch.rand(4, len(BODY.joint_names), size, size, device=device)
        with FlopCounterMode(display=False) as counter:
            sum(part.float().sum() for part in model(heatmaps)).backward()
        return counter.get_total_flops() / 4

    def row(self, first: Stage, best: float) -> str:
        """Its line of the table, beside the first stage's, where the device's peak is so many operations a second."""
        rate, operations = self.rate(), self.operations()
        parameters = sum(p.numel() for p in self.trainer.model.parameters()) / 1e6
        cells = [
            self.name, f"{parameters:.1f} M", str(self.trainer.config.batch_size), f"{operations / 1e9:.2f} G",
            f"{rate:,.0f}", f"{rate / first.rate():.1f}", f"{median(self.makes[1:]) / median(self.steps[1:]):.0%}",
            f"{operations * rate / best:.1%}",
        ]  # fmt: skip
        return f"| {' | '.join(cells)} |"


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return sorted(values)[len(values) // 2]


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """The time of one call; on a CPU that of its threads, so that what else runs there counts little."""

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize()
            return time.perf_counter()
        return time.process_time() / torch.get_num_threads()

    started = now()
    work()
    return now() - started


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
    product = median([seconds(lambda: a @ a, device) for _ in range(7)])
    return 2 * side**3 / product, f"measured, a {dtype} product of side {side}"


def stages(
    name: str, topology: MeshTopology, body: AnnyBody, poses: torch.Tensor, folder: Path, options: argparse.Namespace
) -> Iterator[Stage]:
    """A recipe's first stage, if it has one, and the whole network."""
    recipe, device = PRETRAIN[name](), torch.device(options.device)
    samples = Synthesizer(body, topology, poses, recipe.synthesis, device)
    model = build_variant(recipe.size, topology)

    def indices(count: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randint(len(poses), (count,), generator=generator, device=device)

    def trainer(config: TrainerConfig, network: torch.nn.Module, stage: str) -> Trainer:
        batch = options.batch_size or config.batch_size
        config = replace(config, batch_size=batch, shards=shards(batch, Processes(device)), steps=10**6)
        return Trainer(network, config, folder / name / stage, Processes(device), options.compile)

    if recipe.lift and isinstance(model, MeshTransformer):
        joints = JointSynthesizer(samples)
        alone = LiftNetwork(lift_of(recipe.size), topology.unit, model.lift)
        yield Stage(
            f"{name}, first stage",
            trainer(recipe.lift, alone, "lift"),
            lifting_loss(joints, recipe.edges),
            lambda count, generator: joints.batch(indices(count, generator), generator, count // 4),
        )
        model = build_variant(recipe.size, topology)  # each trains its own
    yield Stage(
        f"{name}, whole",
        trainer(recipe.trainer, model, "whole"),
        pretraining_loss(samples, recipe.edges),
        lambda count, generator: samples.training_batch(indices(count, generator), generator),
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pretraining", description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=sorted(PRETRAIN), default=["tiny", "fast"])
    add_device(parser)
    parser.add_argument("--batch-size", type=int, help="instead of each recipe's")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    device = torch.device(options.device)
    best, source = peak(device)
    print(f"Peak: {best / 1e12:.2f} TFLOP/s ({source}). {torch.get_num_threads()} CPU threads.\n")
    body, poses = AnnyBody.load(), 0.4 * torch.randn(2048, 22, 3, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        topology = load_topology(Path(folder) / "topology.safetensors", body, poses)
        rows = [stage for name in options.sizes for stage in stages(name, topology, body, poses, Path(folder), options)]
        for _ in range(options.repeats + 1):
            for row in rows:
                row.take_turn(device)
    print("| stage | parameters | batch | operations a sample | samples/s | times the first | making samples | MFU |")
    print("|---" * 8 + "|")
    for row in rows:
        print(row.row(rows[0], best))


if __name__ == "__main__":
    main()
