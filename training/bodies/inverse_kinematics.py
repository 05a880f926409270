"""From meshes back to the poses that made them: Procrustes for each joint, then Gauss-Newton.

For meshes that the body itself made, such as a data set's. `model.body.fitting` is for a network's answers, which no
body may have made: it weighs them against what bodies do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from training.rotations import axis_angle_to_matrix, matrix_to_axis_angle

if TYPE_CHECKING:
    from training.bodies.smpl import SmplBody

_STEPS = 60  # far poses need some twenty; it stops as soon as all are there
_DONE = 1e-4  # radians, metres and shape coefficients: the step after that would change nothing
_DAMPING = 1e-4  # of the normal equations' diagonal at first: Levenberg and Marquardt
_STIFFNESS = 1e-9  # square metres: keeps shapes small that a mesh says nothing of


def unpose(body: SmplBody, vertices: Tensor) -> tuple[Tensor, Tensor]:
    """Finds poses, whatever the shape and the place.

    Args:
        body: on the CPU.
        vertices: (N, V, 3) metres, all of the body's, in any frame that a rotation leads to.

    Returns:
        (N, J, 3) axis-angle relative to the parent, and (N,) how far vertices are from the meshes in the mean, metres.
    """
    # In float64: near the solution a step changes the mesh by less than float32 can tell from its rounding, so steps
    # would be refused, or taken, by what the processor's instructions make of the last bit.
    body, vertices = body.double(), vertices.double()
    rotations, shapes = _procrustes(body, vertices), body.mean_shape().expand(len(vertices), -1)
    state: tuple[Tensor, ...] = (rotations, shapes, (vertices - body.pose(rotations, shapes)).mean(dim=1))
    off = vertices - _posed(body, *state)
    damping = torch.full((len(vertices),), _DAMPING, dtype=off.dtype)
    for _ in range(_STEPS):
        change = _step(body, off, damping, *state)
        turn, shape, place = change.split([3 * body.joint_count, state[1].shape[1], 3], dim=1)
        swing = axis_angle_to_matrix(turn.unflatten(1, (body.joint_count, 3)))
        after = (state[0] @ swing, state[1] + shape, state[2] + place)
        off_after = vertices - _posed(body, *after)
        better = off_after.square().sum(dim=(1, 2)) <= off.square().sum(dim=(1, 2))
        state = tuple(_where(better, new, old) for new, old in zip(after, state, strict=True))
        off = _where(better, off_after, off)
        damping = torch.where(better, damping / 10, damping * 10)
        if change.abs().max() < _DONE:
            break
    return matrix_to_axis_angle(state[0]).float(), off.norm(dim=-1).mean(dim=1).float()


def _where(better: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return torch.where(better.view(-1, *[1] * (new.ndim - 1)), new, old)


def _posed(body: SmplBody, rotations: Tensor, shapes: Tensor, shift: Tensor) -> Tensor:
    return body.pose(rotations, shapes) + shift[:, None]


def _procrustes(body: SmplBody, vertices: Tensor) -> Tensor:
    """(N, J, 3, 3): each joint's turn is about that of the vertices that hang on it most, by Kabsch."""
    weights = body.weights[:, : body.joint_count].T.square()  # (J, V)
    weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-9)
    rest = body.template - (weights @ body.template)[:, None]  # (J, V, 3)
    aim = vertices[:, None] - (weights @ vertices)[:, :, None]  # (N, J, V, 3)
    u, _, vt = torch.linalg.svd(torch.einsum("jv,njva,jvb->njab", weights, aim, rest))
    u = torch.cat([u[..., :2], u[..., 2:] * torch.det(u @ vt)[..., None, None].sign()], dim=-1)  # no reflections
    world = u @ vt
    parents = body.parents[1 : body.joint_count]
    return torch.cat([world[:, :1], world[:, parents].mT @ world[:, 1:]], dim=1)


def _step(body: SmplBody, off: Tensor, damping: Tensor, rotations: Tensor, shapes: Tensor, shift: Tensor) -> Tensor:
    """(N, 3 J + S + 3): a step of Gauss-Newton in each joint's rotation vector, the shape and the place."""
    count, joints = rotations.shape[:2]
    sizes = [3 * joints, shapes.shape[1], 3]

    def moved(change: Tensor) -> Tensor:
        turn, shape, place = change.split(sizes, dim=1)
        x, y, z = turn.unflatten(1, (joints, 3)).unbind(dim=-1)
        none = torch.zeros_like(x)
        swing = torch.stack([none, -z, y, z, none, -x, -y, x, none], dim=-1).unflatten(-1, (3, 3))  # to first order
        return _posed(body, rotations + rotations @ swing, shapes + shape, shift + place)

    def along(direction: Tensor) -> Tensor:
        start = off.new_zeros(count, sum(sizes))
        return torch.func.jvp(moved, (start,), (direction.expand_as(start),))[1].flatten(1)

    jacobian = torch.func.vmap(along, out_dims=2)(torch.eye(sum(sizes), dtype=off.dtype))  # (N, 3 V, P)
    normal = jacobian.mT @ jacobian
    diagonal = normal.diagonal(dim1=1, dim2=2)
    normal = normal + torch.diag_embed(damping[:, None] * diagonal + _STIFFNESS)
    return torch.linalg.solve(normal, jacobian.mT @ off.flatten(1)[..., None])[..., 0]
