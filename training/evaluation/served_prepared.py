"""Scores of what people get, bodies or raw meshes, on prepared images: what `Reconstructor` answers to each of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.network.topology import MeshTopology
from model.reconstructor import Reconstructor
from model.results import Person
from training.evaluation.metrics import mpjpe, mpve, pa_mpjpe, pa_mpve
from training.images.sample import ImageSample, look_at_root
from training.images.shards import PreparedImages

COLUMNS = ("PA-MPJPE", "MPJPE", "MPVE", "PA-MPVE", "re-projection, pixels", "found, %")
_MARGIN = 0.1  # of the joints' extent: what a box has beyond them on each side


def served_scores(
    reconstructor: Reconstructor, topology: MeshTopology, images: PreparedImages, every: int = 1, title: str = ""
) -> list[float | None]:
    """Means by `COLUMNS` over the people who were reconstructed: millimetres, and pixels of the joints in the picture.

    Each is given by her box. Joints that are not known of somebody are left out; without meshes those scores are None.

    Args:
        reconstructor: of a network of that topology.
        topology: of the images' meshes.
        images: whose hips are known.
        every: each Nth image only; title: of the progress bar.
    """
    known = ~images.truth("joints").isnan().any(dim=2).any(dim=0)  # (K,)
    meshes = not images.truth("vertices").isnan().any()
    chosen, rows = range(0, len(images), every), []
    for index in tqdm(chosen, desc=title, unit="person", leave=False, delay=2):
        sample = images[index]
        person = _reconstructed(reconstructor, sample)
        if person is not None:
            rows.append(_errors(person, sample, topology, known, meshes))
    if not rows:
        return [None] * (len(COLUMNS) - 1) + [0.0]
    means = torch.stack(rows).nanmean(dim=0).tolist()
    return [None if mean != mean else mean for mean in means] + [100 * len(rows) / len(chosen)]


def _reconstructed(reconstructor: Reconstructor, sample: ImageSample) -> Person | None:
    assert sample.joints_2d is not None
    picture = np.ascontiguousarray(sample.image.permute(1, 2, 0).numpy())
    joints = sample.joints_2d.numpy()
    joints = joints[np.isfinite(joints).all(axis=1)]
    low, high = joints.min(axis=0), joints.max(axis=0)
    margin = _MARGIN * float((high - low).max())
    x, y = (low - margin).tolist()
    width, height = (high - low + 2 * margin).tolist()
    focal = None if sample.camera is None else float(sample.camera[0])
    people = reconstructor.reconstruct(picture, boxes=[(x, y, width, height)], focal_length=focal).people
    return people[0] if people else None


def _errors(person: Person, sample: ImageSample, topology: MeshTopology, known: Tensor, meshes: bool) -> Tensor:
    """(5,) the first scores of one person, NaN for what is not known."""
    assert sample.joints is not None and sample.joints_2d is not None
    turn = look_at_root(torch.tensor(person.camera.translation, dtype=torch.float32))
    joints, vertices = (torch.from_numpy(points) @ turn for points in (person.joints, person.vertices))
    vertices = vertices[topology.coarse]
    roots = [int(known[:joint].sum()) for joint in topology.root_joints]  # among the known ones
    off = torch.from_numpy(person.camera.project(person.joints)) - sample.joints_2d
    seen = off.norm(dim=-1)[known & sample.joints_2d.isfinite().all(dim=-1)].mean()
    found = [
        1000 * pa_mpjpe(joints[None, known], sample.joints[None, known]),
        1000 * mpjpe(joints[None, known], sample.joints[None, known], roots),
    ]
    if meshes:
        assert sample.vertices is not None
        true = sample.vertices[None]
        found.append(1000 * mpve(vertices[None], true, joints[None], sample.joints[None], topology.root_joints))
        found.append(1000 * pa_mpve(vertices[None], true))
    else:
        found += [torch.full((1,), torch.nan)] * 2
    return torch.cat([*found, seen[None]]).double()
