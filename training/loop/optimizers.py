"""What changes the weights: Muon for hidden matrices, AdamW for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


def make_optimizers(
    model: nn.Module, rate: float, decay: float, backbone_rate: float = 1.0, muon_rows: int | None = None
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside of residual layers, AdamW for all else.

    Muon (Jordan et al., 2024) makes each step's matrix orthogonal. It took a third fewer samples here to the same
    validation score than AdamW alone. It is meant for hidden matrices, not for what embeds inputs or reads answers;
    its steps are scaled to AdamW's size, so that one learning rate serves both. Frozen parameters are left out; those
    of a module called "backbone" get `backbone_rate` of the learning rate. `muon_rows`: see `Muon`.
    """
    hidden = {
        id(layer.weight)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and {"layers", "blocks"}.intersection(name.split("."))
    }
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    backbone = [p for name, p in trained.items() if "backbone" in name.split(".")]
    rest = [p for name, p in trained.items() if "backbone" not in name.split(".")]
    matrices = [p for p in rest if id(p) in hidden]
    decayed = [p for p in rest if p.ndim > 1 and id(p) not in hidden]
    others = [p for p in rest if p.ndim <= 1]
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
    if backbone:  # it was trained on far more images than it sees here: nothing pulls it to zero
        groups.append({"params": backbone, "weight_decay": 0.0, "share": backbone_rate})
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=rate, weight_decay=decay, fused=True)]
    if matrices:
        optimizers.append(Muon(matrices, rate, decay, rows=muon_rows))
    return optimizers


class Muon(torch.optim.Optimizer):
    """Momentum whose matrix is made orthogonal before each step, as `torch.optim.Muon` with `match_rms_adamw`.

    Torch's own always counts in bfloat16, which takes a CPU without instructions for it 70 times as long as float32:
    minutes a step. This one counts in what the device is quick at.

    With `rows`, so many rows of a matrix are made orthogonal at a time, for themselves. That costs a matrix of side N
    N / rows times less; steps are as long as before.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        weight_decay: float,
        momentum: float = 0.95,
        rows: int | None = None,
    ):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.rows = rows

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Steps every matrix that has a gradient; there is no closure."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(matrix)
                buffer = state["momentum_buffer"].lerp_(matrix.grad, 1 - group["momentum"])
                direction = matrix.grad.lerp(buffer, group["momentum"])  # Nesterov's
                parts = direction.split(self.rows) if self.rows and min(matrix.shape) > self.rows else (direction,)
                update = torch.cat([orthogonal(part) for part in parts])
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                # An orthogonal matrix's entries are small where it is large; AdamW's steps are about 0.2 everywhere.
                matrix.add_(update, alpha=-0.2 * math.sqrt(max(matrix.shape)) * group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """Brings a matrix's singular values near 1 by five steps of a quintic Newton-Schulz iteration.

    The coefficients are Jordan's: steep at zero, so that small values rise soon; they end between 0.5 and 1.3, which
    serves as well as 1.
    """
    x = matrix.bfloat16() if has_fast_bfloat16(matrix.device) else matrix.float()
    x = x.mT if x.shape[0] > x.shape[1] else x
    x = x / x.norm().clamp(min=1e-7)
    if x.dtype == torch.float32 and x.shape[1] >= 2 * x.shape[0]:
        x = _polynomial(x @ x.mT) @ x
        return (x.mT if matrix.shape[0] > matrix.shape[1] else x).to(matrix.dtype)
    for _ in range(5):
        gram = x @ x.mT
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return (x.mT if matrix.shape[0] > matrix.shape[1] else x).to(matrix.dtype)


def _polynomial(gram: Tensor) -> Tensor:
    """What five steps of that iteration multiply a matrix by, from its Gram matrix alone: cheap for a wide one.

    Squared singular values need more digits than bfloat16 has.
    """
    product = torch.eye(len(gram), device=gram.device)
    for _ in range(5):
        factor = torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315)
        factor.diagonal().add_(3.4445)
        product = factor @ product
        gram = factor @ gram @ factor
    return product


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is faster than float32 there: on CUDA, and on CPUs with instructions for it."""
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return device.type == "cuda" and torch.cuda.is_bf16_supported()
