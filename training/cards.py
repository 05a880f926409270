"""Model cards: what a checkpoint says of how it came about."""

from __future__ import annotations

import dataclasses
import os
import platform
from typing import Any

import torch

from training.recipes import FinetuneRecipe, PretrainRecipe


def model_card(
    name: str,
    mode: str,
    recipe: PretrainRecipe | FinetuneRecipe,
    device: torch.device,
    step: int,
    samples_seen: int,
    scores: dict[str, float],
    **more: Any,
) -> dict[str, Any]:
    """What every card has, and `more`, which only some have.

    Args:
        name: of the checkpoint; mode: "zero-shot" or "fine-tuned".
        recipe: of the run; device: that it runs on.
        step: of the run; samples_seen: until then, those of earlier runs included.
        scores: of the validation, millimetres.
    """
    return {
        "name": name,
        "mode": mode,
        **more,
        "samples_seen": samples_seen,
        "steps": step,
        "recipe": dataclasses.asdict(recipe),
        "hardware": _hardware(device),
        "validation": {name: round(value, 2) for name, value in scores.items()},
    }


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} threads of a CPU ({platform.machine()}, {os.cpu_count()} cores)"
