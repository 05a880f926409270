"""What tensors were called in checkpoints of the first format, in which one module was the whole transformer."""

from __future__ import annotations

import torch
from torch import Tensor

from model.network.topology import MeshTopology

_JOINT_QUERIES = {f"joint_{name}": f"encoder.joints.{name}" for name in ("query", "place", "lift", "pool", "mask")}
_ENCODER = {"encoder": "encoder.blocks", "narrow": "encoder.narrow", "norm": "encoder.norm", "tokens": "tokenizer"}
_DECODER = {
    "decoder": "decoder.blocks",
    "decoder_norm": "decoder.norm",
    "skip": "decoder.skip.linear",
    "skip_place": "decoder.skip_place",
    "vertex_head": "decoder.head",
}


def renamed(tensors: dict[str, Tensor], topology: MeshTopology) -> dict[str, Tensor]:
    """A network's tensors under today's names.

    Args:
        tensors: of a checkpoint of the first format; topology: of its mesh.
    """
    queries = "decoder" if "skip.weight" in tensors else "encoder"  # the paper's layout had those of vertices there
    names = _JOINT_QUERIES | _ENCODER | _DECODER
    names |= {f"vertex_{name}": f"{queries}.vertices.{name}" for name in ("query", "place", "mask")}
    result = {}
    for name, tensor in tensors.items():
        if name.startswith("lift.guess."):  # joints, vertices and camera in one
            kind = name.rpartition(".")[2]
            joints, vertices, camera = tensor.split([3 * topology.joint_count, 3 * topology.coarse_count, 3])
            result[f"lift.joints.{kind}"] = torch.cat([joints, camera])
            result[f"lift.mesh.linear.{kind}"] = vertices
        else:
            first, dot, rest = name.partition(".")
            result[names.get(first, first) + dot + rest] = tensor
    return result
