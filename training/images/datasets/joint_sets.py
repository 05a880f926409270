"""The joints in which the field evaluates: LSP's 14, out of COCO's, SMPL's, or Human3.6M's regressor on SMPL's mesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.errors import BadData

LIMBS = (
    "right ankle", "right knee", "right hip", "left hip", "left knee", "left ankle",
    "right wrist", "right elbow", "right shoulder", "left shoulder", "left elbow", "left wrist",
)  # fmt: skip
"""LSP's first twelve, which all skeletons share, if not to the millimetre."""
LSP_14 = (*LIMBS, "neck", "head")
"""What HMR, SPIN, METRO and others evaluate on Human3.6M and 3DPW."""
HIPS = (2, 3)
"""In LSP's order: the root is their middle."""

LIMBS_IN_COCO = (16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9)
LIMBS_IN_SMPL = (8, 5, 2, 1, 4, 7, 21, 19, 17, 16, 18, 20)

# Rows of Human3.6M's 17 joints: pelvis, a leg, the other leg, spine, neck, jaw, head, left arm, right arm. Two files
# are about, which differ in the leg that comes first; arms are checked in the same way.
_LEGS, _ARMS = ((1, 2, 3), (4, 5, 6)), ((11, 12, 13), (14, 15, 16))
_NECK, _HEAD = 8, 10


def read_h36m_regressor(path: Path, template: Tensor) -> tuple[Tensor, Tensor]:
    """Reads the user's `J_regressor_h36m.npy`, SMPL vertices to Human3.6M's joints, and sorts it.

    Which leg is the left one is seen on the resting body, since files with either leg first are about.

    Args:
        path: npy, (17, V).
        template: (V, 3) the resting body, its left side at +x.

    Returns:
        (14, V) rows for LSP's joints, and (1, V) for the pelvis.

    Raises:
        BadData: no such file, or no such regressor.
    """
    try:
        rows = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise BadData(f"{path} is not there: the regressor comes with the code of SPIN, among others.") from None
    except (OSError, EOFError, ValueError) as error:
        raise BadData(f"{path} cannot be read as an npy array ({error}).") from None
    if not isinstance(rows, np.ndarray):
        raise BadData(f"{path} is an archive of several arrays, but the regressor is a single npy array.")
    if rows.shape != (17, len(template)):
        raise BadData(
            f"{path} has shape {rows.shape}, but Human3.6M's regressor for this mesh is (17, {len(template)})."
        )
    if rows.dtype.kind != "f" or not np.isfinite(rows).all() or np.abs(rows.sum(axis=1) - 1).max() > 0.1:
        raise BadData(f"{path} is no joint regressor: its rows must be finite weights that sum to 1.")
    regressor = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))
    x = (regressor @ template)[:, 0]
    left_leg, right_leg = sorted(_LEGS, key=lambda leg: -float(x[list(leg)].mean()))
    left_arm, right_arm = sorted(_ARMS, key=lambda arm: -float(x[list(arm)].mean()))
    order = [*right_leg[::-1], *left_leg, *right_arm[::-1], *left_arm, _NECK, _HEAD]
    return regressor[order], regressor[:1]
