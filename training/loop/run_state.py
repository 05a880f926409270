"""The full state of a training run in one safetensors file, so that a run resumes where it stopped."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from model.errors import BadCheckpoint, in_short
from model.files import atomic_write


def save_state(
    path: Path,
    progress: tuple[int, float, float],
    model: nn.Module,
    average: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
) -> None:
    """Writes weights, averaged weights, the optimizers' moments and `progress`, atomically.

    Args:
        path: the file.
        progress: the step, the best score so far, and the score before the first step.
        model: of the run, as what follows.
        average: the averaged weights.
        optimizers: the model's.
    """
    step, best, begun_with = progress
    about = {"step": step, "best": best, "begun_with": begun_with}
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for number, optimizer in enumerate(optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{index}.{k}": v for k, v in moments.items()}
    contiguous = {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}
    with atomic_write(path) as partial:
        save_file(contiguous, partial, metadata={"state": json.dumps(about)})


def load_state(
    path: Path, model: nn.Module, average: nn.Module, optimizers: Sequence[torch.optim.Optimizer]
) -> tuple[int, float, float]:
    """Puts a saved state into the run's objects and returns its `progress`, see `save_state`.

    Raises:
        BadCheckpoint: when the file is of another network or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        for prefix, module in (("model.", model), ("average.", average)):
            part = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            module.load_state_dict(part)
        for number, optimizer in enumerate(optimizers):
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for name, value in tensors.items():
                if name.startswith(f"optimizer.{number}."):
                    _, _, index, key = name.split(".")
                    moments.setdefault(int(index), {})[key] = value
            groups = optimizer.state_dict()["param_groups"]
            if not moments.keys() <= {index for group in groups for index in group["params"]}:
                raise ValueError("the run trained more of the network, such as its backbone")
            optimizer.load_state_dict({"state": moments, "param_groups": groups})
    except (SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise BadCheckpoint(
            f"{path} cannot be resumed with these settings: choose those that the run began with, or another output "
            f"folder to start anew. ({in_short(error)})"
        ) from None
    # Earlier versions did not validate before the first step.
    return int(about["step"]), float(about["best"]), float(about.get("begun_with", math.inf))
