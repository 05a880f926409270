"""The field's errors between predicted and true points, batched, in the unit of the points (metres)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from model.joints import COCO_ROOT


def mpjpe(predicted: Tensor, true: Tensor, root: Sequence[int] = COCO_ROOT) -> Tensor:
    """Mean per-joint position error with both roots at the origin.

    Root alignment as in Ionescu et al., Human3.6M (TPAMI 2014). The default root, the middle of the hips, is that of
    Kanazawa et al., HMR (CVPR 2018), and of Lin et al., METRO (CVPR 2021); for 14 joints in LSP's order it is (2, 3).
    Kolotouros et al., SPIN (ICCV 2019), take the pelvis joint instead.

    Args:
        predicted: (B, K, 3), joints in the same order; COCO's 17 for the default root.
        true: the same of the truth.
        root: the joints whose mean is the root.

    Returns:
        (B,) mean over the joints of their Euclidean distances.
    """
    return joint_errors(predicted, true, root).mean(dim=-1)


def joint_errors(predicted: Tensor, true: Tensor, root: Sequence[int] = COCO_ROOT) -> Tensor:
    """Each joint's part in `mpjpe`: (B, K) distances with both roots at the origin."""
    return _distances(predicted - _mean_of(predicted, root), true - _mean_of(true, root))


def pa_mpjpe(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean per-joint position error after Procrustes alignment, the "reconstruction error".

    Zhou et al., MonoCap (TPAMI 2018). The joints that are measured are the ones that are aligned.

    Args:
        predicted: (B, K, 3).
        true: the same of the truth.

    Returns:
        (B,) mean over the joints of their distances after `procrustes`.
    """
    return pa_joint_errors(predicted, true).mean(dim=-1)


def pa_joint_errors(predicted: Tensor, true: Tensor) -> Tensor:
    """Each joint's part in `pa_mpjpe`: (B, K) distances after `procrustes`."""
    return _distances(procrustes(predicted, true), true)


def mpve(
    predicted: Tensor,
    true: Tensor,
    predicted_joints: Tensor,
    true_joints: Tensor,
    root: Sequence[int] = COCO_ROOT,
) -> Tensor:
    """Mean per-vertex error (PVE, MPVPE) with both meshes' roots at the origin.

    As in Pavlakos et al., "Learning to estimate 3D human pose and shape" (CVPR 2018), rooted as `mpjpe` is. METRO
    roots the meshes at the pelvis joint of Human3.6M's regressor: root (0,) of its 17 joints.

    Args:
        predicted: (B, V, 3) vertices.
        true: the same of the truth.
        predicted_joints: (B, K, 3), the joints of these meshes; COCO's 17 for the default root.
        true_joints: the same of the truth.
        root: the joints whose mean is the root.

    Returns:
        (B,) mean over the vertices of their Euclidean distances.
    """
    errors = _distances(predicted - _mean_of(predicted_joints, root), true - _mean_of(true_joints, root))
    return errors.mean(dim=-1)


def pa_mpve(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean per-vertex error after Procrustes alignment of the vertices, as FreiHAND reports it.

    Args:
        predicted: (B, V, 3).
        true: the same of the truth.

    Returns:
        (B,) mean over the vertices of their distances after `procrustes`.
    """
    return _distances(procrustes(predicted, true), true).mean(dim=-1)


def correct_keypoints(predicted: Tensor, true: Tensor, length: Tensor, threshold: float) -> Tensor:
    """Which keypoints are right for PCK: within a share of the person's size of where they should be.

    Yang and Ramanan, "Articulated human detection with flexible mixtures of parts" (TPAMI 2013), take the longer side
    of the person's box as size. PCK is the mean over the annotated keypoints. A predicted NaN is never right.

    Args:
        predicted: (B, K, 2) pixels.
        true: the same of the truth.
        length: (B,) pixels, the person's size.
        threshold: share of the size, such as 0.05.

    Returns:
        (B, K) bool.
    """
    return _distances(predicted, true) <= threshold * length[:, None]


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


class Similarity(NamedTuple):
    """Scale, rotation and translation, for points as rows: scale * points @ rotation + translation; float64."""

    scale: Tensor
    """(B, 1, 1)."""
    rotation: Tensor
    """(B, 3, 3)."""
    translation: Tensor
    """(B, 1, 3)."""


def procrustes(points: Tensor, target: Tensor) -> Tensor:
    """Moves points onto a target by the `similarity` that fits best.

    Args:
        points: (B, N, 3).
        target: (B, N, 3).

    Returns:
        (B, N, 3), `points` aligned; where all points of one side are the same, the target's centre.
    """
    return align(points, similarity(points, target))


def similarity(points: Tensor, target: Tensor) -> Similarity:
    """The similarity that takes points (B, N, 3) nearest to a target (B, N, 3).

    Least squares, by Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns" (TPAMI 1991). A reflection is never used: a mirrored body keeps its error. Computed in float64.
    """
    p, t = points.double(), target.double()
    p_centre, t_centre = p.mean(dim=1, keepdim=True), t.mean(dim=1, keepdim=True)
    p, t = p - p_centre, t - t_centre
    u, singular, vt = torch.linalg.svd(p.mT @ t)  # (B, 3, 3), (B, 3) falling, (B, 3, 3)
    # The best orthogonal matrix may be a reflection; turning the least axis over gives the best rotation.
    signs = torch.ones_like(singular)
    signs[:, 2] = torch.sign(torch.linalg.det(u @ vt))
    rotation = (u * signs[:, None]) @ vt  # (B, 3, 3)
    spread = p.square().sum(dim=(1, 2))
    scale = (singular * signs).sum(dim=1) / spread.clamp(min=torch.finfo(spread.dtype).tiny)
    scale = scale[:, None, None]
    return Similarity(scale, rotation, t_centre - scale * (p_centre @ rotation))


def align(points: Tensor, by: Similarity) -> Tensor:
    """Points (B, N, 3), moved."""
    return (by.scale * (points.double() @ by.rotation) + by.translation).to(points.dtype)


def _mean_of(joints: Tensor, which: Sequence[int]) -> Tensor:
    """(B, K, 3) -> (B, 1, 3), the mean of some joints."""
    return joints[:, list(which)].mean(dim=1, keepdim=True)


def _distances(predicted: Tensor, true: Tensor) -> Tensor:
    """(B, N, D) twice -> (B, N)."""
    return torch.linalg.vector_norm(predicted - true, dim=-1)
