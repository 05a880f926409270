"""Scores on prepared images, whose mesh is known: quick ones while a network trains, and reports of checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

import weights
from model.errors import BadData, BadInput
from model.network.backbones import build_backbone
from model.network.projection import project_weak_perspective
from model.network.topology import MeshTopology
from model.reconstructor import Reconstructor
from model.scene.balance import balance
from model.scene.up import estimate_up
from training.end_to_end import EndToEnd
from training.evaluation.candidates import Evaluated
from training.evaluation.metrics import mpjpe, mpve, pa_mpjpe
from training.evaluation.report import Cell, Report, Table
from training.evaluation.served_prepared import COLUMNS as SERVED
from training.evaluation.served_prepared import served_scores
from training.images.backbone_cache import BackboneMaps
from training.images.sample import look_at_root
from training.images.shards import PreparedImages
from training.variants import features_of

COLUMNS = ("PA-MPJPE", "MPJPE", "MPVE", "PCK@0.05")
UP = "up, degrees, median"
_BATCH = 32
_THRESHOLD = 0.05  # of the crop's side


def score_prepared(network: EndToEnd, images: PreparedImages, maps: BackboneMaps | None = None) -> dict[str, float]:
    """Means over the images: PA-MPJPE, MPJPE, MPVE in millimetres, joints regressed from the coarse vertices.

    Args:
        network: on any device, in evaluation mode.
        images: with the network's topology.
        maps: what the network's backbone answers to them, if that is known already.
    """
    return dict(zip(COLUMNS[:3], (errors_prepared(network, images, maps)[:, :3].mean(dim=0)).tolist()))


def known_joints(images: PreparedImages, topology: MeshTopology) -> Tensor:
    """(K,) bool, the joints whose place in 3D every image knows.

    Raises:
        BadData: the root's are not among them, so that no network can be scored by these images.
    """
    known = ~images.truth("joints").isnan().any(dim=2).any(dim=0)
    if not known[list(topology.root_joints)].all():
        raise BadData(
            f"{images.folder} has {images.split} images whose 3D joints are not known, which score no network: give "
            "others, in fine-tuning as the first of --images."
        )
    return known


@torch.inference_mode()
def errors_prepared(
    network: EndToEnd, images: PreparedImages, maps: BackboneMaps | None = None, with_up: bool = False
) -> Tensor:
    """(N, 4) float64: the first three scores of each image in millimetres, and its PCK in percent.

    With `with_up` a fifth column says by how many degrees the up direction is wrong that the person tells.

    Joints that are not known in every image are left out; without meshes the MPVE is NaN.
    PCK counts the joints in the crop, hidden or not, whose re-projection is within 5 % of the crop's side.
    """
    device = next(network.parameters()).device
    topology = network.mpt.topology
    regressor = topology.coarse_regressor.to(device)
    vertices, joints = images.truth("vertices"), images.truth("joints")
    joints_2d = images.truth("joints_2d") * (2 / images.about["size"]) - 1
    known = known_joints(images, topology)
    roots = [int(known[:joint].sum()) for joint in topology.root_joints]  # among the known ones
    known = known.to(device)
    translations, ups = images.truth("translation"), images.truth("up")
    meshes = not vertices.isnan().any()
    rows = []
    for index in torch.arange(len(images)).split(_BATCH):
        if maps is None:
            crops = torch.stack([images[int(i)].image for i in index]).to(device).float()
            answer = network(crops)
        else:
            answer = network(None, maps[index.to(device)])
        coarse = answer.vertices.float()
        found = regressor @ coarse
        true_joints, true_vertices, seen = (field[index].to(device) for field in (joints, vertices, joints_2d))
        off = project_weak_perspective(answer.joints.float(), answer.camera.float()) - seen
        nothing = torch.full((len(index),), torch.nan, device=device)
        right, inside = off.norm(dim=-1) < 2 * _THRESHOLD, (seen.abs() < 1).all(dim=-1)
        row = (
            1000 * pa_mpjpe(found[:, known], true_joints[:, known]),
            1000 * mpjpe(found[:, known], true_joints[:, known], roots),
            1000 * mpve(coarse, true_vertices, found, true_joints) if meshes else nothing,
            100 * (right & inside).sum(dim=1) / inside.sum(dim=1).clamp(min=1),
            *([_up_errors(found, translations[index], ups[index])] if with_up else []),
        )
        rows.append(torch.stack(row, dim=1).double().cpu())
    return torch.cat(rows)


def _up_errors(joints: Tensor, translations: Tensor, ups: Tensor) -> Tensor:
    """(N,) degrees from the up direction that each person tells alone to the true one; NaN where that is not known.

    Args:
        joints: (N, 17, 3) predicted; translations: (N, 3) and ups: (N, 3) true.
    """
    errors = torch.full((len(joints),), torch.nan, device=joints.device)
    joints = joints.cpu()
    for row in torch.nonzero(~(ups.isnan() | translations.isnan()).any(dim=1)).flatten().tolist():
        # How cameras are held counts, so in the photo's axes.
        turn = look_at_root(translations[row]).T
        found = estimate_up(balance((joints[row] @ turn)[None].double().numpy())).direction
        cosine = float(np.clip(found @ (ups[row] @ turn).double().numpy(), -1, 1))
        errors[row] = math.degrees(math.acos(cosine))
    return errors


def evaluate_prepared(
    networks: Sequence[Evaluated],
    images: PreparedImages,
    reconstructors: Mapping[str, Reconstructor] | None = None,
    every: int = 1,
) -> Report:
    """Scores checkpoints, each with its own backbone, side by side on one split; and what people get of them.

    Args:
        networks: of the images' topology.
        images: all of them for the networks' own answers,
        reconstructors: by the names of their rows; none for the networks' own answers alone.
        every: and each Nth of them for those of the reconstructors.

    Raises:
        BadInput: the images are of another topology.
    """
    summary: dict[str, dict[str, Cell]] = {}
    table = Table("images", f"{images.split} images, all people", (*COLUMNS, UP))
    for network in networks:
        if images.about["topology"] != network.topology.fingerprint:
            raise BadInput(f"{images.folder} is of another mesh topology than {network.path}.")
        checkpoint = network.checkpoint
        name = str(checkpoint.card.get("backbone", "movenet-thunder"))
        backbone = checkpoint.backbone or build_backbone(name, weights.path(name)).to(network.device)
        whole = EndToEnd(backbone, checkpoint.model, checkpoint.topology, frozen=True).eval()
        features = bool(features_of(checkpoint.model.size))
        maps = BackboneMaps(images, backbone, network.device, features) if checkpoint.backbone is None else None
        errors = errors_prepared(whole, images, maps, with_up=True)
        means = [*errors[:, :-1].mean(dim=0).tolist(), errors[:, -1].nanmedian().item()]
        cells = [None if math.isnan(mean) else mean for mean in means]
        table.add(network.name, cells)
        summary[network.name] = dict(zip((*COLUMNS, UP), cells))
    tables = [table]
    if reconstructors:
        served = Table("served", f"{images.split} images, what people get", SERVED)
        for name, reconstructor in reconstructors.items():
            served.add(name, served_scores(reconstructor, networks[0].topology, images, every, name))
        tables.append(served)
    return Report(
        title="Evaluation on prepared images",
        setting={
            "data": "prepared images",
            "split": images.split,
            "images": len(images),
            "about": images.about,
            "checkpoints": [network.description() for network in networks],
        },
        notes=[
            f"{len(images)} {images.split} images of {images.folder}. Errors in millimetres of joints regressed from "
            "the mesh, and of coarse vertices; PCK: the percentage of joints in the crop, hidden or not, whose "
            "re-projection is within 5 % of the crop's side. Up: by how much the direction is wrong that "
            "one person tells, with how cameras are held; of images that know it. What people get: by both 2D "
            "networks, each person by her box; the body, or the network's own mesh (raw)."
        ],
        tables=tables,
        summary=summary,
    )
