"""Second looks at people: closer where a box is loose, and the right way up, since networks know upright people best.

What they are worth is printed by `python -m benchmarks.looks`, and stands in docs/how-it-works.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.network import Placed
from model.views import View, upright

_UNSURE = 0.4
"""Below this confidence people may stand on their heads for all the network sees: it looks from all four sides."""
_LOOSE, _TURNED = 0.85, math.radians(10)
"""A view is worth another look if the fitting one is smaller than this part of it, or turned against it by more than
this: in pre-training crops measure 1.1 to 1.45 times the outline, and cameras roll by some degrees."""
_AGAIN = 2
"""Looks that may follow, as long as each one is at least as sure as the one before."""
_SHOULDERS, _KNEES = (5, 6), (13, 14)


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


def look_again(looks: Sequence[Look], take: Take, focal_length: float, size: tuple[int, int]) -> list[Look]:
    """The best look at each person that the first ones lead to.

    Args:
        looks: upright ones at people with COCO's joints, which lie in these views or in a part of them.
        take: looks at any views into the same photo.
        focal_length: pixels; size: width and height of the photo in pixels.
    """
    best = list(looks)
    unsure = [index for index, look in enumerate(best) if look.confidence < _UNSURE]
    sides = [replace(best[index].view, angle=side * math.pi / 2) for index in unsure for side in (1, 2, 3)]
    turned = take(sides)
    for place, index in enumerate(unsure):
        best[index] = max([best[index], *turned[3 * place : 3 * place + 3]], key=lambda look: look.confidence)
    going = list(range(len(best)))
    for _ in range(_AGAIN):
        fitting = {index: view for index in going if (view := _fitting(best[index], focal_length, size))}
        going = []
        for index, look in zip(fitting, take(list(fitting.values())), strict=True):
            if look.confidence >= best[index].confidence:
                best[index] = look
                going.append(index)
    return best


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
    return View((across, down), straight.side, angle)
