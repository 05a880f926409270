"""Who is seen by her face alone stands upright behind it, where it projects onto what was seen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.interfaces import CameraSpaceMeshes
from model.perception.close_ups import stand_behind_face
from model.perception.crop_regressor import CropResult
from model.perception.crops import Crop

CAMERA: Any = SimpleNamespace(focal_length=400.0, principal_point=(200.0, 150.0))


@pytest.mark.parametrize("angle", [0.0, np.pi / 2])
def test_a_body_that_leans_back_stands_upright_where_its_face_is(angle: float) -> None:
    upright = np.random.default_rng(0).normal(0, 0.1, (17, 3))
    upright[:5, 1], upright[[5, 6]] = -0.7, [(0.2, -0.5, 0), (-0.2, -0.5, 0)]
    upright[[11, 12]] = [(0.1, 0, 0), (-0.1, 0, 0)]
    upright = Rotation.from_euler("z", angle).apply(upright)
    place = Rotation.from_euler("z", angle).apply([0.02, 0.6, 0.4])
    before = upright + place
    keypoints = np.column_stack([400 * before[:, :2] / before[:, 2:] + (200, 150), np.full(17, 0.9)])
    keypoints[7:] = 0
    lean = Rotation.from_rotvec(Rotation.from_euler("z", angle).apply([0.7, 0, 0]))
    mesh = CameraSpaceMeshes(
        lean.apply(upright[:9]),
        lean.apply(upright),
        np.zeros((17, 3)),
        np.array([0, 0.2, 0.5]),
        np.array([5, 0.1, -0.4]),
    )
    stands = stand_behind_face(CropResult(Crop((200.0, 150.0), 300.0, angle), mesh), keypoints, CAMERA).mesh
    assert stands.joints == pytest.approx(upright, abs=1e-5)
    assert stands.vertices == pytest.approx(upright[:9], abs=1e-5)
    assert stands.translation == pytest.approx(place, abs=1e-4)
    in_crop = (400 * before[:, :2] / before[:, 2:]) / 150  # the crop's middle is the photo's
    design = np.column_stack([upright[:, :2].ravel(), np.tile(np.eye(2), (17, 1))])
    weak = np.linalg.lstsq(design, in_crop.ravel(), rcond=None)[0]
    assert stands.weak_perspective == pytest.approx(weak, abs=1e-3)
    assert stands.keypoints == pytest.approx(keypoints, abs=1e-3)
    keypoints[:, :2] = (400, 300) - keypoints[:, :2]  # upside down: behind the camera
    result = CropResult(Crop((200.0, 150.0), 300.0, angle), mesh)
    assert stand_behind_face(result, keypoints, CAMERA) is result
