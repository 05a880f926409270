"""People of whom a face is all that is seen: they stand upright behind it, as near as its size says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.alignment import translation_to_rays
from model.perception.crop_regressor import CropRegressor, CropResult

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
    before, now = (place[:2] / place[2] for place in (mesh.translation, translation))
    scale, shift = mesh.weak_perspective[0] * mesh.translation[2], mesh.weak_perspective[1:]
    moved = mesh._replace(
        vertices=(mesh.vertices @ turn.T).astype(np.float32),
        joints=joints.astype(np.float32),
        keypoints=keypoints.astype(np.float32),
        translation=translation.astype(np.float32),
        weak_perspective=np.array([scale / translation[2], *(shift + scale * (now - before))], np.float32),
    )
    return replace(result, mesh=moved)
