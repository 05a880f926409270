"""People of whom the mesh network's 2D network sees a part: what it guesses of the rest counts no longer.

MoveNet puts what lies outside of the photo at its edge, with low peaks: shoulders of who is seen from the waist down
just above the hips, which bends her over. The mesh network has learned what is usual where peaks are missing, so people
are lifted again from the joints that were seen. Where the detector, which sees the whole photo, is surer of somebody
than that network is in her crop, as often of one among others, these are the detector's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from model.joints import COCO_JOINTS
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import inside, nearest_inside
from model.perception.detection import Detection, mean_confidence
from model.perception.landmarks import LIFTED, MARGIN, crop_about
from model.perception.refinement import GUESSED, quarters

_GUESSED_AT_EDGE = 0.4  # peaks that are lower are guesses, too, at the photo's edge
_FEWEST = 4  # joints that are seen, from which people are lifted


def lift_seen(results: Sequence[CropResult], found: Sequence[Detection], regress: CropRegressor) -> list[CropResult]:
    """The results, those with guessed joints regressed again without these, and from the detector's where it is surer.

    Args:
        results: of the mesh network's own 2D network, COCO's joints.
        found: the same people as they were detected.
        regress: answers for the photo, of a network that lifts.
    """
    best = list(results)
    crops, keypoints = {}, []
    for index, (result, detection) in enumerate(zip(results, found, strict=True)):
        joints, angle = result.mesh.keypoints, result.crop.angle
        detected = len(detection.keypoints) > 0 and mean_confidence(detection.keypoints) > result.confidence
        if detected:
            joints, angle = detection.keypoints, quarters(detection.keypoints) * math.pi / 2
        seen = _seen(joints, regress)
        if (seen.all() and not detected) or seen.sum() < _FEWEST:
            continue
        crop = crop_about(joints[seen], angle, regress.shown)
        if crop is None:
            continue
        points = np.zeros((len(LIFTED), 3))
        points[: len(COCO_JOINTS)] = joints
        points[: len(COCO_JOINTS), 2] *= seen
        crops[index] = crop
        keypoints.append(points)
    for index, result in zip(crops, regress.lift(keypoints, list(crops.values())), strict=True):
        best[index] = result
    return best


def _seen(keypoints: np.ndarray, regress: CropRegressor) -> np.ndarray:
    """(17,) bool: which of the keypoints (17, 3) are no guesses."""
    seen: np.ndarray = keypoints[:, 2] >= GUESSED
    if not seen.any():
        return seen
    x, y, width, height = regress.shown
    near = MARGIN * np.ptp(nearest_inside(keypoints[seen], regress.shown), axis=0).max()
    at_edge = ~inside(keypoints[:, :2], (x + near, y + near, width - 2 * near, height - 2 * near))
    return seen & ~(at_edge & (keypoints[:, 2] < _GUESSED_AT_EDGE))
