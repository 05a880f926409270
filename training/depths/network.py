"""The network that reads bones' depths, as it is trained; `model.perception.bone_depths.BoneReader` serves it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from model.files import atomic_write
from model.joints import COCO_BONES, COCO_JOINTS
from model.perception.bone_depths import ENDS, FORMAT, LAYERS, STARTS
from training.depths.samples import BoneSamples

_DROPPED = 0.2
_OFF = 0.3  # metres by one unit of the last layer


class BoneNetwork(nn.Module):
    """Corrects how deep bones were lifted, by all that BlazePose has seen.

    Args:
        samples: which it will learn from; inputs are shifted and scaled by their means and spreads.
        hidden: width of its state.
        own: width of what each bone's own layer gives.
    """

    numbers_mean: Tensor
    numbers_spread: Tensor
    overall_mean: Tensor
    overall_spread: Tensor

    def __init__(self, samples: BoneSamples, hidden: int = 384, own: int = 64):
        super().__init__()
        numbers, local, overall, _ = (part[:1000].float() for part in samples.seen)
        for name, part, least in (("numbers", numbers, 1e-3), ("overall", overall, 0.05)):
            self.register_buffer(f"{name}_mean", part.mean(dim=0))
            self.register_buffer(f"{name}_spread", part.std(dim=0, unbiased=False) + least)
        channels, bones = local.shape[2], len(COCO_BONES)
        self.local = nn.LayerNorm(channels)
        self.bones_weight = nn.Parameter(torch.randn(bones, 3 * channels, own) / (3 * channels) ** 0.5)
        self.bones_bias = nn.Parameter(torch.zeros(bones, own))
        self.numbers, self.overall = nn.Linear(numbers.shape[1], hidden), nn.Linear(overall.shape[1], hidden)
        self.bones = nn.Linear(bones * own, hidden)
        self.layers = nn.ModuleList(_Residual(hidden) for _ in LAYERS)
        self.norm, self.leave = nn.LayerNorm(hidden), nn.Linear(hidden, bones)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, numbers: Tensor, local: Tensor, overall: Tensor, lifted: Tensor) -> Tensor:
        """(B, 12) metres, from the fields of `BonesSeen`."""
        local = self.local(local)
        pairs = torch.cat([local[:, STARTS], local[:, ENDS], local[:, len(COCO_JOINTS) :]], dim=2)  # (B, 12, 3 C)
        pairs = F.dropout(pairs, _DROPPED, self.training)
        bones = F.gelu(torch.einsum("bkc,kch->bkh", pairs, self.bones_weight) + self.bones_bias)
        overall = F.dropout((overall - self.overall_mean) / self.overall_spread, _DROPPED, self.training)
        state: Tensor = self.numbers((numbers - self.numbers_mean) / self.numbers_spread)
        state = state + self.overall(overall) + self.bones(bones.flatten(1))
        for layer in self.layers:
            state = state + layer(state)
        told: Tensor = lifted + _OFF * self.leave(self.norm(state))
        return told

    def save(self, path: Path, about: dict[str, object]) -> None:
        """Writes it in half precision as `BoneReader` loads it, scales and shifts folded into its matrices.

        Args:
            path: the file.
            about: what else the file says of itself.
        """
        numbers, overall = self.numbers.weight / self.numbers_spread, self.overall.weight / self.overall_spread
        bias = self.numbers.bias + self.overall.bias + self.bones.bias
        last, shift = _folded(self.norm, self.leave)
        tensors = {
            "local.scale": self.local.weight,
            "local.shift": self.local.bias,
            "bones.weight": self.bones_weight,
            "bones.bias": self.bones_bias,
            "enter.numbers": numbers.T,
            "enter.overall": overall.T,
            "enter.bones": self.bones.weight.T,
            "enter.bias": bias - numbers @ self.numbers_mean - overall @ self.overall_mean,
            "leave": _OFF * last.T,
            "leave.bias": _OFF * shift,
        }
        for name, layer in zip(LAYERS, self.layers, strict=True):
            assert isinstance(layer, _Residual)
            wide, inner = _folded(layer.norm, layer.wide)
            tensors |= {f"{name}.in": wide.T, f"{name}.in.bias": inner}
            tensors |= {f"{name}.out": layer.narrow.weight.T, f"{name}.out.bias": layer.narrow.bias}
        halves = {name: np.ascontiguousarray(each.detach().half().cpu().numpy()) for name, each in tensors.items()}
        with atomic_write(path) as partial:
            save_file(halves, partial, metadata={"mpt": json.dumps({"format": FORMAT, **about})})


class _Residual(nn.Module):
    """What is added to the state (B, hidden)."""

    def __init__(self, hidden: int):
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.wide, self.narrow = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)

    def forward(self, state: Tensor) -> Tensor:
        inner = F.dropout(F.gelu(self.wide(self.norm(state))), _DROPPED, self.training)
        added: Tensor = self.narrow(inner)
        return added


def _folded(norm: nn.LayerNorm, layer: nn.Linear) -> tuple[Tensor, Tensor]:
    """The weight and the bias of a layer that takes what is normed in place of what is scaled and shifted after it."""
    return layer.weight * norm.weight, layer.bias + layer.weight @ norm.bias
