"""Scores of a checkpoint on held-out MoCap subjects, beside baselines. `python -m training.evaluate --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from model.checkpoint import load_checkpoint
from model.errors import MPTError
from model.heatmaps import mask_heatmaps
from model.metrics import mpjpe, mpve, pa_mpjpe
from training.bodies.anny import AnnyBody
from training.mocap.amass import read_amass
from training.mocap.split import split_by_subject
from training.rotations import axis_angle_to_matrix
from training.synthesis import Bodies, SynthesisConfig, Synthesizer

_SEED = 2023
_BATCH = 64


def score_clean(network: nn.Module, samples: Synthesizer, count: int) -> dict[str, float]:
    """Quick scores for validation: clean heatmaps, coarse vertices, joints regressed from them, millimetres.

    The poses, bodies and cameras are the same at every call.
    """
    generator = torch.Generator(samples.device).manual_seed(_SEED)
    sums = torch.zeros(3, dtype=torch.double)
    for _ in range(0, count, _BATCH):
        index = torch.randint(len(samples.poses), (_BATCH,), generator=generator, device=samples.device)
        bodies = samples.bodies(index, generator)
        with torch.inference_mode():
            vertices = network(samples.clean_batch(bodies)).vertices.float()
        sums += _scores(vertices, samples.regressor @ vertices, bodies.vertices, bodies.joints).cpu()
    return dict(zip(("PA-MPJPE", "MPJPE", "MPVE"), (sums / (count // _BATCH) * 1000).tolist(), strict=True))


def _scores(vertices: Tensor, joints: Tensor, true_vertices: Tensor, true_joints: Tensor) -> Tensor:
    """(3,) PA-MPJPE, MPJPE, MPVE in metres, mean over the batch."""
    rows = pa_mpjpe(joints, true_joints), mpjpe(joints, true_joints), mpve(vertices, true_vertices, joints, true_joints)
    return torch.stack([row.double().mean() for row in rows])


Predict = Callable[[Bodies, Tensor], Tensor]
"""Full vertices (B, V, 3) from the bodies' cameras and clean heatmaps (B, K, S, S)."""


class Protocol:
    """Held-out poses, each with one fixed random body and camera; joints by G from full vertices, the field's way."""

    def __init__(self, samples: Synthesizer, body: AnnyBody):
        self.samples, self.body = samples, body
        self.regressor = torch.from_numpy(body.joint_regressor)

    def run(self, predict: Predict, title: str) -> dict[str, float]:
        """Scores over all poses, in millimetres."""
        generator = torch.Generator().manual_seed(_SEED)
        sums, count = torch.zeros(3, dtype=torch.double), len(self.samples.poses)
        for start in tqdm(range(0, count, _BATCH), desc=title, leave=False):
            pose = self.samples.poses[start : start + _BATCH]
            shapes = self.body.sample_shapes(len(pose), generator)
            world = self.body.pose(axis_angle_to_matrix(pose), shapes)
            bodies = self.samples.draw_cameras(world[:, self.samples.topology.coarse], generator)
            truth = bodies.cameras.to_camera(world)
            with torch.inference_mode():
                vertices = predict(bodies, self.samples.clean_batch(bodies))
            row = _scores(vertices, self.regressor @ vertices, truth, self.regressor @ truth)
            sums += row * len(pose)
        return dict(zip(("PA-MPJPE", "MPJPE", "MPVE"), (sums / count * 1000).tolist(), strict=True))


def mesh_from(network: nn.Module, samples: Synthesizer, change: Callable[[Tensor], Tensor] | None = None) -> Predict:
    """Predicts with a network from heatmaps, changed first if asked."""

    def predict(_: Bodies, heatmaps: Tensor) -> Tensor:
        return samples.topology.upsample(network(change(heatmaps) if change else heatmaps).vertices.float())

    return predict


def mean_pose(training: Synthesizer, count: int = 4096) -> Predict:
    """The constant mean of the training meshes in camera axes: what a network knows that ignores its input."""
    generator = torch.Generator().manual_seed(_SEED)
    index = torch.randint(len(training.poses), (count,), generator=generator)
    coarse = torch.stack([training.bodies(part, generator).vertices.mean(dim=0) for part in index.split(_BATCH)])
    full = training.topology.upsample(coarse.mean(dim=0, keepdim=True))
    return lambda bodies, _: full.expand(len(bodies.vertices), -1, -1)


def nearest_pose(training: Synthesizer, count: int = 65536) -> Predict:
    """The training mesh whose projected joints are nearest, among random views of training poses."""
    generator = torch.Generator().manual_seed(_SEED)
    views, meshes = [], []
    for _ in tqdm(range(0, count, 512), desc="views of training poses", leave=False):
        index = torch.randint(len(training.poses), (512,), generator=generator)
        bodies = training.bodies(index, generator)
        views.append(_normalised(bodies))
        meshes.append(bodies.vertices.half())
    view, mesh = torch.cat(views), torch.cat(meshes)

    def predict(bodies: Bodies, _: Tensor) -> Tensor:
        nearest = torch.cdist(_normalised(bodies), view).argmin(dim=1)
        return training.topology.upsample(mesh[nearest].float())

    return predict


def _normalised(bodies: Bodies) -> Tensor:
    """Projected joints (B, K * 2), centred and scaled to one size."""
    joints = bodies.cameras.project(bodies.joints)
    joints = joints - joints.mean(dim=1, keepdim=True)
    return (joints / joints.flatten(1).norm(dim=1)[:, None, None]).flatten(1)


def hide_three(heatmaps: Tensor) -> Tensor:
    """Hides three joints a sample, in turn over the batch."""
    b, k = heatmaps.shape[:2]
    first = torch.arange(b)[:, None]
    hidden = torch.zeros(b, k, dtype=torch.bool).scatter_(1, (first * 3 + torch.tensor([0, 6, 12])) % k, True)
    return mask_heatmaps(heatmaps, hidden)


def hide_legs(heatmaps: Tensor) -> Tensor:
    """Hides knees and ankles, the last four of COCO's joints."""
    hidden = torch.zeros(heatmaps.shape[:2], dtype=torch.bool)
    hidden[:, 13:] = True
    return mask_heatmaps(heatmaps, hidden)


def evaluate(checkpoint: Path, mocap: Path) -> str:
    """The table of scores on the held-out subjects, as Markdown."""
    loaded = load_checkpoint(checkpoint)
    body = AnnyBody.load()
    training, _, test = split_by_subject(read_amass(mocap))
    config = SynthesisConfig(loaded.model.size.heatmap_size)
    known, unseen = (
        Synthesizer(body, loaded.topology, torch.from_numpy(part.rotations), config, "cpu") for part in (training, test)
    )
    protocol = Protocol(unseen, body)
    rows = {
        "constant mean pose": mean_pose(known),
        "nearest training pose of 65,536 views": nearest_pose(known),
        f"{loaded.card.get('name', checkpoint.stem)}, clean heatmaps": mesh_from(loaded.model, unseen),
        "the same, three joints hidden": mesh_from(loaded.model, unseen, hide_three),
        "the same, knees and ankles hidden": mesh_from(loaded.model, unseen, hide_legs),
    }
    subjects = ", ".join(sorted(set(test.subjects.tolist())))
    lines = [
        f"{len(test)} poses of held-out subjects ({subjects}), one random body and view each; millimetres.",
        "",
        "| | PA-MPJPE | MPJPE | MPVE |",
        "|---|---|---|---|",
    ]
    for title, predict in rows.items():
        scores = protocol.run(predict, title)
        lines.append(f"| {title} | " + " | ".join(f"{value:.1f}" for value in scores.values()) + " |")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    shipped = Path(__file__).parents[1] / "weights" / "anny-tiny.safetensors"
    parser.add_argument("--checkpoint", type=Path, default=shipped)
    parser.add_argument("--mocap", type=Path, required=True, help="folder of MoCap in AMASS's layout")
    options = parser.parse_args()
    try:
        print(evaluate(options.checkpoint, options.mocap))
    except MPTError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
