"""The paper's evidence for pre-training, on open data: Tables 3a, 3c, 5 and 7, and the token budget.

`python -m training.reproduction.ablations --help`. Each row is a small network, trained anew with one thing changed, on
the same number of samples, with two seeds; finished runs are kept, so that the command goes on where it stopped. The
questions that a first stage can answer are asked of it too: on joints alone samples cost so little that a row has
millions, enough for differences to show.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

import weights
from model.network.backbones import build_backbone
from model.network.lifting import MeshPrediction
from model.network.topology import MeshTopology
from training.arguments import add_device, whole
from training.bodies.anny import AnnyBody
from training.bodies.coarse import load_topology
from training.console import telling_errors
from training.evaluation.heldout_views import clean, fixed_views, noisy, three_hidden
from training.evaluation.metrics import mpjpe, pa_mpjpe
from training.evaluation.report import Cell, Report, Table
from training.images.rendered.dataset import RenderedPeople
from training.loop.distributed import Processes
from training.loop.trainer import TrainerConfig
from training.mocap.poses import MocapPoses
from training.mocap.read import read_mocap
from training.mocap.split import split_by_subject
from training.pretrain import pretrain
from training.recipes import PretrainRecipe
from training.synthesis.corruption import HeatmapCorruption
from training.synthesis.samples import SynthesisConfig
from training.variants import VariantSize, load_any

_SEEDS = (0, 1)
_BATCH, _JOINTS_BATCH = 128, 1024
_SAMPLES, _JOINTS_SAMPLES = 64_000, 1_024_000
_POSES = 1024
_CONDITIONS = {"clean": clean, "three joints hidden": three_hidden, "noisy": noisy}


def _size(**changes: Any) -> VariantSize:
    """The layout of `tiny`, halved, so that a row takes minutes."""
    size = VariantSize("ablation", 56, 8, encoder=((64, 3),), heads=1, decoder=(32, 1), lift=256, memory=32)
    return dataclasses.replace(size, **changes)


@dataclass(frozen=True)
class Row:
    """One network of a table."""

    name: str
    paper: float | None = None
    """The paper's PA-MPJPE on Human3.6M."""
    size: VariantSize = field(default_factory=_size)
    mocap: float = 1.0
    """Share of the clips that it sees."""
    views: int | None = None
    masked: float = HeatmapCorruption.masked
    joints: bool = False
    """Whether it is trained on joints alone, as the first stage of pre-training is."""

    @property
    def key(self) -> str:
        """Rows that train the same network have the same key, whatever their tables call them."""
        size = self.size
        parts = [f"{w}x{n}" for w, n in size.encoder] or ["mlp"]
        parts += [f"patch{size.patch}", f"budget{size.token_budget}", "coordinates" if size.coordinates else "heatmaps"]
        parts += [f"mocap{self.mocap:g}", f"views{self.views}", f"masked{self.masked:g}"]
        return "-".join(["joints", *parts] if self.joints else parts)


_FULL = 58.4
"""The paper's PA-MPJPE with everything: the rows with it are what the others are compared with."""
_MLP = {"encoder": (), "decoder": None, "memory": None}
_TITLES = {
    "3c": "Table 3c: Masked Heatmap Modeling",
    "5": "Table 5: share of the MoCap",
    "7": "Table 7: virtual cameras",
}
_MASKING = (Row("without", 64.4, masked=0.0), Row("with", _FULL))
_SHARES = tuple(
    Row(f"{share:.0%}", paper, mocap=share)
    for share, paper in (
        # The paper begins at a fifth; how much less is too little shows in trainings as short as ours.
        (0.01, None),
        (0.05, None),
        (0.2, 63.4),
        (0.4, 62.4),
        (0.6, 59.9),
        (0.8, 59.4),
        (1.0, _FULL),
    )
)
_CAMERAS = (Row("1", 61.7, views=1), Row("2", 61.4, views=2), Row("4", _FULL, views=4), Row("any direction"))


def _on_joints(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The same rows of a first stage: a residual network on what is read from heatmaps, half as wide as `tiny`'s."""
    return tuple(dataclasses.replace(row, size=_size(**_MLP, lift=512), joints=True) for row in rows)


TABLES: dict[str, tuple[str, Sequence[Row]]] = {
    "3a": (
        "Table 3a: what the network sees",
        (
            Row("transformer, 2D coordinates", 88.9, _size(coordinates=True)),
            Row("transformer, heatmaps", _FULL),
            Row("MLP, 2D coordinates", size=_size(**_MLP, coordinates=True)),
            Row("MLP, heatmaps' readouts", size=_size(**_MLP)),
        ),
    ),
    "3c": (_TITLES["3c"], _MASKING),
    "5": (_TITLES["5"], _SHARES),
    "7": (_TITLES["7"], _CAMERAS),
    "tokens": (
        "All heatmap tokens against the fullest (4 x 4 cells, 196 tokens in all)",
        (
            Row("196", size=_size(patch=4)),
            Row("96", size=_size(patch=4, token_budget=96)),
            Row("48", size=_size(patch=4, token_budget=48)),
        ),
    ),
    "3c-joints": (f"{_TITLES['3c']}, on joints alone", _on_joints(_MASKING)),
    "5-joints": (f"{_TITLES['5']}, on joints alone", _on_joints(_SHARES)),
    "7-joints": (f"{_TITLES['7']}, on joints alone", _on_joints(_CAMERAS)),
}


class Examination:
    """What every row is asked: validation poses in several conditions, and MoveNet's answers to rendered people."""

    def __init__(self, body: AnnyBody, poses: MocapPoses, topology: MeshTopology):
        keep = np.random.default_rng(0).permutation(len(poses))[:_POSES]
        chosen = torch.from_numpy(poses.rotations[np.sort(keep)])
        self.inputs: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in _CONDITIONS}
        for views in fixed_views(body, chosen):
            for name, condition in _CONDITIONS.items():
                self.inputs[name].append((condition(views, 56).half(), views.joints))
        people = RenderedPeople(body, topology, chosen, length=256)
        backbone = build_backbone("movenet-thunder", weights.path("movenet-thunder")).eval()
        answers = []
        for first in tqdm(range(0, len(people), 16), desc="rendering people", leave=False):
            batch = [people[i] for i in range(first, first + 16)]
            with torch.inference_mode():
                heatmaps = backbone(torch.stack([sample.image for sample in batch]).float())
            truth = [sample.joints for sample in batch if sample.joints is not None]
            answers.append((heatmaps.half(), torch.stack(truth)))
        self.inputs["MoveNet on renders"] = answers

    def scores(self, network: nn.Module, regressor: Tensor) -> dict[str, list[float]]:
        """MPJPE and PA-MPJPE by condition, millimetres."""
        result = {}
        for name, batches in self.inputs.items():
            errors = []
            for heatmaps, truth in batches:
                with torch.inference_mode():
                    answer: MeshPrediction = network(heatmaps.float())
                joints = regressor @ answer.vertices
                errors.append(torch.stack([mpjpe(joints, truth), pa_mpjpe(joints, truth)], dim=1))
            result[name] = (torch.cat(errors).double().mean(dim=0) * 1000).tolist()
        return result


def train(row: Row, seed: int, samples: int, poses: MocapPoses, folder: Path, device: str) -> Path:
    """Trains a row's network on so many samples, or finds it trained: the checkpoint's path."""
    run = folder / f"{row.key}-seed{seed}"
    run.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "topology.safetensors", run / "topology.safetensors")  # the same for all
    training, validation, _ = split_by_subject(poses)
    clips = np.unique(training.clips.astype(str))
    seen = np.random.default_rng(seed).permutation(clips)[: max(1, round(row.mocap * len(clips)))]
    chosen = MocapPoses.concat([training.select(np.isin(training.clips.astype(str), seen)), validation])
    corruption = HeatmapCorruption(masked=row.masked)
    batch = _JOINTS_BATCH if row.joints else _BATCH
    steps = samples // batch
    trainer = TrainerConfig(
        steps,
        batch,
        2e-3,
        warm_up=steps // 10,
        muon_rows=128 if row.joints else None,
        average=0.99,
        validate_every=steps,
        seed=seed,
    )
    synthesis = SynthesisConfig(row.size.heatmap_size, views=row.views, corruption=corruption)
    nothing = dataclasses.replace(trainer, steps=0)
    recipe = PretrainRecipe(row.size, synthesis, *((trainer, nothing) if row.joints else (None, trainer)))
    return pretrain(recipe, chosen, run, Processes(torch.device(device)))


def samples_of(row: Row) -> int:
    """How many samples a row's network sees unless it is said otherwise."""
    return _JOINTS_SAMPLES if row.joints else _SAMPLES


def speed(network: nn.Module, heatmaps: Tensor) -> float:
    """Samples a second in inference: the best of several goes."""
    best = 0.0
    with torch.inference_mode():
        for _ in range(5):
            started = time.perf_counter()
            network(heatmaps)
            best = max(best, len(heatmaps) / (time.perf_counter() - started))
    return best


def ablate(tables: Sequence[str], samples: int | None, poses: MocapPoses, folder: Path, device: str) -> Report:
    """Trains and examines all rows of the tables."""
    training, validation, _ = split_by_subject(poses)
    folder.mkdir(parents=True, exist_ok=True)
    body = AnnyBody.load()
    topology = load_topology(folder / "topology.safetensors", body, torch.from_numpy(training.rotations))
    examination: Examination | None = None
    report = Report(
        "Ablations",
        {"samples": samples, "seeds": list(_SEEDS), "poses": _POSES},
        [
            f"Each cell is MPJPE / PA-MPJPE in millimetres: the mean over {len(_SEEDS)} seeds, +- half their "
            f"difference. {_POSES:,} poses of validation subjects, 256 rendered people.",
            "Ratios are PA-MPJPE over that of the table's full network: ours on clean heatmaps, the paper's on "
            "Human3.6M.",
        ],
    )
    columns = [*_CONDITIONS, "MoveNet on renders", "samples/s", "PA-MPJPE, ratio", "the paper's ratio"]
    for name in tables:
        title, rows = TABLES[name]
        table = Table(name, f"{title} ({samples or samples_of(rows[0]):,} samples a network)", columns)
        found: dict[str, tuple[list[Cell], float]] = {}
        for row in rows:
            scores, rates = [], []
            for seed in _SEEDS:
                checkpoint = train(row, seed, samples or samples_of(row), poses, folder, device)
                file = checkpoint.with_name("scores.json")
                if not file.exists():
                    examination = examination or Examination(body, validation, topology)
                    loaded = load_any(checkpoint)
                    answers = examination.scores(loaded.model, loaded.topology.coarse_regressor)
                    rate = speed(loaded.model, examination.inputs["clean"][0][0].float())
                    file.write_text(json.dumps({"scores": answers, "rate": rate}))
                stored = json.loads(file.read_text())
                scores.append(stored["scores"])
                rates.append(stored["rate"])
            cells: list[Cell] = [_cell([score[column] for score in scores]) for column in columns[:-3]]
            clean_error = float(np.mean([score["clean"][1] for score in scores]))
            found[row.name] = [*cells, round(max(rates))], clean_error
        whole = next((row for row in rows if row.paper == _FULL), rows[0])
        for row in rows:
            cells, clean_error = found[row.name]
            papers = f"{row.paper / _FULL:.2f}" if row.paper else None
            table.add(row.name, [*cells, f"{clean_error / found[whole.name][1]:.2f}", papers])
        report.tables.append(table)
        report.write(folder)
    return report


def _cell(seeds: list[list[float]]) -> str:
    """MPJPE / PA-MPJPE over seeds."""
    low, high = np.min(seeds, axis=0), np.max(seeds, axis=0)
    return " / ".join(f"{(a + b) / 2:.1f} ± {(b - a) / 2:.1f}" for a, b in zip(low, high))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.reproduction.ablations", description=__doc__)
    parser.add_argument("--mocap", type=Path, required=True, help="folder of MoCap: AMASS, CMU's ASF/AMC or BVH")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument(
        "--samples",
        type=whole(),
        help=f"each network sees; {_SAMPLES:,}, where joints alone are read {_JOINTS_SAMPLES:,}",
    )
    parser.add_argument("--output", type=Path, default=Path("runs/ablations"))
    add_device(parser)
    options = parser.parse_args()
    with telling_errors():
        poses = read_mocap(options.mocap)
        report = ablate(options.tables, options.samples, poses, options.output, options.device)
    print(report.markdown())


if __name__ == "__main__":
    main()
