"""Which 2D network sees each person: the one that the mesh network is served with, or BlazePose where it is sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from model.interfaces import Box
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import inside, upright_crop
from model.perception.detection import Detection
from model.perception.landmarks import BOXED, CROWDED, DOUBTED, MARGIN, lift_landmarks
from model.perception.panels import panel_of
from model.perception.refinement import Neighbours, refine, strays, wider
from model.perception.unseen import lift_seen


class Belief(NamedTuple):
    """How far BlazePose is believed in a photo, by the mean height of its joints' heatmaps."""

    sure: float
    """From this height on."""
    doubted: float = DOUBTED
    """Below this height people are seen twice; see `lift_landmarks`."""
    boxed: float = math.inf
    """From this height on where it looks again at who is left, about her box."""


def belief_in(sure: float, count: int, few: int, crowd: int) -> Belief:
    """How far it is believed in a photo of so many people.

    Args:
        sure: the least height; above 1 it is never believed.
        count: of the people.
        few: up to so many are all seen twice, and those whom it is not sure of about their boxes.
        crowd: from so many on nobody is, and it is believed sooner.
    """
    if count <= few:
        return Belief(sure, math.inf, min(sure, BOXED) if sure <= 1 else sure)
    return Belief(min(sure, CROWDED), 0.0) if count >= crowd and sure <= 1 else Belief(sure)


def regress_people(
    found: Sequence[Detection],
    neighbours: Sequence[Neighbours],
    regress: CropRegressor,
    belief: Belief,
) -> list[CropResult]:
    """Regresses each person, or hand, from what the better 2D network sees of her.

    A person whose joints the detector knows goes to BlazePose at once, one who is given by her box once the mesh
    network has found her joints. Of whom BlazePose is not sure, as of people seen from steeply above, whose joints the
    detector tells badly, it looks again about her box. Of who is still left, or where it sees a neighbour, the mesh
    network's own answer is refined, and regressed without the joints that it guessed.

    Args:
        found: the people.
        neighbours: of the same people.
        regress: answers for their photo.
        belief: in BlazePose.
    """
    if regress.panels:
        return _regress_in_panels(found, neighbours, regress, belief)
    crops = [detection.crop or upright_crop(detection.box) for detection in found]
    results: dict[int, CropResult] = {}

    def lift(joints: dict[int, np.ndarray], alone: bool = False, boxed: bool = False) -> None:
        """Keeps the answers to those of whom BlazePose is sure; joints by the indices of people."""
        if not joints or not regress.network.info.lifts:
            return
        boxes = [wider(found[index].box) if alone else None for index in joints]
        about = [found[index].box for index in joints] if boxed else None
        sure = belief.boxed if boxed else belief.sure
        lifted = lift_landmarks(list(joints.values()), regress, sure, belief.doubted, boxes, about)
        answers = zip(joints, lifted, strict=True)
        results.update({i: result for i, result in answers if result and not strays(result, neighbours[i])})
        if not alone and not boxed:  # a neighbour draws it to herself: it looks again where it sees none
            lift({i: each for i, each in joints.items() if i not in results and len(neighbours[i]) > 1}, alone=True)

    lift({index: detection.keypoints for index, detection in enumerate(found) if len(detection.keypoints)})
    rest = [index for index in range(len(found)) if index not in results]
    own = dict(zip(rest, regress([crops[index] for index in rest]), strict=True))
    lift({index: result.mesh.keypoints for index, result in own.items() if not len(found[index].keypoints)})
    if belief.boxed <= 1:
        left = [i for i in own if i not in results and found[i].crop is None and _is_whole(found[i], regress.shown)]
        lift({i: found[i].keypoints if len(found[i].keypoints) else own[i].mesh.keypoints for i in left}, boxed=True)
    # The detector has led hands to their crops.
    loose = [index for index in own if index not in results and found[index].crop is None]
    refined = refine([own[index] for index in loose], [neighbours[index] for index in loose], regress)
    if regress.network.info.lifts:
        refined = lift_seen(refined, [found[index] for index in loose], regress)
    own |= dict(zip(loose, refined, strict=True))
    return [results.get(index) or own[index] for index in range(len(found))]


def _is_whole(person: Detection, shown: Box) -> bool:
    """Whether somebody is surely there and no edge of what is shown cuts her: of others MoveNet sees more."""
    x, y, width, height = person.box
    near = MARGIN * max(width, height)
    corners = np.array([(x - near, y - near), (x + width + near, y + height + near)])
    return not person.faint and bool(inside(corners, shown).all())


def _regress_in_panels(
    found: Sequence[Detection], neighbours: Sequence[Neighbours], regress: CropRegressor, belief: Belief
) -> list[CropResult]:
    """The same of people in a collage: of who is in one panel nothing is in another."""
    whose: dict[Box | None, list[int]] = {}
    for index, detection in enumerate(found):
        whose.setdefault(panel_of(detection.box, regress.panels), []).append(index)
    results: dict[int, CropResult] = {}
    for panel, members in whose.items():
        there = [found[index] if panel is None else _only_in(found[index], panel) for index in members]
        near = [neighbours[index] for index in members]
        results |= zip(members, regress_people(there, near, regress.within(panel), belief), strict=True)
    return [results[index] for index in range(len(found))]


def _only_in(person: Detection, panel: Box) -> Detection:
    """The person without joints beyond the panel."""
    if not len(person.keypoints):
        return person
    keypoints = person.keypoints.copy()
    keypoints[~inside(keypoints[:, :2], panel), 2] = 0
    return replace(person, keypoints=keypoints)
