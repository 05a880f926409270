"""Scores on prepared images, whose mesh is known: quick ones while a network trains, and reports of checkpoints."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

import weights
from model.errors import BadData, BadInput
from model.network.backbones import build_backbone
from model.network.projection import project_weak_perspective
from training.end_to_end import EndToEnd
from training.evaluation.candidates import Evaluated
from training.evaluation.metrics import mpjpe, mpve, pa_mpjpe
from training.evaluation.report import Cell, Report, Table
from training.images.backbone_cache import BackboneMaps
from training.images.shards import PreparedImages
from training.variants import features_of

COLUMNS = ("PA-MPJPE", "MPJPE", "MPVE", "PCK@0.05")
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


@torch.inference_mode()
def errors_prepared(network: EndToEnd, images: PreparedImages, maps: BackboneMaps | None = None) -> Tensor:
    """(N, 4) float64: the first three scores of each image in millimetres, and its PCK in percent.

    Joints that are not known in every image are left out; without meshes the MPVE is NaN.
    PCK counts the joints in the crop, hidden or not, whose re-projection is within 5 % of the crop's side.
    """
    device = next(network.parameters()).device
    topology = network.mpt.topology
    regressor = topology.coarse_regressor.to(device)
    vertices, joints = images.truth("vertices"), images.truth("joints")
    joints_2d = images.truth("joints_2d") * (2 / images.about["size"]) - 1
    known = ~joints.isnan().any(dim=2).any(dim=0)  # (K,)
    if not known[list(topology.root_joints)].all():
        raise BadData(f"{images.folder} has {images.split} images whose 3D joints are not known: score others.")
    roots = [int(known[:joint].sum()) for joint in topology.root_joints]  # among the known ones
    known = known.to(device)
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
        )
        rows.append(torch.stack(row, dim=1).double().cpu())
    return torch.cat(rows)


def evaluate_prepared(networks: Sequence[Evaluated], images: PreparedImages) -> Report:
    """Scores checkpoints, each with its own backbone, side by side on one split.

    Raises:
        BadInput: the images are of another topology.
    """
    summary: dict[str, dict[str, Cell]] = {}
    table = Table("images", f"{images.split} images, all people", COLUMNS)
    for network in networks:
        if images.about["topology"] != network.topology.fingerprint:
            raise BadInput(f"{images.folder} is of another mesh topology than {network.path}.")
        checkpoint = network.checkpoint
        name = str(checkpoint.card.get("backbone", "movenet-thunder"))
        backbone = checkpoint.backbone or build_backbone(name, weights.path(name)).to(network.device)
        whole = EndToEnd(backbone, checkpoint.model, checkpoint.topology, frozen=True).eval()
        features = bool(features_of(checkpoint.model.size))
        maps = BackboneMaps(images, backbone, network.device, features) if checkpoint.backbone is None else None
        means = errors_prepared(whole, images, maps).mean(dim=0).tolist()
        cells = [None if math.isnan(mean) else mean for mean in means]
        table.add(network.name, cells)
        summary[network.name] = dict(zip(COLUMNS, cells))
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
            "re-projection is within 5 % of the crop's side."
        ],
        tables=[table],
        summary=summary,
    )
