"""Speed of the rasteriser and of rendered samples, and how well MoveNet finds their joints.

`python -m benchmarks.rendering --help`
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

import weights
from model.errors import MPTError
from model.joints import COCO_JOINTS
from model.network.backbones import build_backbone
from model.network.heatmaps import read_heatmaps
from model.network.topology import MeshTopology
from model.rendering.overlay import overlay, side_view
from model.rendering.rasterizer import rasterise
from training.bodies.anny import AnnyBody
from training.bodies.coarse import build_topology
from training.images.rendered.config import RenderConfig
from training.images.rendered.dataset import RenderedPeople
from training.images.sample import collate
from training.mocap.read import read_mocap
from training.mocap.sample import read_sample

_UNDISTURBED = RenderConfig(cut_off=0, near_edge=0, occluded=0, company=0, crop_scale=(1.25, 1.25), crop_shift=0)


def _milliseconds(run: Callable[[], object], rounds: int = 5) -> float:
    """The best of some rounds, in the processor's time: what else runs on the machine counts little."""
    run()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def rasteriser_table(topology: MeshTopology) -> str:
    """Milliseconds for the resting body, which fills 95 % of the picture's height."""
    faces = topology.faces.numpy()
    vertices = topology.template.numpy() + np.array([0, -0.02, 4.0])
    rows = ["| height | rasterise | without the inside | overlay | side view |", "|---|---|---|---|---|"]
    for size in (224, 512, 1024):
        focal, middle = 0.95 * size * 4 / float(np.ptp(vertices[:, 1])), (size / 2, size / 2)
        photo, people = np.full((size, size, 3), 128, np.uint8), [(vertices, faces)]
        times = (
            _milliseconds(lambda: rasterise(vertices, faces, focal, middle, (size, size))),  # noqa: B023
            _milliseconds(lambda: rasterise(vertices, faces, focal, middle, (size, size), cull=True)),  # noqa: B023
            _milliseconds(lambda: overlay(photo, people, focal)),  # noqa: B023
            _milliseconds(lambda: side_view(people, (size, size))),  # noqa: B023
        )
        rows.append(f"| {size} px | " + " | ".join(f"{t:.1f} ms" for t in times) + " |")
    return "\n".join(rows)


def overlay_ratio(topology: MeshTopology, rounds: int = 9) -> str:
    """Three bodies over a photo of 1,200 x 800 beside writing that picture as PNG, in turns: a ratio that lasts."""
    faces = topology.faces.numpy()
    body = topology.template.numpy()
    people = [(body + np.array([x, 0.1, 3.9]), faces) for x in (-1.1, 0.0, 1.1)]
    photo = np.random.default_rng(0).normal(128, 3, (800, 1200, 3)).astype(np.uint8)
    pairs = []
    for _ in range(rounds):
        start = time.process_time()
        picture = overlay(photo, people, 1442.0)
        drawn = time.process_time()
        cv2.imencode(".png", picture)
        pairs.append((1000 * (drawn - start), 1000 * (time.process_time() - drawn)))
    drawing, encoding = np.array(pairs).T
    ratio = np.median(drawing / encoding)
    return (
        f"Three people over 1,200 x 800 pixels: drawn in {drawing.min():.0f} ms, written as PNG in "
        f"{encoding.min():.0f} ms; drawing takes {ratio:.2f} times as long as writing (median of {rounds} turns)."
    )


def samples_table(body: AnnyBody, topology: MeshTopology, poses: torch.Tensor, count: int) -> str:
    """Samples a second, in the processor's time."""
    rows = ["| crop | undisturbed | as they are trained on |", "|---|---|---|"]
    for size in (224, 256):
        rates = []
        for config in (_UNDISTURBED, RenderConfig()):
            config = RenderConfig(**{**vars(config), "size": size})
            people = RenderedPeople(body, topology, poses, config, length=count)
            people[0]
            start = time.process_time()
            for index in range(count):
                people[index]
            rates.append(count / (time.process_time() - start))
        rows.append(f"| {size} px | {rates[0]:.1f} | {rates[1]:.1f} |")
    return "\n".join(rows)


@torch.inference_mode()
def joints_table(people: RenderedPeople) -> str:
    """The 2D error of MoveNet's peaks in crop pixels: the median, and the share within 5 % of the crop's side."""
    network = build_backbone("movenet-thunder", weights.path("movenet-thunder"))
    size = people.config.size
    errors, shown = [], []
    for start in range(0, len(people), 16):
        made = [people[index] for index in range(start, min(start + 16, len(people)))]
        batch = collate(made, people.topology.coarse_count)
        found = (read_heatmaps(network(batch.crops())).position + 1) * size / 2
        errors.append((found - batch.joints_2d).norm(dim=-1))
        shown.append(batch.joints_visible)
    error, visible = torch.cat(errors), torch.cat(shown)

    def row(name: str, e: torch.Tensor, v: torch.Tensor) -> str:
        parts = [f"{part.median():.1f} px | {(part < 0.05 * size).float().mean():.3f}" for part in (e[v], e)]
        return f"| {name} | {v.float().mean():.2f} | {parts[0]} | {parts[1]} |"

    rows = ["| joint | visible | error | PCK@0.05 | error, all | PCK@0.05, all |", "|---|---|---|---|---|---|"]
    rows += [row(name, error[:, k], visible[:, k]) for k, name in enumerate(COCO_JOINTS)]
    return "\n".join([*rows, row("**all**", error, visible)])


def montage(people: RenderedPeople, columns: int = 6) -> np.ndarray:
    """The samples side by side, uint8 RGB."""
    pictures = [people[index].image.permute(1, 2, 0).numpy() for index in range(len(people))]
    return np.vstack([np.hstack(pictures[k : k + columns]) for k in range(0, len(pictures), columns)])


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mocap", type=Path, help="a folder of MoCap; the small sample if missing")
    parser.add_argument("--photos", type=Path, help="a folder of photos for backgrounds")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--montage", type=Path, help="write 24 samples to this picture, and nothing else")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        poses = torch.from_numpy((read_mocap(arguments.mocap) if arguments.mocap else read_sample()).rotations)
        body = AnnyBody.load()
        topology = build_topology(body, poses, fit_bodies=32, test_bodies=2)[0]
        if arguments.montage:
            config = RenderConfig(photos=arguments.photos)
            picture = montage(RenderedPeople(body, topology, poses, config, arguments.seed, length=24))
            cv2.imwrite(str(arguments.montage), picture[..., ::-1])
            return 0
        print(f"The body of {topology.vertex_count} vertices and {len(topology.faces)} faces, one core:\n")
        print(rasteriser_table(topology))
        print(f"\n{overlay_ratio(topology)}")
        print("\nRendered samples a second, one core:\n")
        print(samples_table(body, topology, poses, min(arguments.samples, 100)))
        for title, config in (("undisturbed", _UNDISTURBED), ("as they are trained on", RenderConfig())):
            people = RenderedPeople(body, topology, poses, config, arguments.seed, length=arguments.samples)
            print(f"\nMoveNet on {len(people)} samples, {title}:\n")
            print(joints_table(people))
    except MPTError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
