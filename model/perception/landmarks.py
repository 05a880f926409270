"""People as BlazePose sees them: where it is sure, its landmarks are lifted in place of MoveNet's heatmaps.

It is surer and finer than MoveNet where it sees a whole person, upright and half as large as its crop, and worse where
people are cut off or hidden; the height of its heatmaps tells which. What choosing is worth is printed by
`python -m training.evaluate --seen-by both landmarks`, and stands in docs/how-it-works.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from model.interfaces import LANDMARKS, PoseLandmarks
from model.joints import BLAZEPOSE_COCO
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import Crop
from model.perception.refinement import fitting_crop

SURE = 0.7
"""Mean height of the joints' heatmaps from which its landmarks are believed."""
_SIZE = 256  # pixels on a side of its crops
_SEEN = 0.2  # confidence from which a joint tells where to crop
_REACH = 1.1  # radius of the circle about a person's hips that holds her all, by that of the joints'
_SIDE = 2.5  # of its crops by that radius, as it was trained
_SHOULDERS, _HIPS = [5, 6], [11, 12]


def landmark_crop(keypoints: np.ndarray) -> Crop | None:
    """The crop in which BlazePose sees a person best: about her hips, her trunk upright.

    Args:
        keypoints: (17, 3) COCO's joints as some other network saw them: x, y in photo pixels and confidence.

    Returns:
        None if no hip or no shoulder was seen.
    """
    seen = keypoints[:, 2] >= _SEEN
    if not seen[_HIPS].any() or not seen[_SHOULDERS].any():
        return None
    centre, shoulders = (keypoints[joints][seen[joints], :2].mean(axis=0) for joints in (_HIPS, _SHOULDERS))
    side = _SIDE * _REACH * float(np.linalg.norm(keypoints[seen, :2] - centre, axis=1).max())
    x, y = (shoulders - centre).tolist()
    return Crop((float(centre[0]), float(centre[1])), side, math.atan2(x, -y)) if side >= 2 else None


def lift_landmarks(
    people: Sequence[np.ndarray], crops: Sequence[Crop], regress: CropRegressor, sure: float = SURE
) -> list[CropResult | None]:
    """Regresses people from BlazePose's landmarks.

    Args:
        people: (17, 3) joints of each, roughly; see `landmark_crop`.
        crops: where each one lies, roughly, for the mesh network.
        regress: answers for the photo.
        sure: least mean height of the joints' heatmaps.

    Returns:
        For each of them the result in the crop that fits her; None where BlazePose is not sure.
    """
    closest = {index: crop for index, joints in enumerate(people) if (crop := landmark_crop(joints)) is not None}
    joints = dict(zip(closest, _joints(list(closest.values()), regress), strict=True))
    joints = {index: points for index, points in joints.items() if points[:, 2].mean() >= sure}
    results = dict(zip(joints, regress.lift(list(joints.values()), [crops[index] for index in joints]), strict=True))
    fitting = {index: crop for index, result in results.items() if (crop := fitting_crop(result, regress)) is not None}
    refined = regress.lift([joints[index] for index in fitting], list(fitting.values()))
    results |= dict(zip(fitting, refined, strict=True))
    return [results.get(index) for index in range(len(people))]


def _joints(crops: Sequence[Crop], regress: CropRegressor) -> list[np.ndarray]:
    """COCO's joints in each crop (17, 3): x, y in photo pixels and the heatmap's height."""
    if not crops:
        return []
    pixels = np.stack([crop.cut(regress.image, _SIZE) for crop in crops])
    out = PoseLandmarks(*regress.network.detect(LANDMARKS, pixels))
    coco = list(BLAZEPOSE_COCO)
    return [
        np.column_stack([crop.to_photo(points[coco], _SIZE), peaks[coco]])
        for crop, points, peaks in zip(crops, out.points, out.peaks, strict=True)
    ]
