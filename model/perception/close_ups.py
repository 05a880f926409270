"""People of whom a face is all that is seen: they stand upright behind it, as near as its size says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.alignment import translation_to_rays
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import Crop

_SHOULDERS, _HIPS = [5, 6], [11, 12]


def stand_behind_face(result: CropResult, keypoints: np.ndarray, regress: CropRegressor) -> CropResult:
    """The result, its trunk parallel to the photo's plane, and where it projects onto the keypoints.

    The mesh network turns people by the ray to their middle. Of a face that fills the photo that is far below it, and
    the ray so steep that they would lean back by 40 degrees.

    Args:
        result: of the mesh network.
        keypoints: (17, 3) COCO's: x, y in photo pixels and confidence, 0 of what is not known.
        regress: gave it.

    Returns:
        The result as it was if upright people can be seen so by no camera.
    """
    mesh = result.mesh
    trunk = mesh.joints[_SHOULDERS].mean(axis=0) - mesh.joints[_HIPS].mean(axis=0)
    upright = np.array([math.sin(result.crop.angle), -math.cos(result.crop.angle), 0.0])
    turn = Rotation.align_vectors(upright[None], trunk[None].astype(np.float64))[0].as_matrix()
    joints = mesh.joints @ turn.T
    rays = (keypoints[:, :2] - regress.principal_point) / regress.focal_length
    translation = translation_to_rays(joints[: len(keypoints)], rays, keypoints[:, 2])
    if translation[2] <= 0:
        return result
    moved = mesh._replace(
        vertices=(mesh.vertices @ turn.T).astype(np.float32),
        joints=joints.astype(np.float32),
        keypoints=keypoints.astype(np.float32),
        translation=translation.astype(np.float32),
        weak_perspective=_weak_perspective(joints, translation, result.crop, regress),
    )
    return replace(result, mesh=moved)


def _weak_perspective(joints: np.ndarray, translation: np.ndarray, crop: Crop, regress: CropRegressor) -> np.ndarray:
    """(3,) float32 s, tx, ty that project joints (K, 3) nearest to where they are in an upright crop of that place."""
    placed = joints + translation
    pixels = regress.focal_length * placed[:, :2] / placed[:, 2:].clip(0.1) + regress.principal_point
    seen = 2 * (pixels - crop.centre) / crop.side
    middle = joints[:, :2].mean(axis=0)
    off = joints[:, :2] - middle
    scale = (off * seen).sum() / max(float(np.square(off).sum()), 1e-9)
    return np.array([scale, *(seen.mean(axis=0) - scale * middle)], np.float32)
