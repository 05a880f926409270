"""Second looks at people: closer where a box is loose, the right way up, and past their neighbours.

Networks know upright people who fill the view best. What the looks are worth is printed by `python -m benchmarks.looks`
and `python -m benchmarks.crowds`, and stands in docs/how-it-works.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.interfaces import Box, Placed
from model.perception.crops import View, inside, upright
from model.perception.detection import SAME_PERSON, Detection, similarity

_UNSURE = 0.4
"""Below this confidence people may lie or stand on their heads for all the mesh network sees."""
_GUESSED = 1.4
"""How much surer a turned look must be if nothing else speaks for it. In portraits little is seen either way: a tenth
of the unsure gain that much, and 19 of 20 people who do lie or stand on their heads."""
_LOOSE, _TURNED = 0.85, math.radians(10)
"""A view is worth another look if the fitting one is smaller than this part of it, or turned against it by more than
this: in pre-training crops measure 1.1 to 1.45 times the outline, and cameras roll by some degrees."""
_AGAIN = 2
"""Looks that may follow, as long as each one is at least as sure as the one before."""
_MARGIN = 0.1
"""What is left to see about a box whose neighbours are hidden, as part of its sides: boxes may cut off a hand."""
_INSIDE, _FAINT = 0.95, 0.7
"""A look at a given box has strayed if less of its confidence lies within; another person who is seen with the rest
hidden counts from this part of it."""
_SHOULDERS, _HIPS, _KNEES = (5, 6), (11, 12), (13, 14)


@dataclass(frozen=True)
class Look:
    """What the mesh network answers to one view of a person."""

    view: View
    placed: Placed
    """Before the camera of the photo, as it is upright."""

    @property
    def confidence(self) -> float:
        """Mean height of the heatmaps' peaks."""
        return float(self.placed.keypoints[:, 2].mean())


Take = Callable[[Sequence[View]], list[Look]]


Known = Sequence[Detection]
"""A person as she was found, or her box alone, then her neighbours; nothing if nobody else was found."""


def known_of(found: Sequence[Detection]) -> list[Known]:
    """What is known of each of the people in a photo before they are looked at.

    Of one who is alone, and perhaps the wrong way up, the detector may tell nonsense; of several, who is where.
    """
    if not all(len(detection.keypoints) for detection in found):  # boxes that were given
        return [(own,) for own in found]
    if len(found) == 1:
        return [()]
    return [(own, *(other for other in found if other is not own and _meet(own.box, other.box))) for own in found]


def look_again(
    looks: Sequence[Look], known: Sequence[Known], take: Take, focal_length: float, size: tuple[int, int]
) -> list[Look]:
    """The best look at each person that the first ones lead to.

    Args:
        looks: upright ones at people with COCO's joints, which lie in these views or in a part of them.
        known: of the same people.
        take: looks at any views into the same photo.
        focal_length: pixels; size: width and height of the photo in pixels.
    """
    best = _apart(_turned(looks, known, take), known, take)
    going = list(range(len(best)))
    for _ in range(_AGAIN):
        fitting = {index: view for index in going if (view := _fitting(best[index], focal_length, size))}
        going = []
        for index, look in zip(fitting, take(list(fitting.values())), strict=True):
            strayed = _strays(look, known[index]) and not _strays(best[index], known[index])
            if look.confidence >= best[index].confidence and not strayed:
                best[index] = look
                going.append(index)
    return best


def _turned(looks: Sequence[Look], known: Sequence[Known], take: Take) -> list[Look]:
    """Turns the views of the unsure to where they may be upright; the surest look counts."""
    best = list(looks)
    sides = {index: _sides(known[index]) for index, look in enumerate(looks) if look.confidence < _UNSURE}
    views = [replace(looks[index].view, angle=side * math.pi / 2) for index in sides for side in sides[index]]
    turned = iter(take(views))
    for index, tried in sides.items():
        surest = max((next(turned) for _ in tried), key=lambda look: look.confidence, default=looks[index])
        if surest.confidence >= looks[index].confidence * (1 if len(tried) == 1 else _GUESSED):
            best[index] = surest
    return best


def _sides(known: Known) -> tuple[int, ...]:
    """By how many quarters, clockwise, the person may be off the photo's upright."""
    if not known or not len(known[0].keypoints):
        return (1, 2, 3)
    joints = known[0].keypoints[:, :2]
    x, y = joints[list(_SHOULDERS)].mean(axis=0) - joints[list(_HIPS)].mean(axis=0)
    quarters = round(math.atan2(x, -y) / (math.pi / 2)) % 4
    return (quarters,) if quarters else ()


def _apart(looks: Sequence[Look], known: Sequence[Known], take: Take) -> list[Look]:
    """Looks once more at those whose look has met a neighbour, with all that is not in their own box hidden."""
    best = list(looks)
    strays = [index for index, look in enumerate(best) if _strays(look, known[index])]
    views = [replace(best[index].view, within=_wider(known[index][0].box)) for index in strays]
    for index, look in zip(strays, take(views), strict=True):
        own, first = known[index][0], best[index]
        if not len(own.keypoints):  # nothing tells that it strayed but that it meets another one now
            own = replace(own, keypoints=first.placed.keypoints)
            parted = _alike(look, own) < SAME_PERSON and look.confidence >= _FAINT * first.confidence
        else:
            parted = not _strays(look, known[index])
        if parted:
            best[index] = look
    return best


def _strays(look: Look, known: Known) -> bool:
    """Whether this look has met a neighbour instead, or nobody who was found."""
    if not known:
        return False
    if not len(known[0].keypoints):
        places, weights = look.placed.keypoints[:, :2], look.placed.keypoints[:, 2]
        return bool((weights * inside(places, _wider(known[0].box))).sum() < _INSIDE * weights.sum())
    own, *others = (_alike(look, detection) for detection in known)
    return own < max(SAME_PERSON, *others, 0.0)


def _alike(look: Look, person: Detection) -> float:
    return similarity(replace(person, keypoints=look.placed.keypoints), person)


def _meet(one: Box, other: Box) -> bool:
    return all(abs(2 * (a - b) + c - d) < c + d for a, b, c, d in zip(one, other, one[2:], other[2:], strict=False))


def _wider(box: Box) -> Box:
    x, y, width, height = box
    return x - _MARGIN * width, y - _MARGIN * height, (1 + 2 * _MARGIN) * width, (1 + 2 * _MARGIN) * height


def _fitting(look: Look, focal_length: float, size: tuple[int, int]) -> View | None:
    """The view that fits the person, knees below shoulders, if it is another one than she was seen in."""
    placed, centre = look.placed, np.array(size, np.float32) / 2

    def project(points: np.ndarray) -> np.ndarray:
        before = points + placed.translation
        pixels: np.ndarray = focal_length * before[:, :2] / before[:, 2:].clip(0.01) + centre
        return pixels

    joints = project(placed.joints)
    x, y = joints[list(_SHOULDERS)].mean(axis=0) - joints[list(_KNEES)].mean(axis=0)
    angle = math.atan2(x, -y)
    axes = replace(look.view, angle=angle).axes
    outline = project(placed.vertices).clip(0, size) @ axes.T
    low, high = outline.min(axis=0), outline.max(axis=0)
    straight = upright((*low.tolist(), *(high - low).tolist()))
    across, down = (np.array(straight.centre) @ axes).tolist()
    off = abs(math.remainder(angle - look.view.angle, 2 * math.pi))
    if straight.side < 2 or (straight.side > _LOOSE * look.view.side and off < _TURNED):
        return None
    return replace(look.view, centre=(across, down), side=straight.side, angle=angle)
