"""Linear blend skinning: joints turned down a kinematic tree, and vertices that follow them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Generations = list[tuple[list[int], list[int]]]
"""The joints of each generation below the root, and their parents."""


def generations(parents: Sequence[int]) -> Generations:
    """Sorts a kinematic tree, whose parents come before their children, by depth."""
    depth = [0] * len(parents)
    for joint in range(1, len(parents)):
        depth[joint] = depth[parents[joint]] + 1
    rows = ([j for j in range(len(parents)) if depth[j] == d] for d in range(1, max(depth) + 1))
    return [(joints, [parents[j] for j in joints]) for joints in rows]


def world_rotations(rotations: Tensor, tree: Generations) -> Tensor:
    """Parent-relative rotations (B, J, 3, 3) to those of the world, one generation at a time."""
    world = rotations.clone()
    for joints, parents in tree:
        world[:, joints] = compose(world[:, parents], rotations[:, joints])
    return world


def joint_positions(turn: Tensor, heads: Tensor, tree: Generations) -> Tensor:
    """Where joints come to lie.

    Args:
        turn: (B, J, 3, 3) each joint's rotation from the resting pose to the world.
        heads: (B, J, 3) resting positions.
        tree: see `Generations`.

    Returns:
        (B, J, 3), the root where it rests.
    """
    parent = [0] * heads.shape[1]
    for joints, parents in tree:
        for joint, of in zip(joints, parents, strict=True):
            parent[joint] = of
    step = apply(turn[:, parent], heads - heads[:, parent])  # (B, J, 3)
    origin = heads.clone()
    for joints, parents in tree:
        origin[:, joints] = origin[:, parents] + step[:, joints]
    return origin


def skin(rest: Tensor, weights: Tensor, turn: Tensor, origin: Tensor, heads: Tensor) -> Tensor:
    """Blends the 3x4 transforms of each vertex, then applies them once: sum_j w_j (R_j (v - h_j) + p_j).

    Args:
        rest: (B, V, 3) resting vertices; weights: (V, J); turn, origin: see `joint_positions`; heads: (B, J, 3).

    Returns:
        (B, V, 3).
    """
    offset = origin - apply(turn, heads)  # (B, J, 3)
    motion = torch.cat([turn, offset[..., None]], dim=-1).flatten(2)  # (B, J, 12)
    blended = (weights @ motion).unflatten(2, (3, 4))  # (B, V, 3, 4)
    return apply(blended[..., :3], rest) + blended[..., 3]


def compose(first: Tensor, second: Tensor) -> Tensor:
    """Products of 3x3 matrices (..., 3, 3), spelled out: batched matmul is several times slower on ones this small."""
    return (first[..., :, :, None] * second[..., None, :, :]).sum(dim=-2)


def apply(matrix: Tensor, vector: Tensor) -> Tensor:
    """Applies 3x3 matrices (..., 3, 3) to vectors (..., 3), likewise."""
    return (matrix * vector[..., None, :]).sum(dim=-1)
