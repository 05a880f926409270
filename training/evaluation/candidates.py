"""The checkpoints of an evaluation, each with a name of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from model.body.rig_file import load_rig
from model.errors import BadCheckpoint, BadInput
from model.joints import COCO_JOINTS
from model.network.checkpoint import Checkpoint
from model.network.topology import MeshTopology
from training.variants import load_any


@dataclass(frozen=True)
class Evaluated:
    """A checkpoint that is evaluated."""

    name: str
    """As rows call it; no two are the same."""
    path: Path
    checkpoint: Checkpoint
    device: torch.device

    @property
    def topology(self) -> MeshTopology:
        return self.checkpoint.topology

    def description(self) -> dict[str, Any]:
        """What the report's JSON says of it."""
        card = self.checkpoint.card
        return {
            "name": self.name,
            "file": self.path.name,
            "topology": self.topology.name,
            "parameters": sum(parameter.numel() for parameter in self.checkpoint.model.parameters()),
            "steps": card.get("steps"),
            "samples_seen": card.get("samples_seen"),
        }


def file_name(name: str) -> str:
    """A name, fit for a file."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-")


def load_networks(paths: Sequence[Path], device: torch.device) -> list[Evaluated]:
    """Loads checkpoints; those that share a name are told apart by their paths.

    Raises:
        BadCheckpoint: one cannot be used; the message names it.
    """
    checkpoints = [load_any(path, device) for path in paths]
    names = unique_names([str(c.card.get("name", path.stem)) for c, path in zip(checkpoints, paths)], paths)
    return [Evaluated(name, path, c, device) for name, path, c in zip(names, paths, checkpoints, strict=True)]


def check_is_body(network: Evaluated) -> None:
    """Sees to it that a network answers with COCO's joints.

    Raises:
        BadCheckpoint: it is for hands, say.
    """
    topology = network.topology
    if topology.joint_names != COCO_JOINTS:
        raise BadCheckpoint(
            f"{network.path} has the mesh topology '{topology.name}' with {topology.joint_count} joints: people in "
            "images are evaluated in COCO's 17 joints, so give a checkpoint of a whole body."
        )


def check_rig(path: Path, networks: Sequence[Evaluated]) -> None:
    """Sees to it that a rig is of the mesh of at least one network: those of other meshes have their own, or none.

    Raises:
        BadData: it cannot be used.
        BadInput: it is of no network's mesh.
    """
    rig = load_rig(path)
    if rig.vertex_count not in {network.topology.vertex_count for network in networks}:
        meshes = {f"'{network.topology.name}' ({network.topology.vertex_count} vertices)" for network in networks}
        raise BadInput(
            f"{path} is a rig of the mesh '{rig.name}' ({rig.vertex_count} vertices), and no checkpoint here has that: "
            f"they have {', '.join(sorted(meshes))}. Leave --rig out, or give a checkpoint of its mesh."
        )


def unique_names(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """Adds the path's last parts to names that occur more than once, and a number if that is not enough."""
    counts = Counter(names)
    told = [
        f"{name} ({path.parent.name}/{path.stem})" if counts[name] > 1 else name for name, path in zip(names, paths)
    ]
    again = Counter(told)
    return [f"{name} {index + 1}" if again[name] > 1 else name for index, name in enumerate(told)]
