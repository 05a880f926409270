"""How much each joint's heatmap says about each vertex of the mesh: how far it moves when that heatmap is hidden."""

from __future__ import annotations

import torch
from torch import Tensor

from model.network.lifting import MeshNetwork


@torch.inference_mode()
def joint_influence(network: MeshNetwork, heatmaps: Tensor, joints: int) -> Tensor:
    """Hides one joint after the other, as Masked Heatmap Modeling does, and sees what moves.

    Unlike attention this is comparable between all networks, and knows all ways from a heatmap to a vertex.

    Args:
        network: It, in evaluation mode.
        heatmaps: (B, N, S, S), the joints' first.
        joints: K, how many joints there are.

    Returns:
        (B, C, K) shares of the K joints in the distances that each of the C coarse vertices moves; each row sums to 1.
    """
    seen = network(heatmaps).vertices
    hidden = heatmaps.repeat(joints, 1, 1, 1, 1)  # (K, B, N, S, S)
    hidden[range(joints), :, range(joints)] = 0
    moved = network(hidden.flatten(0, 1)).vertices.unflatten(0, (joints, -1)) - seen  # (K, B, C, 3)
    return torch.nn.functional.normalize(moved.norm(dim=-1).movedim(0, -1), p=1, dim=-1)
