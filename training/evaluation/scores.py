"""The errors of every evaluated pose, from which all tables are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.joints import COCO_ROOT
from training.evaluation.metrics import f_score, joint_errors, mpve, pa_joint_errors, pa_mpve, procrustes

PA_MPJPE, MPJPE, MPVE, PA_MPVE = "PA-MPJPE", "MPJPE", "MPVE", "PA-MPVE"
DIRECT_PA_MPJPE, DIRECT_MPJPE = "direct PA-MPJPE", "direct MPJPE"
F_5, F_15 = "F@5 mm, %", "F@15 mm, %"
MESH_COLUMNS = (PA_MPJPE, MPJPE, MPVE, PA_MPVE, DIRECT_PA_MPJPE, DIRECT_MPJPE)


@dataclass(frozen=True)
class Scores:
    """Errors of N poses in millimetres, and scores."""

    columns: dict[str, Tensor]
    """(N,) one number a pose, by metric."""
    joints: dict[str, Tensor]
    """(N, K) the parts of the joints, by metric."""

    def mean(self, column: str, which: Tensor | None = None) -> float | None:
        """The mean over poses, of those only that `which` (N,) bool or (M,) indices picks; None if not measured."""
        if column not in self.columns:
            return None
        values = self.columns[column] if which is None else self.columns[column][which]
        return float(values.double().mean()) if len(values) else None

    def joint_mean(self, column: str, joint: int) -> float:
        """The mean of one joint's part."""
        return float(self.joints[column][:, joint].double().mean())

    @classmethod
    def concat(cls, parts: Sequence[Scores]) -> Scores:
        """Joins the scores of several batches, in order."""

        def join(pick: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
            return {name: torch.cat([part[name] for part in pick]) for name in pick[0]} if pick else {}

        return cls(join([part.columns for part in parts]), join([part.joints for part in parts]))


def mesh_scores(
    vertices: Tensor,
    true_vertices: Tensor,
    regressor: Tensor,
    true_joints: Tensor,
    direct: Tensor | None = None,
    root: Sequence[int] = COCO_ROOT,
    hands: bool = False,
) -> Scores:
    """All errors of a batch of meshes.

    Args:
        vertices, true_vertices: (B, V, 3) metres.
        regressor: G, (K, V): gives the predicted joints from the predicted mesh.
        true_joints: (B, K, 3).
        direct: (B, K, 3) joints that the network answered beside its mesh.
        root: the joints whose mean is the origin.
        hands: adds the F-scores of aligned meshes, as FreiHAND has them; they cost more than all else.
    """
    joints = regressor @ vertices
    parts = {PA_MPJPE: pa_joint_errors(joints, true_joints), MPJPE: joint_errors(joints, true_joints, root)}
    columns = {name: part.mean(dim=-1) for name, part in parts.items()}
    columns[MPVE] = mpve(vertices, true_vertices, joints, true_joints, root)
    columns[PA_MPVE] = pa_mpve(vertices, true_vertices)
    if direct is not None:
        columns[DIRECT_PA_MPJPE] = pa_joint_errors(direct, true_joints).mean(dim=-1)
        columns[DIRECT_MPJPE] = joint_errors(direct, true_joints, root).mean(dim=-1)
    columns = millimetres(columns)
    if hands:
        aligned = procrustes(vertices, true_vertices)
        columns[F_5] = 100 * f_score(aligned, true_vertices, 0.005)
        columns[F_15] = 100 * f_score(aligned, true_vertices, 0.015)
    return Scores(columns, millimetres(parts))


def millimetres(errors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Metres to millimetres."""
    return {name: value * 1000 for name, value in errors.items()}
