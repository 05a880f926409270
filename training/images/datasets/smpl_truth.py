"""True meshes out of SMPL's parameters, by the user's own model files, one for each gender."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from model.errors import BadData
from model.joints import JOINTS
from training.bodies.protocol import BodyModel
from training.images.datasets.base import SmplParameters
from training.images.datasets.joint_sets import LIMBS_IN_COCO
from training.rotations import axis_angle_to_matrix

SMPL_VERTICES = 6890


def smpl_file(path: Path, gender: str) -> Path:
    """The model file of a gender in a folder such as SMPL's releases have; a file stands for itself.

    Raises:
        BadData: it is not there.
    """
    file = path / f"SMPL_{gender.upper()}.npz" if path.is_dir() else path
    if not file.is_file():
        raise BadData(
            f"{file} is not there: --smpl takes the folder of SMPL_NEUTRAL.npz, SMPL_MALE.npz and the like. "
            "Pickles are converted by mpt convert-body."
        )
    return file


def load_smpl(path: Path, gender: str = "neutral") -> BodyModel:
    """SMPL's body.

    Args:
        path: the model file, or the folder of all.

    Raises:
        BadData: the file or the package to read it is missing.
    """
    file = smpl_file(path, gender)
    try:
        from training.bodies.smpl import SmplBody
    except ImportError as error:
        raise BadData(f"{file} cannot be used: {error}.") from None
    return SmplBody(file)


class SmplTruth:
    """Poses bodies by their own gender's model, as 3DPW's evaluation asks."""

    def __init__(self, folder: Path):
        """Takes the folder; its files are read when they are needed.

        Raises:
            BadData: it is a single file, which cannot be right for men and women.
        """
        if not folder.is_dir():
            raise BadData(
                f"{folder} is no folder: here --smpl needs the one of SMPL_NEUTRAL.npz, SMPL_MALE.npz and "
                "SMPL_FEMALE.npz, as far as the data set's people are of them."
            )
        self.folder = folder
        self._bodies: dict[str, BodyModel] = {}

    def pose(self, body: SmplParameters) -> tuple[Tensor, Tensor]:
        """The mesh (V, 3) and the limb joints (12, 3) of SMPL's skeleton in LSP's order: camera's axes, metres."""
        if body.gender not in self._bodies:
            model = load_smpl(self.folder, body.gender)
            if (
                model.vertex_count != SMPL_VERTICES or model.joint_count != JOINTS
            ):  # which SMPL-H's and SMPL-X's are not
                file = smpl_file(self.folder, body.gender)
                raise BadData(f"{file} has SMPL-H's or SMPL-X's joints; 3DPW's parameters are SMPL's.")
            self._bodies[body.gender] = model
        model = self._bodies[body.gender]
        rotations = axis_angle_to_matrix(torch.from_numpy(body.pose))[None]  # (1, 24, 3, 3)
        vertices = model.pose(rotations, torch.from_numpy(body.shape)[None])[0]
        return vertices, (torch.from_numpy(model.joint_regressor) @ vertices)[list(LIMBS_IN_COCO)]
