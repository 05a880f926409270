"""People of whom a face is all that is seen: they stand upright behind it, as far away as it is large."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from model.perception.crop_regressor import CropRegressor, CropResult

_SHOULDERS, _HIPS = [5, 6], [11, 12]


def stand_behind_face(result: CropResult, keypoints: np.ndarray, regress: CropRegressor) -> CropResult:
    """The result, its trunk parallel to the photo's plane, and where it projects onto the keypoints.

    The mesh network's people are as they look along the ray to their middle. Of a face that fills the photo that is far
    below the photo, and the ray so steep that people would lean back by 40 degrees.

    Args:
        result: of the mesh network.
        keypoints: (17, 3) COCO's: x, y in photo pixels and confidence, 0 of what is not known.
        regress: gave it.
    """
    mesh = result.mesh
    trunk = mesh.joints[_SHOULDERS].mean(axis=0) - mesh.joints[_HIPS].mean(axis=0)
    upright = np.array([math.sin(result.crop.angle), -math.cos(result.crop.angle), 0.0])
    turn = Rotation.align_vectors(upright[None], trunk[None].astype(np.float64))[0].as_matrix()
    joints = mesh.joints @ turn.T
    rays = (keypoints[:, :2] - regress.principal_point) / regress.focal_length
    # x + t_x = u (z + t_z), and likewise y: linear in where she is.
    count = len(keypoints)
    across = np.stack([np.eye(3)[:2]] * count)
    across[:, :, 2] = -rays
    off = rays * joints[:count, 2:] - joints[:count, :2]
    weight = np.repeat(keypoints[:, 2], 2)
    translation = np.linalg.lstsq(across.reshape(-1, 3) * weight[:, None], off.ravel() * weight, rcond=None)[0]
    moved = mesh._replace(
        vertices=(mesh.vertices @ turn.T).astype(np.float32),
        joints=joints.astype(np.float32),
        keypoints=keypoints.astype(np.float32),
        translation=translation.astype(np.float32),
    )
    return replace(result, mesh=moved)
