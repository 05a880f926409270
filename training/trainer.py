"""The loop that both stages share: schedule, mixed precision, clipping, averaging, resuming, logging."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from training.state import load_state, save_state


@dataclass(frozen=True)
class TrainerConfig:
    """How a run is optimised."""

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.02
    warm_up: int = 500
    clip: float = 1.0
    """Largest gradient norm."""
    average: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is validated and kept."""
    validate_every: int = 1000
    seed: int = 0


StepLoss = Callable[[Callable[..., Any], torch.Generator], dict[str, Tensor]]
"""Draws a batch from the generator, runs the network that it is given, and returns the losses by name, among them
"loss"."""
Validate = Callable[[nn.Module], dict[str, float]]
"""Scores by name in millimetres; the first one chooses the best checkpoint."""
Keep = Callable[[nn.Module, int, dict[str, float]], None]
"""Keeps the averaged network of a step, with its scores, as the best one so far."""


class Trainer:
    """Runs `config.steps` steps in `folder`, going on from the state that it finds there.

    The data of step n come from a generator seeded with (seed, n) alone, so that a resumed run sees exactly the
    samples that an unbroken one would.
    """

    def __init__(self, model: nn.Module, config: TrainerConfig, folder: Path, device: torch.device):
        self.model, self.config, self.folder, self.device = model.to(device), config, folder, device
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        decayed = [p for p in model.parameters() if p.ndim > 1]
        others = [p for p in model.parameters() if p.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(
            groups, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.step, self.best = 0, math.inf
        self.state_file = folder / "state.safetensors"
        folder.mkdir(parents=True, exist_ok=True)
        if self.state_file.exists():
            self.step, self.best = load_state(self.state_file, self.model, self.average, self.optimizer)
            print(f"Resuming {folder} at step {self.step} of {config.steps}.", flush=True)

    def run(self, step_loss: StepLoss, validate: Validate, keep: Keep) -> None:
        """Trains to the end; an interrupt (Ctrl-C) saves the state before it leaves."""
        writer = SummaryWriter(self.folder / "tensorboard")
        bar = tqdm(total=self.config.steps, initial=self.step, unit="step", mininterval=2, smoothing=0.05)
        started, first = time.monotonic(), self.step
        try:
            while self.step < self.config.steps:
                losses = self._train_step(step_loss)
                self.step += 1
                bar.update()
                if self.step % 50 == 0:
                    self._log(writer, bar, losses, (self.step - first) / (time.monotonic() - started))
                if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
                    self._validate(writer, validate, keep)
                    self._save()
        except KeyboardInterrupt:
            self._save()
            print(f"\nStopped at step {self.step}; the same command goes on from here.")
            raise
        finally:
            bar.close()
            writer.close()

    def _train_step(self, step_loss: StepLoss) -> dict[str, Tensor]:
        generator = torch.Generator(self.device).manual_seed(self.config.seed * 1_000_003 + self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.step)
        losses = step_loss(self._predict, generator)
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        # Young averages forget faster, so that the first steps do not linger.
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        return losses

    def _predict(self, *inputs: Tensor) -> Any:
        """The network in mixed precision; what makes samples and losses stays in float32."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=has_fast_bfloat16(self.device)):
            return self.model(*inputs)

    def _log(self, writer: Any, bar: Any, losses: dict[str, Tensor], steps_per_second: float) -> None:
        values = {name: float(loss.detach()) for name, loss in losses.items()}
        for name, value in values.items():
            writer.add_scalar(f"loss/{name}", value, self.step)
        rate = steps_per_second * self.config.batch_size
        writer.add_scalar("samples_per_second", rate, self.step)
        writer.add_scalar("learning_rate", learning_rate(self.config, self.step), self.step)
        bar.set_postfix_str(f"loss {values['loss']:.3f}, {rate:.0f} samples/s")

    def _validate(self, writer: Any, validate: Validate, keep: Keep) -> None:
        scores = validate(self.average)
        for name, value in scores.items():
            writer.add_scalar(f"validation/{name}", value, self.step)
        tqdm.write(f"step {self.step}: " + ", ".join(f"{name} {value:.1f} mm" for name, value in scores.items()))
        if (score := next(iter(scores.values()))) < self.best:
            self.best = score
            keep(self.average, self.step, scores)

    def _save(self) -> None:
        save_state(self.state_file, self.step, self.best, self.model, self.average, self.optimizer)


def learning_rate(config: TrainerConfig, step: int) -> float:
    """Linear warm-up, then a cosine down to 1 % at the last step."""
    if step < config.warm_up:
        return config.learning_rate * (step + 1) / config.warm_up
    progress = (step - config.warm_up) / max(1, config.steps - config.warm_up)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is faster than float32 there: on CUDA, and on CPUs with instructions for it."""
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return device.type == "cuda" and torch.cuda.is_bf16_supported()
