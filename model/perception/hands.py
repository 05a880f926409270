"""Finds the hands in a photo, or in boxes of it: where palms and arms are, then each one's joints. Numpy alone.

The landmark network wants a hand of a certain size whose fingers point upwards. A first look, guided by the palm or the
forearm, or tried at four angles, says where the joints are; each further look is at the view that these suggest, and so
is the mesh network's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from model.interfaces import Box, Landmarks
from model.perception.crops import View
from model.perception.detection import SAME_PERSON, Detection, prominence, similarity
from model.perception.limbs import Arm, Foot, arm_of, arms_of, feet_of, is_elbow, is_foot
from model.perception.palms import Find, Palm, angle_of, look_for_palms

INPUT_SIZE = 224
"""Side of the crops that the landmark network looks at, in pixels."""

_THRESHOLD = 0.5  # presence below which what was found is no hand
# Presence at a first look below which a closer one is not worth it: at a palm, and at an arm, which all but tells.
_PALM_HINT, _ARM_HINT = 0.2, 0.03
# Below this part of the photo's longer side, a hand that no arm leads to must be surer: it could be anywhere.
_SMALL, _SMALL_THRESHOLD = 0.06, 0.8
_CLOSER_LOOKS = 2
_DOUBT = 0.1  # a probability of "right" this far from 0 and 1 may be wrong
_LARGE = 0.3  # of the photo's longer side: such a hand fills it
_SAME_PLACE = 0.3  # of a hand's size: two of one side are no nearer
_BATCH = 8  # crops that go through the network at once
# MediaPipe's own rule: the square about a palm is 2.6 times its box, moved by half of it towards the fingers.
_PALM_SCALE, _PALM_SHIFT = 2.6, 0.5
# And about joints: twice the box, in the hand's axes, of those that move little, moved by a tenth towards the fingers.
_JOINTS_SCALE, _JOINTS_SHIFT = 2.0, 0.1
_STEADY_JOINTS = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
_WRIST, _MIDDLE_BASE = 0, 9
_BOX_SCALE = 1.5  # about boxes that are given
_ANGLES = (0.0, np.pi / 2, -np.pi / 2, np.pi)  # tried in boxes: nobody says how the hand lies


Look = Callable[[np.ndarray], Landmarks]
"""The landmark network: (B, 224, 224, 3) uint8 RGB to what it says, in numpy."""
People = Callable[[np.ndarray], list[Detection]]
"""Finds the people in a photo, (H, W, 3) uint8 RGB."""


class Glance(NamedTuple):
    """What a look at one view says of it."""

    points: np.ndarray
    """(21, 2) photo pixels."""
    presence: float
    right: float


def find_hands(find: Find, look: Look, image: np.ndarray, find_people: People = lambda image: []) -> list[Detection]:
    """Finds hands, the most prominent first.

    Args:
        find: the palm detector.
        look: the landmark network.
        image: (H, W, 3) uint8 RGB.
        find_people: finds the people in it: their arms lead to hands, and tell left from right; their elbows and feet
            are no hands. In a photo that a hand fills, neither they nor small hands are looked for.
    """
    longest = max(image.shape[:2])
    sure: list[Glance] = []
    arms: list[Arm] = []
    feet: list[Foot] = []
    for palms in look_for_palms(find, image):
        new = [palm for palm in palms if not any(_lies_in(palm, glance) for glance in sure)]
        for glance in _hands_in(look, image, [view_of_palm(palm) for palm in new], _PALM_HINT):
            if _size(glance) >= _SMALL * longest or glance.presence >= _SMALL_THRESHOLD:
                sure.append(glance)
        if any(_size(glance) >= _LARGE * longest for glance in sure):
            break
    else:
        people = find_people(image)
        arms, feet = arms_of(people), feet_of(people)
        known = [arm_of(glance.points, arms) for glance in sure]
        free = [arm.view for arm in arms if not any(arm is other for other in known)]
        sure += _hands_in(look, image, free, _ARM_HINT)
    sure.sort(key=lambda glance: glance.presence, reverse=True)
    hands: list[Detection] = []
    for glance in sure:
        arm = arm_of(glance.points, arms)
        hand = _hand(glance, image, arm.side if arm else None)
        other_limb = is_elbow(glance.points, arms) or is_foot(glance.points, feet, arms)
        if not other_limb and not any(_same(hand, other) for other in hands):
            hands.append(hand)
    return sorted(hands, key=prominence, reverse=True)


def hands_in_boxes(look: Look, image: np.ndarray, boxes: Sequence[Box]) -> list[Detection]:
    """The hand in each box, in their order, however unsure; the box is the caller's.

    Args:
        look: the landmark network.
        image: (H, W, 3) uint8 RGB.
        boxes: x, y, width, height in photo pixels.
    """
    views = []
    for x, y, width, height in boxes:
        side = _BOX_SCALE * max(width, height)
        views += [View((x + width / 2, y + height / 2), side, angle) for angle in _ANGLES]
    # All of them closer: in a loose box, the first look at the right angle may say less than one at a wrong angle.
    glances = _closer(look, image, look_at(look, image, views))
    each = [glances[start : start + len(_ANGLES)] for start in range(0, len(glances), len(_ANGLES))]
    best = [max(tried, key=lambda glance: glance.presence) for tried in each]
    return [replace(_hand(glance, image), box=box) for glance, box in zip(best, boxes, strict=True)]


def _hands_in(look: Look, image: np.ndarray, views: Sequence[View], hint: float) -> list[Glance]:
    """Closer looks at what may be a hand in some views, as far as it is one; `hint` is the least presence at first."""
    first = [glance for glance in look_at(look, image, views) if glance.presence >= hint]
    return [glance for glance in _closer(look, image, first) if glance.presence >= _THRESHOLD]


def _size(glance: Glance) -> float:
    return float(np.ptp(glance.points, axis=0).max())


def _lies_in(palm: Palm, glance: Glance) -> bool:
    """Whether a palm is that of a hand which is known already."""
    return bool(np.linalg.norm(glance.points.mean(axis=0) - palm.middle) < _SAME_PLACE * _size(glance))


def _closer(look: Look, image: np.ndarray, glances: Sequence[Glance]) -> list[Glance]:
    """Looks at each again, from where the look before suggests."""
    for _ in range(_CLOSER_LOOKS):
        glances = look_at(look, image, [view_of_joints(glance.points) for glance in glances])
    return list(glances)


def _hand(glance: Glance, image: np.ndarray, side: str | None = None) -> Detection:
    """A hand as a detection, in the view that the last glance suggests.

    Args:
        side: that of the arm it is on, if there is one; else it is as it looks. Where the look is doubtful and no arm
            says the same, the hand comes with its twin.
    """
    height, width = image.shape[:2]
    looks = "right" if glance.right >= 0.5 else "left"
    doubtful = _DOUBT < glance.right < 1 - _DOUBT and side != looks
    side = side or looks
    view = view_of_joints(glance.points)
    low, high = (edge.clip(0, (width, height)) for edge in (glance.points.min(axis=0), glance.points.max(axis=0)))
    (x, y), (w, h) = low.tolist(), (high - low).tolist()
    keypoints = np.column_stack([glance.points, np.full(len(glance.points), glance.presence)]).astype(np.float32)
    right = Detection((x, y, w, h), glance.presence, keypoints, view, "right")
    left = replace(right, view=view.mirror(), handedness="left")
    hand, other = (right, left) if side == "right" else (left, right)
    return replace(hand, twin=other) if doubtful else hand


def _same(one: Detection, other: Detection) -> bool:
    """Whether two detections are of one hand: their joints coincide, or they are on one side and in one place."""
    if similarity(one, other) >= SAME_PERSON:
        return True
    between = np.linalg.norm(one.keypoints[:, :2].mean(axis=0) - other.keypoints[:, :2].mean(axis=0))
    return one.handedness == other.handedness and bool(between < _SAME_PLACE * max(*one.box[2:], *other.box[2:]))


def look_at(look: Look, image: np.ndarray, views: Sequence[View]) -> list[Glance]:
    """Runs the landmark network on views, a few at a time."""
    glances = []
    for start in range(0, len(views), _BATCH):
        part = views[start : start + _BATCH]
        said = look(np.stack([view.cut(image, INPUT_SIZE) for view in part]))
        for view, points, presence, right in zip(part, *said, strict=True):
            glances.append(Glance(view.to_photo(points[:, :2], INPUT_SIZE), float(presence), float(right)))
    return glances


def view_of_palm(palm: Palm) -> View:
    """Where the landmark network should look for the hand that a palm belongs to."""
    up = np.array([np.sin(palm.angle), -np.cos(palm.angle)])
    x, y = palm.middle + _PALM_SHIFT * palm.size * up
    return View((float(x), float(y)), _PALM_SCALE * palm.size, palm.angle)


def view_of_joints(points: np.ndarray) -> View:
    """Where to look at a hand whose joints (21, 2) are known roughly, in photo pixels."""
    angle = angle_of(points[_WRIST], points[_MIDDLE_BASE])
    axes = View((0.0, 0.0), 1.0, angle).axes
    turned = points[_STEADY_JOINTS] @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    size = max(float((high - low).max()), 1.0)
    x, y = ((low + high) / 2 - (0, _JOINTS_SHIFT * size)) @ axes
    return View((float(x), float(y)), _JOINTS_SCALE * size, angle)
