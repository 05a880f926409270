"""Who is seen in part is lifted again without what was guessed; nobody else is."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from model.interfaces import CameraSpaceMeshes
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import Crop
from model.perception.detection import Detection
from model.perception.unseen import lift_seen

SIZE, FOCAL = 200, 300.0
BOX = Detection((0.0, 0.0, 200.0, 200.0), 1.0, np.zeros((0, 3)))
"""Who is given by her box, of whom no detector tells joints."""


class Lifter:
    """Answers with the keypoints that it got."""

    info = SimpleNamespace(lifts=True)

    def lift(self, keypoints: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        self.keypoints, self.crops = keypoints, crops
        count = len(keypoints)
        return CameraSpaceMeshes(
            np.zeros((count, 5, 3)),
            np.zeros((count, 17, 3)),
            keypoints[:, :17],
            np.ones((count, 3)),
            np.ones((count, 3)),
        )


def result(peaks: dict[int, float]) -> CropResult:
    """Somebody with joints at (100, 10), (100, 20), ... and these peaks, others 0.8."""
    keypoints = np.column_stack([np.full(17, 100.0), 10.0 * np.arange(1, 18), np.full(17, 0.8)])
    for joint, peak in peaks.items():
        keypoints[joint, 2] = peak
    mesh = CameraSpaceMeshes(np.ones((5, 3)), np.ones((17, 3)), keypoints, np.ones(3), np.ones(3))
    return CropResult(Crop((100.0, 100.0), 200.0), mesh)


@pytest.fixture
def regress() -> CropRegressor:
    return CropRegressor(Lifter(), np.zeros((SIZE, SIZE, 3), np.uint8), FOCAL)  # type: ignore[arg-type]


def test_legs_alone_are_lifted_without_what_was_guessed(regress: CropRegressor) -> None:
    legs = result(dict.fromkeys(range(11), 0.1) | {9: 0.5})  # a wrist before the hips was seen
    whole = result({})
    kept, lifted = lift_seen([whole, legs], [BOX, BOX], regress)
    assert kept is whole
    heights = lifted.mesh.keypoints[:, 2]
    np.testing.assert_allclose(heights[9:], [0.5, 0, *[0.8] * 6], atol=1e-6)
    assert (heights[:9] == 0).all()
    assert (regress.network.keypoints[0, 17:] == 0).all()  # type: ignore[attr-defined]
    x, y, _ = regress.network.crops[0]  # type: ignore[attr-defined]
    assert (x, y) == pytest.approx((100, 135))  # the middle of y 100, the wrist, to 170, the ankle


def test_too_few_joints_stay_as_they_are(regress: CropRegressor) -> None:
    person = result(dict.fromkeys(range(14), 0.1))
    assert lift_seen([person], [BOX], regress)[0] is person
    assert lift_seen([], [], regress) == []


@pytest.mark.parametrize(("x", "peak", "seen"), [(3.0, 0.3, False), (3.0, 0.5, True), (30.0, 0.3, True)])
def test_at_the_photos_edge_guesses_have_higher_peaks(
    regress: CropRegressor, x: float, peak: float, seen: bool
) -> None:
    person = result({5: peak})
    person.mesh.keypoints[5, 0] = x
    (after,) = lift_seen([person], [BOX], regress)
    assert after.mesh.keypoints[5, 2] == pytest.approx(peak if seen else 0)
