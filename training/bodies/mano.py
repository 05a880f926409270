"""MANO's right hand as a `BodyModel`: the user's own MANO_RIGHT as npz, posed with the `smplx` package.

The model and the package are licensed for non-commercial research by the Max Planck Society, as SMPL is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from model.errors import BadData
from model.extras import how_to_install
from training.bodies.smpl import SmplBody, decoded, read_model
from training.bodies.subject import HAND
from training.npz import open_npz

try:
    from smplx.vertex_ids import vertex_ids
except ImportError as error:
    raise ImportError(f"MANO needs the smplx package: {how_to_install('smpl')}") from error

PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14)
"""MANO's joints: the wrist, then three of index, middle, little, ring finger and thumb, base first."""

_FINGERS = (("thumb", 13), ("index", 1), ("middle", 4), ("ring", 10), ("pinky", 7))  # our order: tip, first joint

_KNUCKLES = [1, 4, 7, 10]


class ManoHand(SmplBody):
    """MANO's right hand; its 21 joints are ours, the finger tips being smplx's vertices of them.

    Rotations (B, 16, 3, 3) are relative to the flat hand, as in MANO with `flat_hand_mean=True`; `mean_pose` is what
    files that count from MANO's mean pose leave out.
    """

    subject = HAND
    joint_count = len(PARENTS)
    landmarks: tuple[int, ...] = ()
    name = "mano"

    def __init__(self, path: str | Path):
        """Loads MANO_RIGHT.npz.

        Raises:
            BadData: no such file, a pickle, or another model; the message names the file.
        """
        path = Path(path)
        arrays = read_model(path, {778: "MANO"}, PARENTS)
        with open_npz(path) as file:
            mean = decoded(path, file, "hands_mean") if "hands_mean" in file else None
        if mean is None or mean.shape != (45,) or not np.isfinite(mean).all():
            raise BadData(
                f"{path}: `hands_mean` must be 45 numbers. Convert the model's pickle: mpt convert-body MANO_RIGHT.pkl"
            )
        self.mean_pose = torch.from_numpy(mean.astype(np.float32)).view(15, 3)  # axis-angle
        joints, tips = arrays["J_regressor"], np.eye(len(arrays["v_template"]))
        across = (joints @ arrays["v_template"])[:, 0]
        if (across[_KNUCKLES] > across[0]).all():  # a right arm in the T-pose goes on to -x
            raise BadData(f"{path} is a left hand: give MANO_RIGHT. Left hands are reconstructed as its mirror image.")
        rows = [joints[0]]
        for tip, first in _FINGERS:
            rows += [*joints[first : first + 3], tips[vertex_ids["mano"][tip]]]
        self._take(arrays, np.stack(rows))
