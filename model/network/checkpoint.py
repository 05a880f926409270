"""Checkpoints: one safetensors file with the network, its mesh topology and its card. No pickle, no body model.

A fine-tuned checkpoint has its backbone inside; others name a published one.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from model.errors import BadCheckpoint, BadInput, in_short
from model.files import atomic_write
from model.network.backbones import PoseBackbone, build_backbone
from model.network.build import build_from_record
from model.network.checkpoint_keys import renamed
from model.network.lifting import MeshNetwork
from model.network.topology import MeshTopology

_FORMAT = "mpt-2"
_OLD_FORMAT = "mpt-1"

Build = Callable[[dict[str, Any], MeshTopology], MeshNetwork]
"""Makes the network, of random weights, whose size a checkpoint describes (`TransformerSize` as a dictionary)."""


@dataclass(frozen=True)
class Checkpoint:
    """A network that is ready to run, and what it is."""

    model: MeshNetwork
    topology: MeshTopology
    backbone: PoseBackbone | None
    """The 2D network that was fine-tuned with it; None for the published one that the card names."""
    card: dict[str, Any]
    """The model card: "name", "mode" ("zero-shot" or "fine-tuned"), "backbone", data, samples seen, scores."""


def save_checkpoint(
    path: Path,
    model: MeshNetwork,
    topology: MeshTopology,
    card: dict[str, Any],
    backbone: PoseBackbone | None = None,
) -> None:
    """Writes a checkpoint in half precision; a reader never sees half a file.

    Args:
        backbone: one that was trained too, of the kind that `card["backbone"]` names.
    """
    tensors = {f"model.{name}": value.half() for name, value in model.state_dict().items()}
    if backbone is not None:
        tensors |= {
            f"backbone.{name}": value.half() if value.is_floating_point() else value
            for name, value in backbone.state_dict().items()
        }
    tensors |= {f"topology.{name}": value for name, value in topology.state().items()}
    description = {
        "format": _FORMAT,
        "size": dataclasses.asdict(model.size),
        "topology": {
            "name": topology.name,
            "joint_names": topology.joint_names,
            "root_joints": topology.root_joints,
            "fingerprint": topology.fingerprint,
        },
        "card": card,
    }
    contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_write(path) as partial:
        save_file(contiguous, partial, metadata={"mpt": json.dumps(description)})


def load_checkpoint(path: Path, device: torch.device | str = "cpu", build: Build = build_from_record) -> Checkpoint:
    """Reads a checkpoint, in single precision and in evaluation mode.

    Args:
        path: the file.
        device: where the network goes.
        build: makes the network; another one than the default knows variants for comparison too.

    Raises:
        BadCheckpoint: when the file is missing, is none of ours, or does not fit together; the message names it.
    """
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {}).get("mpt", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        raise BadCheckpoint(f"There is no checkpoint at {path}.") from None
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise BadCheckpoint(f"{path} is not a readable checkpoint ({error}); copy or train it again.") from None
    if description.get("format") not in (_FORMAT, _OLD_FORMAT):
        raise BadCheckpoint(f"{path} is a safetensors file, but not a checkpoint of this project ({_FORMAT}).")

    def part(prefix: str) -> dict[str, torch.Tensor]:
        return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}

    try:
        about = description["topology"]
        topology = MeshTopology.from_state(
            about["name"], tuple(about["joint_names"]), tuple(about["root_joints"]), part("topology.")
        )
        model = build(description["size"], topology)
        weights = part("model.")
        if description["format"] == _OLD_FORMAT:
            weights = renamed(weights, topology)
        model.load_state_dict({name: value.float() for name, value in weights.items()})
        card = dict(description.get("card", {}))
        backbone = None
        if trained := part("backbone."):
            backbone = build_backbone(str(card["backbone"]))
            backbone.load_state_dict(trained)  # which turns half precision into single
            backbone.to(device)
    except BadInput as error:
        raise BadCheckpoint(f"{path}: {error}") from None
    except (KeyError, TypeError, RuntimeError) as error:
        raise BadCheckpoint(f"{path} does not fit this version of the network: {in_short(error)}") from None
    if topology.fingerprint != about.get("fingerprint"):
        raise BadCheckpoint(f"{path}: the mesh topology is not the one that the network was trained on.")
    return Checkpoint(model.to(device).eval(), topology, backbone, card)
