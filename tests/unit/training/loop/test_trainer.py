"""The training loop: schedule, averaging, and resuming bit for bit."""

from __future__ import annotations

import dataclasses
import json
import signal
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model.errors import BadCheckpoint, BadInput
from training.loop.distributed import Processes
from training.loop.optimizers import make_optimizers
from training.loop.trainer import Trainer, TrainerConfig, kept, learning_rate

ALONE = Processes(torch.device("cpu"))
CONFIG = TrainerConfig(steps=12, batch_size=4, learning_rate=0.1, warm_up=4, validate_every=4)


class Run:
    """A tiny regression whose every sample is written down."""

    def __init__(self, folder: Path, config: TrainerConfig = CONFIG, stop_at: int | None = None):
        torch.manual_seed(0)
        self.seen: list[Tensor] = []
        self.kept: list[int] = []
        self.stop_at = stop_at
        self.trainer = Trainer(nn.Linear(3, 1), config, folder, ALONE)

    def go(self) -> None:
        self.trainer.run(self)

    def validate(self, model: nn.Module) -> dict[str, float]:
        return {"error": float(model.weight.detach().norm())}

    def loss(self, model: nn.Module, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        if self.trainer.step == self.stop_at:
            signal.raise_signal(signal.SIGTERM)
        sample = torch.randn(batch, 3, generator=generator)
        self.seen.append(sample)
        return {"loss": (model(sample) - sample.sum(dim=1, keepdim=True)).square().mean()}

    def keep(self, model: nn.Module, step: int, scores: dict[str, float]) -> None:
        self.kept.append(step)


def test_a_resumed_run_equals_an_unbroken_one(tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole")
    whole.go()
    first = Run(tmp_path / "parts", stop_at=6)  # in the step after six: it is finished first
    with pytest.raises(KeyboardInterrupt):
        first.go()
    second = Run(tmp_path / "parts")
    assert second.trainer.step == 7
    second.go()
    assert len(first.seen) + len(second.seen) == 12
    for one, other in zip(whole.seen, first.seen + second.seen, strict=True):
        assert torch.equal(one, other)
    assert torch.equal(whole.trainer.model.weight, second.trainer.model.weight)
    assert torch.equal(whole.trainer.average.weight, second.trainer.average.weight)


def test_another_seed_gives_other_samples(tmp_path: Path) -> None:
    one, other = Run(tmp_path / "a"), Run(tmp_path / "b", dataclasses.replace(CONFIG, seed=1))
    one.go()
    other.go()
    assert not torch.equal(one.seen[0], other.seen[0])


def test_only_improvements_are_kept(tmp_path: Path) -> None:
    run = Run(tmp_path)
    scores = iter([9.0, 5.0, 7.0, 4.0])
    run.validate = lambda _: {"error": next(scores)}  # type: ignore[method-assign]
    run.go()
    assert run.kept == [4, 12]


@pytest.mark.parametrize(("scores", "helped"), [([5.0, 6.0, 5.0, 7.0], False), ([5.0, 6.0, 4.0, 7.0], True)])
def test_a_run_that_only_made_it_worse_says_so(
    tmp_path: Path, scores: list[float], helped: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def go(stop_at: int | None = None) -> Run:
        run = Run(tmp_path, stop_at=stop_at)
        run.validate = lambda _: {"error": scores[run.trainer.step // 4]}  # type: ignore[method-assign]
        run.go()
        return run

    with pytest.raises(KeyboardInterrupt):
        go(stop_at=9)
    assert go().trainer.best == min(scores[1:])
    assert ("No step was better" in capsys.readouterr().out) is not helped


def test_a_folder_is_one_run_s(tmp_path: Path) -> None:
    first, second = Run(tmp_path), Run(tmp_path)

    def validate(model: nn.Module) -> dict[str, float]:
        with pytest.raises(BadInput, match="Another process trains"):
            second.go()
        return {"error": 1.0}

    first.validate = validate  # type: ignore[method-assign]
    first.go()
    assert second.seen == []
    Run(tmp_path).go()  # it has ended: nothing is in the way


@pytest.mark.parametrize("fails", ["nan", "infinity", "cannot be aligned"])
def test_a_run_that_diverges_says_so_and_keeps_what_was_before(tmp_path: Path, fails: str) -> None:
    run = Run(tmp_path)

    def validate(model: nn.Module) -> dict[str, float]:
        if run.trainer.step < 8:
            return {"error": 5.0, "of meshes, which the images lack": float("nan")}
        if fails == "cannot be aligned":
            torch.linalg.svd(torch.full((3, 3), torch.nan))
        return {"error": float(fails)}

    run.validate = validate  # type: ignore[method-assign]
    with pytest.raises(BadInput, match=r"diverged: at step 8 .*learning_rate"):
        run.go()
    assert run.kept == [4]
    assert Run(tmp_path).trainer.step == 4


def test_a_run_whose_loss_is_no_number_ends_long_before_it_is_validated(tmp_path: Path) -> None:
    run = Run(tmp_path, dataclasses.replace(CONFIG, steps=200, validate_every=100))
    learn = run.loss

    def loss(model: nn.Module, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        losses = learn(model, batch, generator)
        return {"loss": losses["loss"] * torch.nan} if run.trainer.step == 120 else losses

    run.loss = loss  # type: ignore[method-assign]
    with pytest.raises(BadInput, match="diverged: at step 150 "):
        run.go()
    assert Run(tmp_path).trainer.step == 100


def test_a_run_that_is_stopped_once_its_loss_is_no_number_keeps_the_state_before(tmp_path: Path) -> None:
    run = Run(tmp_path, stop_at=6)
    learn = run.loss

    def loss(model: nn.Module, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        losses = learn(model, batch, generator)
        return {"loss": losses["loss"] * (torch.nan if run.trainer.step >= 5 else 1)}

    run.loss = loss  # type: ignore[method-assign]
    with pytest.raises(BadInput, match="diverged: at step 7 "):
        run.go()
    assert Run(tmp_path).trainer.step == 4


def test_a_best_network_that_is_gone_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    with pytest.raises(BadInput, match="put it back"):
        kept(path)
    path.touch()
    assert kept(path) == path


def test_schedule_by_hand() -> None:
    config = TrainerConfig(steps=110, batch_size=1, learning_rate=1.0, warm_up=10)
    assert learning_rate(config, 0) == pytest.approx(0.1)
    assert learning_rate(config, 9) == pytest.approx(1.0)
    assert learning_rate(config, 10) == pytest.approx(1.0)
    assert learning_rate(config, 60) == pytest.approx(0.01 + 0.99 / 2)
    assert learning_rate(config, 110) == pytest.approx(0.01)


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.go()
    with pytest.raises(BadCheckpoint, match="another output folder"):
        Trainer(nn.Linear(5, 1), CONFIG, tmp_path, ALONE)
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:50])
    with pytest.raises(BadCheckpoint, match=r"state\.safetensors"):
        Run(tmp_path)


def test_a_state_of_a_version_that_did_not_say_how_the_run_began_is_resumed(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.go()
    with safe_open(run.trainer.state_file, framework="pt") as file:
        about = json.loads(file.metadata()["state"])
    del about["begun_with"]
    save_file(load_file(run.trainer.state_file), run.trainer.state_file, {"state": json.dumps(about)})
    assert Run(tmp_path).trainer.step == 12


def test_a_state_of_which_more_was_trained_is_refused(tmp_path: Path) -> None:
    """As that of end-to-end fine-tuning by a run that leaves the backbone as published."""
    run = Run(tmp_path)
    run.go()
    few = nn.Linear(3, 1)
    few.bias.requires_grad_(False)
    with pytest.raises(BadCheckpoint, match="trained more of the network"):
        Trainer(few, CONFIG, tmp_path, ALONE)


def test_tensorboard_gets_the_scores(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Run(tmp_path).go()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("validation/error")] == [0, 4, 8, 12]


def test_shards_are_one_batch(tmp_path: Path) -> None:
    """Four samples in two shards: the gradient is the mean over all four, whatever the parts."""
    run = Run(tmp_path, dataclasses.replace(CONFIG, steps=1, shards=2))
    run.go()
    assert [len(sample) for sample in run.seen] == [2, 2] and not torch.equal(*run.seen)
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    (optimizer,) = make_optimizers(model, CONFIG.learning_rate, CONFIG.weight_decay)
    optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = learning_rate(run.trainer.config, 0)
    batch = torch.cat(run.seen)
    (model(batch) - batch.sum(dim=1, keepdim=True)).square().mean().backward()
    nn.utils.clip_grad_norm_(model.parameters(), CONFIG.clip)
    optimizer.step()
    torch.testing.assert_close(run.trainer.model.weight, model.weight)


def test_shards_that_cannot_be_shared_out_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="choose multiples"):
        Trainer(nn.Linear(3, 1), dataclasses.replace(CONFIG, shards=3), tmp_path, ALONE)
