"""Renders people for training, validation and test: `python -m training.images.prepare --help`.

Each split has its own subjects of the MoCap, its own scenes and, of a folder of photos for backgrounds, its own
photos. The same settings make the same pictures, on however many processes; a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
import pickle
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor
from tqdm import tqdm

import weights
from model.errors import BadData, BadInput
from model.files import check_folder
from model.joints import JOINTS
from model.network.backbones import backbone_names, build_backbone
from model.network.checkpoint import load_checkpoint
from model.network.topology import MeshTopology
from model.runtime.loading import default_checkpoint
from training.arguments import whole
from training.bodies.anny import AnnyBody
from training.bodies.coarse import is_of
from training.console import telling_errors
from training.images.backbone_cache import BackboneMaps
from training.images.rendered.config import RenderConfig
from training.images.rendered.dataset import RenderedPeople
from training.images.shards import RENDERED, SHARD, PreparedImages, write_shard
from training.mocap.poses import MocapPoses
from training.mocap.read import read_mocap
from training.mocap.sample import read_sample
from training.mocap.split import split_by_subject
from training.synthesis.free_poses import free_poses
from training.synthesis.pose_variety import PoseVariety, vary

SPLITS = ("train", "validation", "test")
_VARIED = 40_000  # poses


def prepare(
    folder: Path,
    topology: MeshTopology,
    poses: MocapPoses,
    counts: Mapping[str, int],
    config: RenderConfig | None = None,
    seed: int = 0,
    workers: int = 1,
    varied: bool = False,
) -> None:
    """Renders the shards that are missing.

    Args:
        folder: of the shards.
        topology: whose coarse vertices the samples bring: that of the checkpoint that is to be fine-tuned.
        poses: all MoCap at hand.
        counts: images of each of `SPLITS`; a split of none is left out.
        config: what they look like.
        seed: another one makes other people.
        workers: processes.
        varied: whether the training poses are varied as for pre-training, a quarter of them nobody's, see `_varied`.

    Raises:
        BadInput: the folder holds images of other settings, or the topology is of another mesh than the open body's.
        BadData: a split has no subject or no photo of its own.
    """
    config, body = config or RenderConfig(), AnnyBody.load()
    if not is_of(topology, body):
        raise BadInput(
            f"Rendered people are of the body '{body.name}', but the checkpoint is of the mesh '{topology.name}': give "
            "one of theirs, or make images of a data set of yours by python -m training.images.convert."
        )
    folder.mkdir(parents=True, exist_ok=True)
    people: dict[str, RenderedPeople] = {}
    tasks: list[tuple[Path, str, int, int]] = []
    abouts: dict[str, dict[str, Any]] = {}
    for number, (split, part) in enumerate(zip(SPLITS, split_by_subject(poses), strict=True)):
        count = counts.get(split, 0)
        if not count:
            continue
        if not len(part):
            raise BadData(f"No subject of this MoCap is left for the {split} images: give more, or ask for none.")
        rotations = torch.from_numpy(part.rotations)
        if varied and split == "train":
            rotations = _varied(rotations, seed)
        people[split] = RenderedPeople(body, topology, rotations, config, seed * len(SPLITS) + number, count)
        people[split].photos = people[split].photos[number :: len(SPLITS)]
        if config.photos and not people[split].photos:
            raise BadData(f"{config.photos} holds too few photos: each split needs at least one of its own.")
        abouts[split] = _about(people[split], part) | ({"varied": True} if varied and split == "train" else {})
        made = _made_already(folder, split, abouts[split])
        for shard, start in enumerate(range(0, count, SHARD)):
            path = folder / f"{split}-{shard:05d}.safetensors"
            end = min(start + SHARD, count)
            if made.get(path, 0) < end - start:
                tasks.append((path, split, start, end))
    if not tasks:
        return
    tasks.sort(key=lambda task: task[1] == "train")  # what checks is there first
    bar = tqdm(total=sum(end - start for _, _, start, end in tasks), desc="rendering", unit="image")
    if workers == 1:
        for task in tasks:
            bar.update(_render(people[task[1]], abouts[task[1]], *task))
        return
    # A server that has imported what is needed, where there are such: to do so takes each process seconds.
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if forks else "spawn")
    context.set_forkserver_preload([__spec__.name])
    # As bytes: torch would hand tensors over in shared memory, of which containers have little, and it crashed.
    made_by = pickle.dumps({split: (people[split], abouts[split]) for split in people})
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(made_by,)) as pool:
        for done in as_completed([pool.submit(_work, *task) for task in tasks]):
            bar.update(done.result())


def _varied(poses: Tensor, seed: int) -> Tensor:
    """(53,333, J, 3) poses in the place of others (N, J, 3): three of four with limbs of other poses, and free ones."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(poses), (2, _VARIED), generator=generator)
    mixed = vary(poses[rows[0]], poses[rows[1]], PoseVariety(legs=0.2, arm=0.2, free=0.12), generator)
    free = torch.zeros(_VARIED // 3, *poses.shape[1:])
    free[:, :JOINTS] = free_poses(len(free), generator)
    together = torch.cat([mixed, free])
    return together[torch.randperm(len(together), generator=generator)]


def _about(people: RenderedPeople, part: MocapPoses) -> dict[str, Any]:
    """What decides how the pictures of a split look, and whom they show."""
    config = dataclasses.asdict(people.config) | {"photos": len(people.photos)}
    return {
        "data": RENDERED,
        "size": people.config.size,
        "topology": people.topology.fingerprint,
        "seed": people.seed,
        "poses": len(part),
        "subjects": sorted(set(part.subjects.tolist())),
        "config": {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()},
    }


def _made_already(folder: Path, split: str, about: dict[str, Any]) -> dict[Path, int]:
    """How many images each shard of a split holds."""
    if not any(folder.glob(f"{split}-*[0-9].safetensors")):
        return {}
    images = PreparedImages(folder, split)
    if images.about != about:
        raise BadInput(f"{folder} holds {split} images that were made with other settings: choose another --output.")
    return dict(zip(images.shards, images.starts[1:] - images.starts[:-1], strict=True))


_made: dict[str, tuple[RenderedPeople, dict[str, Any]]] = {}
"""In a worker process, what it renders, by split."""


def _begin(made_by: bytes) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _made.update(pickle.loads(made_by))


def _work(path: Path, split: str, start: int, end: int) -> int:
    return _render(*_made[split], path, split, start, end)


def _render(people: RenderedPeople, about: dict[str, Any], path: Path, _: str, start: int, end: int) -> int:
    samples = [people[index] for index in range(start, end)]
    write_shard(path, samples, about, people.topology.coarse_count, people.topology.joint_count)
    return end - start


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.images.prepare", description=__doc__)
    parser.add_argument("--mocap", type=Path, help="folder of MoCap; without it a small real sample")
    parser.add_argument("--output", type=Path, default=Path("runs/rendered"), help="folder, gone on with if it exists")
    parser.add_argument("--train", type=whole(0), default=16_000, help="images")
    parser.add_argument(
        "--validation", type=whole(0), default=1_000, help="images of other people, before other scenes"
    )
    parser.add_argument("--test", type=whole(0), default=1_000, help="likewise")
    parser.add_argument("--size", type=whole(32, 1024), default=224, help="pixels on a side: what the backbone takes")
    parser.add_argument("--photos", type=Path, help="folder of photos without people for backgrounds")
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument(
        "--varied", action="store_true", help="train on poses beyond the clips too, as pre-training does"
    )
    parser.add_argument("--workers", type=whole(), default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--checkpoint", type=Path, help="whose mesh topology to use; the shipped one's")
    parser.add_argument("--backbone", choices=backbone_names(), help="run it over the images too, once for all")
    options = parser.parse_args()
    with telling_errors():
        check_folder(options.output)
        poses = read_sample() if options.mocap is None else read_mocap(options.mocap)
        topology = load_checkpoint(options.checkpoint or default_checkpoint()).topology
        counts = {split: getattr(options, split) for split in SPLITS}
        config = RenderConfig(options.size, photos=options.photos)
        prepare(options.output, topology, poses, counts, config, options.seed, options.workers, options.varied)
        if options.backbone:
            backbone = build_backbone(options.backbone, weights.path(options.backbone))
            for split in (split for split in SPLITS if counts[split]):
                BackboneMaps(PreparedImages(options.output, split), backbone)


if __name__ == "__main__":
    main()
