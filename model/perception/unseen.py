"""People of whom the mesh network's 2D network sees a part: what it guesses of the rest counts no longer.

MoveNet puts what lies outside of the photo at its edge, with low peaks: shoulders of who is seen from the waist down
just above the hips, which bends her over. The mesh network has learned what is usual where peaks are missing, so people
are lifted again from the joints that were seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.interfaces import CROP_SCALE
from model.joints import COCO_JOINTS
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import Crop
from model.perception.landmarks import LIFTED

_GUESSED = 0.2  # peaks that are lower are guesses
_FEWEST = 4  # joints that are seen, from which people are lifted
_MARGIN = 0.04  # how far a body reaches beyond its joints on each side, by their extent


def lift_seen(results: Sequence[CropResult], regress: CropRegressor) -> list[CropResult]:
    """The results, those with guessed joints regressed again without these.

    Args:
        results: of the mesh network's own 2D network, COCO's joints.
        regress: answers for the photo, of a network that lifts.
    """
    best = list(results)
    crops = {index: crop for index, result in enumerate(results) if (crop := _seen_crop(result, regress))}
    keypoints = []
    for index in crops:
        points = np.zeros((len(LIFTED), 3))
        points[: len(COCO_JOINTS)] = results[index].mesh.keypoints
        points[points[:, 2] < _GUESSED, 2] = 0
        keypoints.append(points)
    for index, result in zip(crops, regress.lift(keypoints, list(crops.values())), strict=True):
        best[index] = result
    return best


def _seen_crop(result: CropResult, regress: CropRegressor) -> Crop | None:
    """The crop about what the photo shows of joints that were seen, as upright as before; None of all other people."""
    points = result.mesh.keypoints
    seen = points[:, 2] >= _GUESSED
    if seen.all() or seen.sum() < _FEWEST:
        return None
    height, width = regress.image.shape[:2]
    axes = result.crop.axes
    outline = points[seen, :2].clip(0, (width, height)) @ axes.T
    low, high = outline.min(axis=0), outline.max(axis=0)
    x, y = ((low + high) / 2 @ axes).tolist()
    side = CROP_SCALE * (1 + 2 * _MARGIN) * float((high - low).max())
    return Crop((x, y), side, result.crop.angle) if side >= 2 else None
