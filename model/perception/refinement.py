"""People regressed again: in closer crops where a box is loose, the right way up, and without their neighbours.

Networks know upright people who fill the crop best. What refining is worth is printed by
`python -m benchmarks.refinement` and `python -m benchmarks.crowds`, and stands in docs/how-it-works.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.interfaces import Box
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import Crop, inside, nearest_inside, upright_crop
from model.perception.detection import SAME_PERSON, Detection, similarity

_UNSURE = 0.4
"""Below this confidence people may lie or stand on their heads for all the mesh network sees."""
_MUCH_SURER = 1.4
"""How much surer a turned result must be if nothing else speaks for it, and no longer unsure. In portraits little is
seen either way: a tenth of the unsure gain that much, but come to 0.3 at most, people upside down to 0.5."""
_LOOSE, _TURNED = 0.85, math.radians(10)
"""A crop is regressed again if the fitting one is smaller than this part of it, or turned against it by more than
this: in pre-training crops measure 1.1 to 1.45 times the outline, and cameras roll by some degrees."""
_AGAIN = 2
"""Crops that may follow, as long as each result is at least as sure as the one before."""
_MARGIN = 0.1
"""What is left to see about a box whose neighbours are hidden, as part of its sides: boxes may cut off a hand."""
_INSIDE, _FAINT = 0.95, 0.7
"""The result for a given box has strayed if less of its confidence lies within; another person who is seen with the
rest hidden counts from this part of it."""
GUESSED = 0.2
"""Joints whose peaks are lower were not seen by the mesh network's own 2D network."""
_SHOULDERS, _HIPS, _KNEES = (5, 6), (11, 12), (13, 14)


Neighbours = Sequence[Detection]
"""A person as she was found, or her box alone, then her neighbours; nothing if nobody else was found."""


def neighbours_of(found: Sequence[Detection]) -> list[Neighbours]:
    """What is known of each of the people in a photo before they are regressed.

    Of one who is alone, and perhaps the wrong way up, the detector may tell nonsense; of several, who is where. The
    faint are nobody's neighbours.
    """
    if not all(len(detection.keypoints) for detection in found):  # boxes that were given
        return [(own,) for own in found]
    sure = [detection for detection in found if not detection.faint]
    alone = sure[0] if len(sure) == 1 else None
    return [
        () if own is alone else (own, *(other for other in sure if other is not own and _meet(own.box, other.box)))
        for own in found
    ]


def refine(results: Sequence[CropResult], neighbours: Sequence[Neighbours], regress: CropRegressor) -> list[CropResult]:
    """The best result for each person that the first ones lead to.

    Args:
        results: of upright crops; the people have COCO's joints and lie in these crops or in a part of them.
        neighbours: of the same people.
        regress: answers to any crops of the same photo.
    """
    best = _apart(_turned(results, neighbours, regress), neighbours, regress)
    going = list(range(len(best)))
    for _ in range(_AGAIN):
        fitting = {index: crop for index in going if (crop := fitting_crop(best[index], regress))}
        going = []
        for index, result in zip(fitting, regress(list(fitting.values())), strict=True):
            strayed = strays(result, neighbours[index]) and not strays(best[index], neighbours[index])
            if result.confidence >= best[index].confidence and not strayed:
                best[index] = result
                going.append(index)
    return best


def _turned(
    results: Sequence[CropResult], neighbours: Sequence[Neighbours], regress: CropRegressor
) -> list[CropResult]:
    """Turns the crops of the unsure to where they may be upright; the surest result counts."""
    best = list(results)
    sides = {index: _sides(neighbours[index]) for index, result in enumerate(results) if result.confidence < _UNSURE}
    crops = [replace(results[index].crop, angle=side * math.pi / 2) for index in sides for side in sides[index]]
    turned = iter(regress(crops))
    for index, tried in sides.items():
        surest = max((next(turned) for _ in tried), key=lambda result: result.confidence, default=results[index])
        least = results[index].confidence
        if surest.confidence >= (least if len(tried) == 1 else max(_MUCH_SURER * least, _UNSURE)):
            best[index] = surest
    return best


def _sides(neighbours: Neighbours) -> tuple[int, ...]:
    """By how many quarters, clockwise, the person may be off the photo's upright."""
    if not neighbours or not len(neighbours[0].keypoints):
        return (1, 2, 3)
    turned = quarters(neighbours[0].keypoints)
    return (turned,) if turned else ()


def quarters(keypoints: np.ndarray) -> int:
    """By how many quarters, clockwise, the trunk of somebody's keypoints (17, 3) is turned: 0 to 3."""
    joints = keypoints[:, :2]
    x, y = joints[list(_SHOULDERS)].mean(axis=0) - joints[list(_HIPS)].mean(axis=0)
    return round(math.atan2(x, -y) / (math.pi / 2)) % 4


def _apart(results: Sequence[CropResult], neighbours: Sequence[Neighbours], regress: CropRegressor) -> list[CropResult]:
    """Regresses those again whose result has met a neighbour, with all that is not in their own box hidden."""
    best = list(results)
    met = [index for index, result in enumerate(best) if strays(result, neighbours[index])]
    crops = [replace(best[index].crop, within=wider(neighbours[index][0].box)) for index in met]
    for index, result in zip(met, regress(crops), strict=True):
        own, first = neighbours[index][0], best[index]
        if not len(own.keypoints):  # nothing tells that it strayed but that it meets another one now
            own = replace(own, keypoints=first.mesh.keypoints)
            parted = _alike(result, own) < SAME_PERSON and result.confidence >= _FAINT * first.confidence
        else:
            parted = not strays(result, neighbours[index])
        if parted:
            best[index] = result
    return best


def strays(result: CropResult, neighbours: Neighbours) -> bool:
    """Whether this result has met a neighbour instead, or nobody who was found."""
    if not neighbours:
        return False
    if not len(neighbours[0].keypoints):
        places, weights = result.mesh.keypoints[:, :2], result.mesh.keypoints[:, 2]
        return bool((weights * inside(places, wider(neighbours[0].box))).sum() < _INSIDE * weights.sum())
    own, *others = (_alike(result, detection) for detection in neighbours)
    return own < max(SAME_PERSON, *others, 0.0)


def _alike(result: CropResult, person: Detection) -> float:
    return similarity(replace(person, keypoints=result.mesh.keypoints), person)


def _meet(one: Box, other: Box) -> bool:
    return all(abs(2 * (a - b) + c - d) < c + d for a, b, c, d in zip(one, other, one[2:], other[2:], strict=False))


def wider(box: Box) -> Box:
    """What is left to see about a box whose neighbours are hidden."""
    x, y, width, height = box
    return x - _MARGIN * width, y - _MARGIN * height, (1 + 2 * _MARGIN) * width, (1 + 2 * _MARGIN) * height


def fitting_crop(result: CropResult, regress: CropRegressor) -> Crop | None:
    """The crop that fits the person, knees below shoulders, if it is another one than she was regressed in.

    It is turned no farther if neither hips nor knees were seen: they were made up.
    """
    joints = regress.project(result, result.mesh.joints)
    x, y = joints[list(_SHOULDERS)].mean(axis=0) - joints[list(_KNEES)].mean(axis=0)
    below = result.mesh.keypoints[[*_HIPS, *_KNEES], 2]
    angle = math.atan2(x, -y) if (below >= GUESSED).any() else result.crop.angle
    axes = replace(result.crop, angle=angle).axes
    outline = nearest_inside(regress.project(result, result.mesh.vertices), regress.shown) @ axes.T
    low, high = outline.min(axis=0), outline.max(axis=0)
    straight = upright_crop((*low.tolist(), *(high - low).tolist()))
    across, down = (np.array(straight.centre) @ axes).tolist()
    off = abs(math.remainder(angle - result.crop.angle, 2 * math.pi))
    if straight.side < 2 or (straight.side > _LOOSE * result.crop.side and off < _TURNED):
        return None
    return replace(result.crop, centre=(across, down), side=straight.side, angle=angle)
