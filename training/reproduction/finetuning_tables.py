"""The paper's evidence for fine-tuning, on rendered people: Tables 2, 3b and 4, Fig. 4 and 6.

`python -m training.reproduction.finetuning_tables --help`. Each row is one fine-tuned network, scored on
test images of other people before other scenes; finished rows are kept, so that the command goes on where it stopped.
All rows of a table see as many samples. Pre-training's samples are mixed into none: the rows without pre-training must
not see MoCap.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import weights
from model.explain import heatmap_sheet
from model.network.backbones import build_backbone
from model.rendering.contact_sheet import caption
from model.runtime.loading import default_checkpoint
from training.arguments import add_device, whole
from training.console import telling_errors
from training.end_to_end import EndToEnd
from training.evaluation.curves import Curve, save_plot
from training.evaluation.pose_figures import save_picture
from training.evaluation.prepared import COLUMNS, errors_prepared
from training.evaluation.report import Cell, Report, Table
from training.finetune import finetune
from training.images.backbone_cache import BackboneMaps
from training.images.shards import PreparedImages
from training.loop.distributed import Processes
from training.loop.trainer import TrainerConfig
from training.recipes import FinetuneRecipe
from training.variants import features_of, load_any, reading_features

_BATCH, _BATCH_END_TO_END = 128, 32
_BACKBONE = "movenet-thunder"
_VALIDATIONS = 8
"""Points of a convergence curve."""
_CHECKED = 250
"""Validation images, which choose each run's best step."""


@dataclass(frozen=True)
class Row:
    """One network of a table."""

    name: str
    paper: str | None
    """The paper's PA-MPJPE on Human3.6M."""
    pretrained: bool = True
    features: bool = False
    end_to_end: bool = False
    share: float = 1.0
    """Share of the training images that it sees."""

    @property
    def key(self) -> str:
        """Rows of one network have the same key, whatever their tables call them."""
        start = "mpt" if self.pretrained else "scratch"
        seen = "features" if self.features else "heatmaps"
        return f"{start}-{seen}-{'end-to-end' if self.end_to_end else 'frozen'}-{self.share:g}"


TABLES: dict[str, tuple[str, Sequence[Row]]] = {
    "2": (
        "Table 2 and Fig. 4b: pre-training, and how many images fine-tuning has",
        tuple(
            Row(f"{share:.0%} of the images, {'with' if pretrained else 'without'} pre-training", paper, pretrained,
                share=share)
            for share, papers in ((1.0, ("39.2", "35.5")), (0.1, ("210.4", None)), (0.01, (None, "56.1 (0.1 %)")))
            for pretrained, paper in zip((False, True), papers, strict=True)
        ),
    ),
    "3b": (
        "Table 3b: what the transformer reads",
        (
            Row("image features, without pre-training", "47.0", pretrained=False, features=True),
            Row("pose heatmaps, without pre-training", "39.7", pretrained=False),
            Row("pose heatmaps, with pre-training", "35.5"),
        ),
    ),
    "4": (
        "Table 4: the backbone",
        (Row("frozen", "53.5"), Row("end to end", "35.5", end_to_end=True)),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """How much each row may cost."""

    samples: int
    """Samples of each run of Tables 2 and 3b, whose backbone is frozen."""
    samples_end_to_end: int
    """Samples of each of the two runs of Table 4."""
    images: int | None
    """Training images; None for all that were prepared."""


class Evidence:
    """Trains and scores rows in a folder."""

    def __init__(self, images: Path, folder: Path, start: Path, budget: Budget, device: str):
        self.images, self.folder, self.start, self.budget = images, folder, start, budget
        self.processes = Processes(torch.device(device))
        self.topology = load_any(start).topology
        self.available = len(PreparedImages(images, "train", budget.images))

    def run(self, row: Row, table: str) -> Path:
        """The row's folder, with its best checkpoint and its scores in it."""
        samples, batch = self.budget.samples, _BATCH
        if table == "4":
            samples, batch = self.budget.samples_end_to_end, _BATCH_END_TO_END
        folder = self.folder / f"{row.key}-{samples}"
        if (folder / "scores.json").exists():
            return folder
        steps = max(1, samples // batch)
        rate = 3e-4 if row.pretrained else 1e-3  # from scratch there is nothing to lose
        trainer = TrainerConfig(
            steps, batch, rate, backbone_rate=0.1, warm_up=max(1, steps // 10), average=0.95,
            validate_every=max(1, steps // _VALIDATIONS),
        )  # fmt: skip
        size = load_any(self.start).model.size
        if row.features:
            size = reading_features(size, build_backbone(_BACKBONE).feature_channels)
        recipe = FinetuneRecipe(
            trainer, not row.end_to_end, _BACKBONE, mixed=0.0, size=size, validation_images=_CHECKED,
            images=max(1, round(row.share * self.available)),
        )  # fmt: skip
        print(f"\n{row.key}: {steps} steps of {batch} samples out of {recipe.images:,} images", flush=True)
        start = self.start if row.pretrained else None
        best = finetune(recipe, [self.images], folder, self.processes, start, topology=self.topology)
        (folder / "state.safetensors").unlink(missing_ok=True)  # hundreds of megabytes that nobody needs any more
        curve = _curve(folder)
        if start is not None:
            curve.insert(0, (0, self.score(start, "validation", _CHECKED)[0]))
        (folder / "scores.json").write_text(json.dumps({"test": self.score(best), "curve": curve}))
        return folder

    def score(self, checkpoint: Path, split: str = "test", count: int | None = None) -> list[float]:
        """Means over a split's images, in the order of `COLUMNS`."""
        loaded, device = load_any(checkpoint, self.processes.device), self.processes.device
        backbone = loaded.backbone or build_backbone(_BACKBONE, weights.path(_BACKBONE)).to(device)
        network = EndToEnd(backbone, loaded.model, loaded.topology, frozen=True).eval()
        images = PreparedImages(self.images, split, count)
        maps = None
        if loaded.backbone is None:
            maps = BackboneMaps(images, backbone, device, bool(features_of(loaded.model.size)))
        result: list[float] = errors_prepared(network, images, maps).mean(dim=0).tolist()
        return result


def gather(evidence: Evidence, tables: Sequence[str]) -> Report:
    """All tables, the convergence curves and the heatmaps before and after; written after each table."""
    budget = evidence.budget
    report = Report(
        "Fine-tuning on rendered people",
        {"budget": dataclasses.asdict(budget), "images": evidence.available, "start": evidence.start.name},
        [
            f"Millimetres on test images of other people before other scenes; {evidence.available:,} training images. "
            f"{budget.samples:,} samples a row, in Table 4 {budget.samples_end_to_end:,}; one seed; the best step by "
            "validation images. The backbone is frozen but in Table 4's last row. The paper's are PA-MPJPE on "
            "Human3.6M, end to end but for Table 4's first row: rankings can be compared, values cannot.",
        ],
    )
    columns = [*COLUMNS, "the paper's PA-MPJPE"]
    zero_shot = evidence.score(evidence.start)
    for name in tables:
        title, rows = TABLES[name]
        table = Table(name, title, columns)
        if name in ("2", "4"):
            table.add("no fine-tuning (zero-shot)", [*zero_shot, "58.4" if name == "2" else None])
        curves: dict[str, Curve] = {}
        for row in rows:
            folder = evidence.run(row, name)
            stored: dict[str, Any] = json.loads((folder / "scores.json").read_text())
            cells: list[Cell] = [*stored["test"], row.paper]
            table.add(row.name, cells)
            curves[row.name] = stored["curve"]
        report.tables.append(table)
        _draw_curves(report, evidence.folder, name, title, curves)
        if name == "4":
            _draw_heatmaps(report, evidence, evidence.run(rows[-1], name) / "best.safetensors")
        report.write(evidence.folder)
    return report


def _draw_curves(report: Report, folder: Path, name: str, title: str, curves: Mapping[str, Curve]) -> None:
    """Fig. 4a: validation PA-MPJPE by step."""
    file = f"convergence-{name}.svg"
    save_plot(folder / file, title, "step", "PA-MPJPE on validation images, mm", curves)
    report.pictures.append((file, f"Convergence (Fig. 4a), {title}"))


def _draw_heatmaps(report: Report, evidence: Evidence, tuned: Path) -> None:
    """Fig. 6: the heatmaps of one test image by the published backbone and by the fine-tuned one."""
    loaded = load_any(tuned)
    assert loaded.backbone is not None
    sample = PreparedImages(evidence.images, "test")[0]
    crop = sample.image.permute(1, 2, 0).contiguous().numpy()
    parts = []
    backbones = {
        "before: the published backbone": build_backbone(_BACKBONE, weights.path(_BACKBONE)),
        "after: fine-tuned end to end": loaded.backbone,
    }
    for title, backbone in backbones.items():
        with torch.inference_mode():
            maps = backbone(sample.image[None].float())[0].numpy()
        picture = heatmap_sheet(crop, maps, loaded.topology.joint_names)
        parts += [caption(title, picture.shape[1]), picture]
    save_picture(evidence.folder / "heatmaps.png", np.concatenate(parts))
    report.pictures.append(("heatmaps.png", "Heatmaps before and after fine-tuning (Fig. 6)"))


def _curve(folder: Path) -> list[tuple[int, float]]:
    """Step and PA-MPJPE of each validation of a run, from its log."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars("validation/PA-MPJPE")]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.reproduction.finetuning_tables", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--images", type=Path, default=Path("runs/rendered"), help="of training.images.prepare")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--samples", type=whole(), default=12_800, help="of each row of Tables 2 and 3b")
    parser.add_argument("--samples-end-to-end", type=whole(), default=1_600, help="of each row of Table 4")
    parser.add_argument("--train-images", type=whole(), help="how many of them, the first ones")
    parser.add_argument("--from", dest="start", type=Path, help="the pre-trained checkpoint; the shipped one")
    parser.add_argument("--output", type=Path, default=Path("runs/evidence"))
    add_device(parser)
    options = parser.parse_args()
    budget = Budget(options.samples, options.samples_end_to_end, options.train_images)
    with telling_errors():
        start = options.start or default_checkpoint()
        report = gather(Evidence(options.images, options.output, start, budget, options.device), options.tables)
    print(report.markdown())


if __name__ == "__main__":
    main()
