"""What changes the weights: which optimiser takes which parameters, and Muon against torch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from training.loop import optimizers
from training.loop.optimizers import Muon, make_optimizers, orthogonal


def test_muon_takes_hidden_matrices_only() -> None:
    model = nn.ModuleDict(
        {"enter": nn.Linear(3, 8), "layers": nn.ModuleList([nn.Linear(8, 8)]), "head": nn.Linear(8, 2)}
    )
    adam, muon = make_optimizers(model, 1e-2, 0.02)
    assert [id(p) for p in muon.param_groups[0]["params"]] == [id(model["layers"][0].weight)]
    sizes = [sum(p.numel() for group in part.param_groups for p in group["params"]) for part in (adam, muon)]
    assert sizes == [3 * 8 + 8 + 8 + 2 * 8 + 2, 64]


@pytest.mark.parametrize("shape", [(48, 48), (64, 16), (16, 64)])
@pytest.mark.parametrize("fast", [True, False])
def test_muon_steps_as_torchs_does(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], fast: bool) -> None:
    """In float32 too: torch counts in bfloat16, which rounds steps of 0.05 in all by some 0.0003."""
    monkeypatch.setattr(optimizers, "has_fast_bfloat16", lambda _: fast)
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(shape, generator=generator)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    pair = [Muon([ours], 0.01, 0.02), torch.optim.Muon([theirs], 0.01, 0.02, adjust_lr_fn="match_rms_adamw")]
    for _ in range(5):
        ours.grad = torch.randn(shape, generator=generator)
        theirs.grad = ours.grad.clone()
        for optimizer in pair:
            optimizer.step()
    assert (ours - start).abs().mean() > 0.003
    assert (ours - theirs).abs().max() < 0.001


def test_orthogonal_brings_singular_values_near_one() -> None:
    matrix = torch.randn(32, 24, generator=torch.Generator().manual_seed(0))
    before, after = torch.linalg.svdvals(matrix), torch.linalg.svdvals(orthogonal(matrix))
    assert before.max() / before.min() > 5
    assert after.min() > 0.5 and after.max() < 1.3
    assert orthogonal(torch.zeros(4, 4)).abs().max() == 0


def test_muon_leaves_alone_what_has_no_gradient() -> None:
    weight = nn.Parameter(torch.ones(2, 2))
    Muon([weight], 0.01, 0.02).step()
    assert weight.equal(torch.ones(2, 2))


def test_muon_makes_some_rows_orthogonal_at_a_time() -> None:
    gradient = torch.randn(48, 64, generator=torch.Generator().manual_seed(0))
    whole, rows = nn.Parameter(torch.zeros(48, 64)), nn.Parameter(torch.zeros(48, 64))
    for weight, count in ((whole, None), (rows, 16)):
        weight.grad = gradient.clone()
        Muon([weight], 0.01, 0.0, rows=count).step()
    assert not torch.equal(whole, rows)
    for part, seen in zip(rows.detach().split(16), gradient.split(16), strict=True):
        scale = 0.2 * 64**0.5 * 0.01
        torch.testing.assert_close(-part / scale, orthogonal(seen), atol=1e-5, rtol=0)
    assert float((rows.norm() / whole.norm()).detach()) == pytest.approx(1, abs=0.1)  # steps are as long
