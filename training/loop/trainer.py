"""The loop that all stages share: schedule, mixed precision, clipping, averaging, resuming, logging."""

from __future__ import annotations

import copy
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from filelock import FileLock, Timeout
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from model.errors import BadInput
from training.loop.distributed import Processes
from training.loop.optimizers import has_fast_bfloat16, make_optimizers
from training.loop.run_state import load_state, save_state

_LOG_EVERY = 50  # steps


@dataclass(frozen=True)
class TrainerConfig:
    """How a run is optimised."""

    steps: int
    batch_size: int
    """Samples a step, over all processes."""
    learning_rate: float
    shards: int = 1
    """Parts in which a step's samples are drawn. Processes share them out evenly; a process that has several adds up
    their gradients, so that the step is the same on one GPU as on many, and large batches fit into little memory."""
    weight_decay: float = 0.02
    warm_up: int = 500
    backbone_rate: float = 1.0
    """The backbone's learning rate as a part of the others', where a backbone is trained."""
    muon_rows: int | None = None
    """See `Muon`."""
    clip: float = 1.0
    """Largest gradient norm."""
    average: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is validated and kept."""
    validate_every: int = 1000
    seed: int = 0


StepLoss = Callable[[Callable[..., Any], int, torch.Generator], dict[str, Tensor]]
"""Draws a batch of that many samples from the generator, runs the given network on it, and returns the losses by name,
among them "loss"."""


class Stage(Protocol):
    """What is trained for: a loss for the steps, scores for the choice, and a place for the best network."""

    @property
    def loss(self) -> StepLoss:
        """The loss of a step."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Scores of a network by name, in millimetres; the first one chooses the best checkpoint."""

    def keep(self, network: nn.Module, step: int, scores: dict[str, float]) -> None:
        """Keeps the averaged network of a step, with its scores, as the best one so far."""


class Trainer:
    """Runs `config.steps` steps in `folder`, going on from the state that it finds there.

    The data of shard s of step n come from a generator seeded with (seed, n, s) alone, so that a run sees the same
    samples whether it is broken off and resumed or not, and on however many processes.
    """

    def __init__(
        self, model: nn.Module, config: TrainerConfig, folder: Path, processes: Processes, compile: bool = False
    ):
        """Prepares a run.

        Args:
            model: moved to the processes' device and trained in place.
            config: how; folder: of the run's state and logs.
            processes: who takes part.
            compile: runs the network through `torch.compile`, which needs a C++ compiler on a CPU.

        Raises:
            BadCheckpoint: the folder holds a state of another network.
            BadInput: the shards cannot be shared out evenly.
        """
        if config.shards % processes.count or config.batch_size % config.shards:
            raise BadInput(
                f"{config.batch_size} samples in {config.shards} shards cannot be shared out evenly to "
                f"{processes.count} processes: choose multiples, as in --batch-size {64 * processes.count}."
            )
        self.model, self.config, self.folder = model.to(processes.device), config, folder
        self.processes, self.device = processes, processes.device
        self.network: Any = DistributedDataParallel(self.model) if processes.count > 1 else self.model
        if compile:
            self.network = torch.compile(self.network)
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimizers = make_optimizers(
            self.model, config.learning_rate, config.weight_decay, config.backbone_rate, config.muon_rows
        )
        self.step, self.best, self.begun_with, self.told_to_stop = 0, math.inf, math.inf, False
        self.state_file = folder / "state.safetensors"
        folder.mkdir(parents=True, exist_ok=True)
        if self.state_file.exists():
            self.step, self.best, self.begun_with = load_state(
                self.state_file, self.model, self.average, self.optimizers
            )
            if processes.leads:
                print(f"Resuming {folder} at step {self.step} of {config.steps}.", flush=True)
        processes.wait()  # nobody may write before all have read

    def run(self, stage: Stage) -> None:
        """Trains to the end. Ctrl-C or SIGTERM lets the step end, saves the state and raises KeyboardInterrupt.

        The network is validated before the first step too: where no step does better, the end says so.

        Raises:
            BadInput: the run diverged: the network or its average answers with NaN or infinity; or another process is
                at work in the folder.
        """
        leads = self.processes.leads
        writer = SummaryWriter(self.folder / "tensorboard") if leads else None
        bar = tqdm(
            total=self.config.steps, initial=self.step, unit="step", mininterval=2, smoothing=0.05, disable=not leads
        )
        spent = 0.0  # seconds in steps, without validation
        first = self.step
        with self._alone(), self._heeding_signals():
            if writer and self.step == 0:
                self.begun_with = self._scored(writer, stage)[0]
            while self.step < self.config.steps:
                started = time.monotonic()
                losses = self.train_step(stage.loss)
                spent += time.monotonic() - started
                self.step += 1
                bar.update()
                if self.step % _LOG_EVERY == 0:
                    if writer:
                        self._log(writer, bar, losses, (self.step - first) / spent)
                    self._check(math.isfinite(losses["loss"].item()))
                if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
                    self._check(not writer or self._validate(writer, stage))
                    if writer:
                        self._save()
                    self.processes.wait()
                # All processes have to stop at the same step; asking costs time, so they do it now and then.
                if (self.processes.count == 1 or self.step % 10 == 0) and self.processes.any(self.told_to_stop):
                    self._check(math.isfinite(losses["loss"].item()))  # or the state before would be lost
                    if writer:
                        self._save()
                        print(f"\nStopped at step {self.step}; the same command goes on from here.")
                    raise KeyboardInterrupt
        bar.close()
        if writer:
            writer.close()
            if self.best >= self.begun_with:
                print(
                    f"No step was better than the network that the run in {self.folder} began with: "
                    f"{self.begun_with:.1f} mm, and {self.best:.1f} at best. Lower learning_rate in "
                    "training/recipes.py, or train longer, in another folder."
                )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps the folder for this run: two would write over each other's state."""
        lock = FileLock(self.folder / ".lock", timeout=0)
        busy = False
        try:
            if self.processes.leads:
                lock.acquire()
        except Timeout:
            busy = True
        if self.processes.any(busy):
            raise BadInput(f"Another process trains in {self.folder}: wait for its end, or choose another folder.")
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _heeding_signals(self) -> Iterator[None]:
        """Notes SIGINT and SIGTERM instead of breaking a step in the middle; a second one breaks it all the same."""

        def note(number: int, _: Any) -> None:
            self.told_to_stop = True
            signal.signal(number, signal.default_int_handler)

        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _check(self, sound: bool) -> None:
        """Ends the run in all processes if what the network answers in one of them is no number."""
        if self.processes.any(not sound):
            raise BadInput(
                f"The run in {self.folder} diverged: at step {self.step} the network answers with NaN or infinity, and "
                "nothing of it is kept. Lower learning_rate in training/recipes.py, or give a larger --batch-size: the "
                "run then goes on from the state before."
            )

    def train_step(self, step_loss: StepLoss) -> dict[str, Tensor]:
        """One step of the optimisers; returns the last shard's losses."""
        config = self.config
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(config, self.step) * group.get("share", 1.0)
            optimizer.zero_grad(set_to_none=True)
        mine = range(self.processes.rank, config.shards, self.processes.count)
        for shard in mine:
            seed = (config.seed * 1_000_003 + self.step) * 1_009 + shard
            generator = torch.Generator(self.device).manual_seed(seed)
            # Processes average their gradients when the last of their shards is through.
            with self.network.no_sync() if self.processes.count > 1 and shard != mine[-1] else nullcontext():
                losses = step_loss(self._predict, config.batch_size // config.shards, generator)
                (losses["loss"] / len(mine)).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        # Young averages forget faster, so that the first steps do not linger.
        decay = min(config.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        return losses

    def _predict(self, *inputs: Tensor, **options: Any) -> Any:
        """The network in mixed precision; what makes samples and losses stays in float32."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=has_fast_bfloat16(self.device)):
            return self.network(*inputs, **options)

    def _log(self, writer: Any, bar: Any, losses: dict[str, Tensor], steps_per_second: float) -> None:
        values = {name: float(loss.detach()) for name, loss in losses.items()}
        for name, value in values.items():
            writer.add_scalar(f"loss/{name}", value, self.step)
        rate = steps_per_second * self.config.batch_size
        writer.add_scalar("samples_per_second", rate, self.step)
        writer.add_scalar("learning_rate", learning_rate(self.config, self.step), self.step)
        bar.set_postfix_str(f"loss {values['loss']:.3f}, {rate:.0f} samples/s")

    def _validate(self, writer: Any, stage: Stage) -> bool:
        """Validates and keeps what is better than before; returns whether the score that chooses is finite."""
        score, scores = self._scored(writer, stage)
        if score < self.best:
            self.best = score
            stage.keep(self.average, self.step, scores)
        return math.isfinite(score)

    def _scored(self, writer: Any, stage: Stage) -> tuple[float, dict[str, float]]:
        """The score that chooses, infinite if there is none, and all of them, which are told."""
        try:
            scores = stage.validate(self.average)
        except torch.linalg.LinAlgError:  # type: ignore[attr-defined]  # NaN cannot be aligned
            return math.inf, {}
        score = next(iter(scores.values()))
        if not math.isfinite(score):
            return math.inf, scores
        known = {name: value for name, value in scores.items() if math.isfinite(value)}  # of images without meshes
        for name, value in known.items():
            writer.add_scalar(f"validation/{name}", value, self.step)
        tqdm.write(f"step {self.step}: " + ", ".join(f"{name} {value:.1f} mm" for name, value in known.items()))
        return score, scores

    def _save(self) -> None:
        save_state(self.state_file, (self.step, self.best, self.begun_with), self.model, self.average, self.optimizers)


def kept(path: Path) -> Path:
    """The best network's file of a run that has ended.

    Raises:
        BadInput: it was taken away.
    """
    if not path.is_file():
        raise BadInput(f"{path} is not there any more: put it back, or choose another output folder to start anew.")
    return path


def learning_rate(config: TrainerConfig, step: int) -> float:
    """Linear warm-up, then a cosine down to 1 % at the last step."""
    if step < config.warm_up:
        return config.learning_rate * (step + 1) / config.warm_up
    progress = (step - config.warm_up) / max(1, config.steps - config.warm_up)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))
