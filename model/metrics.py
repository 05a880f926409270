"""The field's errors between predicted and true points, batched, in the unit of the points (metres)."""

from __future__ import annotations

import torch
from torch import Tensor

_LEFT_HIP, _RIGHT_HIP = 11, 12  # in COCO-17


def mpjpe(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean per-joint position error with both roots at the origin, the root being the middle of the hips.

    Root alignment as in Ionescu et al., Human3.6M (TPAMI 2014), protocol 1, and in Kanazawa et al., HMR
    (CVPR 2018).

    Args:
        predicted, true: (B, 17, 3), joints in COCO's order.

    Returns:
        (B,) mean over the joints of their Euclidean distances.
    """
    return _mean_distance(predicted - _hips(predicted), true - _hips(true))


def pa_mpjpe(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean per-joint position error after Procrustes alignment, the "reconstruction error".

    Args:
        predicted, true: (B, K, 3).

    Returns:
        (B,) mean over the joints of their distances after `procrustes`.
    """
    return _mean_distance(procrustes(predicted, true), true)


def mpve(predicted: Tensor, true: Tensor, predicted_joints: Tensor, true_joints: Tensor) -> Tensor:
    """Mean per-vertex error (PVE, MPVPE) with the middle of both meshes' hips at the origin.

    As in Pavlakos et al., "Learning to estimate 3D human pose and shape" (CVPR 2018), rooted as `mpjpe` is.

    Args:
        predicted, true: (B, V, 3) vertices.
        predicted_joints, true_joints: (B, 17, 3), the joints of these meshes in COCO's order.

    Returns:
        (B,) mean over the vertices of their Euclidean distances.
    """
    return _mean_distance(predicted - _hips(predicted_joints), true - _hips(true_joints))


def pa_mpve(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean per-vertex error after Procrustes alignment of the vertices, as FreiHAND reports it.

    Args:
        predicted, true: (B, V, 3).

    Returns:
        (B,) mean over the vertices of their distances after `procrustes`.
    """
    return _mean_distance(procrustes(predicted, true), true)


def f_score(predicted: Tensor, true: Tensor, threshold: float) -> Tensor:
    """Harmonic mean of precision and recall: the shares of points with one of the other set near.

    Knapitsch et al., "Tanks and Temples" (SIGGRAPH 2017), as Zimmermann et al., FreiHAND (ICCV 2019) use it
    at 5 mm and 15 mm. Nearest points are searched, not corresponding ones. Align beforehand if the protocol
    says so.

    Args:
        predicted: (B, N, 3).
        true: (B, M, 3).
        threshold: in the unit of the points.

    Returns:
        (B,) in 0..1, 0 where nothing is near.
    """
    precision, recall = [], []
    for one, other in zip(predicted, true):  # one at a time: the whole table of distances would be B x N x M
        distances = torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")  # (N, M)
        precision.append((distances.amin(dim=1) < threshold).double().mean())
        recall.append((distances.amin(dim=0) < threshold).double().mean())
    p, r = torch.stack(precision), torch.stack(recall)  # (B,)
    return (2 * p * r / (p + r).clamp(min=torch.finfo(p.dtype).tiny)).to(predicted.dtype)


def procrustes(points: Tensor, target: Tensor) -> Tensor:
    """Moves points onto a target by the similarity (scale, rotation, translation) that fits best.

    Least squares, by Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns" (TPAMI 1991). A reflection is never used: a mirrored body keeps its error. Computed in float64.

    Args:
        points, target: (B, N, 3).

    Returns:
        (B, N, 3), `points` aligned; where all points of one side are the same, the target's centre.
    """
    p, t = points.double(), target.double()
    p_centre, t_centre = p.mean(dim=1, keepdim=True), t.mean(dim=1, keepdim=True)
    p, t = p - p_centre, t - t_centre
    u, singular, vt = torch.linalg.svd(p.mT @ t)  # (B, 3, 3), (B, 3) falling, (B, 3, 3)
    # The best orthogonal matrix may be a reflection; turning the least axis over gives the best rotation.
    signs = torch.ones_like(singular)
    signs[:, 2] = torch.sign(torch.linalg.det(u @ vt))
    rotation = (u * signs[:, None]) @ vt  # (B, 3, 3), for points as rows
    spread = p.square().sum(dim=(1, 2))
    scale = (singular * signs).sum(dim=1) / spread.clamp(min=torch.finfo(spread.dtype).tiny)
    return (scale[:, None, None] * (p @ rotation) + t_centre).to(points.dtype)


def _hips(joints: Tensor) -> Tensor:
    """(B, 17, 3) -> (B, 1, 3), their middle."""
    return (joints[:, _LEFT_HIP] + joints[:, _RIGHT_HIP])[:, None] / 2


def _mean_distance(predicted: Tensor, true: Tensor) -> Tensor:
    """(B, N, 3) twice -> (B,)."""
    return torch.linalg.vector_norm(predicted - true, dim=-1).mean(dim=-1)
