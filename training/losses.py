"""The training objective: Eq. 2 to 6 of the paper, one function each, and one term that keeps meshes in shape.

Every loss takes an optional validity mask, so that samples with partial truth (2D joints only, say) count as far as
they go; without a mask the functions are the paper's equations as printed, averaged over the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.network.projection import project_weak_perspective


def _mean_l1(predicted: Tensor, true: Tensor, valid: Tensor | None) -> Tensor:
    """Mean over points of the L1 norm of their error: (B, N, D), (B, N, D), valid (B, N) or (B, 1) -> ()."""
    error = (predicted - true).abs().sum(dim=-1)  # (B, N)
    if valid is None:
        return error.mean()
    weight = valid.to(error.dtype).expand_as(error)
    return (error * weight).sum() / weight.sum().clamp(min=1.0)


def vertex_loss(vertices: Tensor, true_vertices: Tensor, valid: Tensor | None = None) -> Tensor:
    """Eq. 2: L_V = 1/M sum_i |V_i - V*_i|_1 over (B, M, 3) vertices in metres."""
    return _mean_l1(vertices, true_vertices, valid)


def joint_loss(joints: Tensor, true_joints: Tensor, valid: Tensor | None = None) -> Tensor:
    """Eq. 3: L_J = 1/K sum_i |J_i - J*_i|_1 over (B, K, 3) joints in metres."""
    return _mean_l1(joints, true_joints, valid)


def regressed_joint_loss(
    vertices: Tensor, regressor: Tensor, true_joints: Tensor, valid: Tensor | None = None
) -> Tensor:
    """Eq. 4: Eq. 3 on the joints that the matrix G (K, M) regresses from the vertices (B, M, 3)."""
    return _mean_l1(regressor @ vertices, true_joints, valid)


def projection_loss(joints: Tensor, camera: Tensor, true_joints_2d: Tensor, valid: Tensor | None = None) -> Tensor:
    """Eq. 5: L1 between the joints re-projected by the predicted weak-perspective camera and the true 2D joints.

    Args:
        joints: (B, K, 3) metres; camera: (B, 3) s, tx, ty; true_joints_2d: (B, K, 2) in -1..1 across the crop.
    """
    return _mean_l1(project_weak_perspective(joints, camera), true_joints_2d, valid)


def edge_loss(vertices: Tensor, true_vertices: Tensor, edges: Tensor, valid: Tensor | None = None) -> Tensor:
    """Mean difference in length of the edges, as in Pose2Mesh (ECCV 2020): not in the paper's Eq. 6.

    Where the heatmaps leave a part of the body open, the mean of all places it might be in is what L1 alone asks for,
    and there the part shrinks to a spike; with its edges kept, it stays a head or a hand.

    Args:
        vertices: (B, M, 3) metres.
        true_vertices: (B, M, 3) metres.
        edges: (E, 2) int64, pairs of vertices.
        valid: (B, 1) bool; None where all are.
    """
    start, end = edges.unbind(dim=1)
    length = (vertices[:, start] - vertices[:, end]).norm(dim=-1)  # (B, E)
    true_length = (true_vertices[:, start] - true_vertices[:, end]).norm(dim=-1)
    return _mean_l1(length[..., None], true_length[..., None], valid)


@dataclass(frozen=True)
class MeshTruth:
    """What is known of a batch: any field's mask is None where everything is known."""

    vertices: Tensor
    """(B, M, 3) metres, camera frame, pelvis at the origin."""
    joints: Tensor
    """(B, K, 3) likewise."""
    joints_2d: Tensor
    """(B, K, 2) in -1..1 across the crop."""
    vertices_valid: Tensor | None = None
    joints_valid: Tensor | None = None
    joints_2d_valid: Tensor | None = None


def mpt_loss(
    vertices: Tensor, joints: Tensor, camera: Tensor, regressor: Tensor, truth: MeshTruth, unit: float = 1.0
) -> dict[str, Tensor]:
    """Eq. 6: the unweighted sum of Eq. 2 to 5, and its terms by name.

    Args:
        vertices: (B, M, 3); joints: (B, K, 3); camera: (B, 3); regressor: (K, M).
        unit: metres in which lengths count, so that they weigh as much beside the 2D term for a hand as for a body.

    Returns:
        {"loss", "vertices", "joints", "regressed", "projection"}, scalars.
    """
    terms = {
        "vertices": vertex_loss(vertices, truth.vertices, truth.vertices_valid) / unit,
        "joints": joint_loss(joints, truth.joints, truth.joints_valid) / unit,
        "regressed": regressed_joint_loss(vertices, regressor, truth.joints, truth.joints_valid) / unit,
        "projection": projection_loss(joints, camera, truth.joints_2d, truth.joints_2d_valid),
    }
    return {"loss": torch.stack(list(terms.values())).sum(), **terms}
