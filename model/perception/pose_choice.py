"""Which 2D network sees each person: the one that the mesh network is served with, or BlazePose where it is sure."""

from __future__ import annotations

from collections.abc import Sequence

from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import upright_crop
from model.perception.detection import Detection
from model.perception.landmarks import lift_landmarks
from model.perception.refinement import Neighbours, refine, strays


def regress_people(
    found: Sequence[Detection], neighbours: Sequence[Neighbours], regress: CropRegressor, landmarks_from: float
) -> list[CropResult]:
    """Regresses each person, or hand, from what the better 2D network sees of her.

    A person whose joints the detector knows goes to BlazePose at once. One who is given by her box goes there once the
    mesh network has found her joints.

    Args:
        found: the people.
        neighbours: of the same people.
        regress: answers for their photo.
        landmarks_from: mean height of the joints' heatmaps from which BlazePose is believed.
    """
    results: dict[int, CropResult] = {}
    if regress.network.info.lifts:
        known = [index for index, detection in enumerate(found) if len(detection.keypoints)]
        joints = [found[index].keypoints for index in known]
        lifted = lift_landmarks(joints, [upright_crop(found[index].box) for index in known], regress, landmarks_from)
        results = _kept(known, lifted, neighbours)
    rest = [index for index in range(len(found)) if index not in results]
    results |= dict(zip(rest, _by_backbone(rest, found, neighbours, regress), strict=True))
    if regress.network.info.lifts:
        boxes = [index for index in rest if not len(found[index].keypoints)]
        joints = [results[index].mesh.keypoints for index in boxes]
        lifted = lift_landmarks(joints, [results[index].crop for index in boxes], regress, landmarks_from)
        results |= _kept(boxes, lifted, neighbours)
    return [results[index] for index in range(len(found))]


def _kept(
    indices: Sequence[int], lifted: Sequence[CropResult | None], neighbours: Sequence[Neighbours]
) -> dict[int, CropResult]:
    """Of these people those whom BlazePose was sure of, unless it saw a neighbour."""
    answers = zip(indices, lifted, strict=True)
    return {index: result for index, result in answers if result and not strays(result, neighbours[index])}


def _by_backbone(
    indices: Sequence[int], found: Sequence[Detection], neighbours: Sequence[Neighbours], regress: CropRegressor
) -> list[CropResult]:
    results = regress([found[index].crop or upright_crop(found[index].box) for index in indices])
    # The detector has led others to their crops.
    free = [place for place, index in enumerate(indices) if found[index].crop is None]
    refined = refine([results[place] for place in free], [neighbours[indices[place]] for place in free], regress)
    for place, result in zip(free, refined, strict=True):
        results[place] = result
    return results
