"""Finds the hands in a photo, or in boxes of it: where palms and arms are, then each one's joints. Numpy alone.

The landmark network was trained on hands of a certain size whose fingers point upwards. A first crop, guided by the
palm or the forearm, or tried at four angles, says where the joints are; each further crop is the one that they suggest,
and so is the mesh network's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from model.interfaces import Box, Landmarks
from model.perception.crops import Crop
from model.perception.detection import SAME_PERSON, Detection, prominence, similarity
from model.perception.limbs import Arm, Foot, arm_of, arms_of, feet_of, is_elbow, is_foot
from model.perception.palms import Palm, PalmDetector, angle_of, detect_palms

INPUT_SIZE = 224
"""Side of the landmark network's crops, in pixels."""

_THRESHOLD = 0.5  # presence below which what was found is no hand
# Presence in the first crop below which it is not refined: at a palm, and at an arm, which all but tells.
_PALM_HINT, _ARM_HINT = 0.2, 0.03
# A hand that no arm leads to must be surer: it could be anywhere. Where nobody is there whose arms could, only one that
# is smaller than this part of the photo's longer side must.
_ARMLESS_THRESHOLD, _SMALL = 0.8, 0.06
_REFINEMENTS = 2  # crops after the first, each by the joints in the one before
_DOUBT = 0.1  # a probability of "right" this far from 0 and 1 may be wrong
_LARGE = 0.3  # of the photo's longer side: such a hand fills it
_SAME_SPOT = 0.3  # of a hand's size: two of one side are no nearer
_BATCH = 8  # crops that go through the network at once
# MediaPipe's own rule: the square about a palm is 2.6 times its box, moved by half of it towards the fingers.
_PALM_SCALE, _PALM_SHIFT = 2.6, 0.5
# And about joints: twice the box, in the hand's axes, of those that move little, moved by a tenth towards the fingers.
_JOINTS_SCALE, _JOINTS_SHIFT = 2.0, 0.1
_STEADY_JOINTS = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
# The network's z is on a smaller scale than its x: on 113 renders palms are turned wrongly by 31 degrees in the mean if
# it is taken as it is, by 20 if it is so many times as much.
_DEPTHS = 2.5
_WRIST, _MIDDLE_BASE = 0, 9
_BOX_SCALE = 1.5  # about boxes that are given
_ANGLES = (0.0, np.pi / 2, -np.pi / 2, np.pi)  # tried in boxes: nobody says how the hand lies


Landmarker = Callable[[np.ndarray], Landmarks]
"""The landmark network: (B, 224, 224, 3) uint8 RGB to what it says, in numpy."""
PeopleFinder = Callable[[np.ndarray], list[Detection]]
"""Finds the people in a photo, (H, W, 3) uint8 RGB."""


class SeenHand(NamedTuple):
    """What the landmark network says of one crop."""

    points: np.ndarray
    """(21, 2) photo pixels."""
    presence: float
    right: float
    depths: np.ndarray
    """(21,) how much farther than the wrist, in photo pixels at the hand's distance."""


def detect_hands(
    palm_detector: PalmDetector,
    landmarker: Landmarker,
    image: np.ndarray,
    detect_people: PeopleFinder = lambda image: [],
) -> list[Detection]:
    """Finds hands, the most prominent first.

    Args:
        palm_detector: finds palms.
        landmarker: the landmark network.
        image: (H, W, 3) uint8 RGB.
        detect_people: finds the people in it: their arms lead to hands, and tell left from right; their elbows and feet
            are no hands. In a photo that a hand fills, neither they nor small hands are detected.
    """
    longest = max(image.shape[:2])
    sure: list[SeenHand] = []
    arms: list[Arm] = []
    feet: list[Foot] = []
    people: list[Detection] = []
    for palms in detect_palms(palm_detector, image):
        new = [palm for palm in palms if not any(_lies_in(palm, seen) for seen in sure)]
        for seen in _hands_in(landmarker, image, [crop_of_palm(palm) for palm in new], _PALM_HINT):
            if _size(seen) >= _SMALL * longest or seen.presence >= _ARMLESS_THRESHOLD:
                sure.append(seen)
        if any(_size(seen) >= _LARGE * longest for seen in sure):
            break
    else:
        people = detect_people(image)
        arms, feet = arms_of(people), feet_of(people)
        known = [arm_of(seen.points, arms) for seen in sure]
        free = [arm.crop for arm in arms if not any(arm is other for other in known)]
        sure += _hands_in(landmarker, image, free, _ARM_HINT)
    sure.sort(key=lambda seen: seen.presence, reverse=True)
    hands: list[Detection] = []
    for seen in sure:
        arm = arm_of(seen.points, arms)
        if people and arm is None and seen.presence < _ARMLESS_THRESHOLD:
            continue
        hand = _hand(seen, image, arm.side if arm else None)
        other_limb = is_elbow(seen.points, arms) or is_foot(seen.points, feet, arms)
        if not other_limb and not any(_same(hand, other) for other in hands):
            hands.append(hand)
    return sorted(hands, key=prominence, reverse=True)


def hands_in_boxes(landmarker: Landmarker, image: np.ndarray, boxes: Sequence[Box]) -> list[Detection]:
    """The hand in each box, in their order, however unsure; the box is the caller's.

    Args:
        landmarker: the landmark network.
        image: (H, W, 3) uint8 RGB.
        boxes: x, y, width, height in photo pixels.
    """
    crops = []
    for x, y, width, height in boxes:
        side = _BOX_SCALE * max(width, height)
        crops += [Crop((x + width / 2, y + height / 2), side, angle) for angle in _ANGLES]
    # All of them are refined: in a loose box, the right angle may at first say less than a wrong one.
    hands_seen = _refined(landmarker, image, detect_landmarks(landmarker, image, crops))
    each = [hands_seen[start : start + len(_ANGLES)] for start in range(0, len(hands_seen), len(_ANGLES))]
    best = [max(tried, key=lambda seen: seen.presence) for tried in each]
    return [replace(_hand(seen, image), box=box) for seen, box in zip(best, boxes, strict=True)]


def _hands_in(landmarker: Landmarker, image: np.ndarray, crops: Sequence[Crop], hint: float) -> list[SeenHand]:
    """The hands in some crops, refined; `hint` is the least presence in the first crop."""
    first = [seen for seen in detect_landmarks(landmarker, image, crops) if seen.presence >= hint]
    return [seen for seen in _refined(landmarker, image, first) if seen.presence >= _THRESHOLD]


def _size(seen: SeenHand) -> float:
    return float(np.ptp(seen.points, axis=0).max())


def _lies_in(palm: Palm, seen: SeenHand) -> bool:
    """Whether a palm is that of a hand which is known already."""
    return bool(np.linalg.norm(seen.points.mean(axis=0) - palm.middle) < _SAME_SPOT * _size(seen))


def _refined(landmarker: Landmarker, image: np.ndarray, hands_seen: Sequence[SeenHand]) -> list[SeenHand]:
    """Each of them again, in the crop that its joints suggest."""
    for _ in range(_REFINEMENTS):
        hands_seen = detect_landmarks(landmarker, image, [crop_of_joints(seen.points) for seen in hands_seen])
    return list(hands_seen)


def _hand(seen: SeenHand, image: np.ndarray, side: str | None = None) -> Detection:
    """A hand as a detection, in the crop that its joints suggest.

    Args:
        side: that of the arm it is on, if there is one; else the landmark network says it. Where that is in doubt and
            no arm says the same, the hand comes with its twin.
    """
    height, width = image.shape[:2]
    likelier = "right" if seen.right >= 0.5 else "left"
    doubtful = _DOUBT < seen.right < 1 - _DOUBT and side != likelier
    side = side or likelier
    crop = crop_of_joints(seen.points)
    low, high = (edge.clip(0, (width, height)) for edge in (seen.points.min(axis=0), seen.points.max(axis=0)))
    (x, y), (w, h) = low.tolist(), (high - low).tolist()
    keypoints = np.column_stack([seen.points, np.full(len(seen.points), seen.presence)]).astype(np.float32)
    right = Detection((x, y, w, h), seen.presence, keypoints, crop, "right")
    left = replace(right, crop=crop.mirror(), handedness="left")
    hand, other = (right, left) if side == "right" else (left, right)
    return replace(hand, twin=other) if doubtful else hand


def _same(one: Detection, other: Detection) -> bool:
    """Whether two detections are of one hand: their joints coincide, or they are on one side and in one spot."""
    if similarity(one, other) >= SAME_PERSON:
        return True
    between = np.linalg.norm(one.keypoints[:, :2].mean(axis=0) - other.keypoints[:, :2].mean(axis=0))
    return one.handedness == other.handedness and bool(between < _SAME_SPOT * max(*one.box[2:], *other.box[2:]))


def detect_landmarks(landmarker: Landmarker, image: np.ndarray, crops: Sequence[Crop]) -> list[SeenHand]:
    """Runs the landmark network on crops, a few at a time."""
    hands_seen = []
    for start in range(0, len(crops), _BATCH):
        part = crops[start : start + _BATCH]
        said = landmarker(np.stack([crop.cut(image, INPUT_SIZE) for crop in part]))
        for crop, points, presence, right in zip(part, *said, strict=True):
            places, depths = crop.to_photo(points[:, :2], INPUT_SIZE), _DEPTHS * points[:, 2] * crop.side / INPUT_SIZE
            hands_seen.append(SeenHand(places, float(presence), float(right), depths))
    return hands_seen


def crop_of_palm(palm: Palm) -> Crop:
    """The crop of the hand that a palm belongs to."""
    up = np.array([np.sin(palm.angle), -np.cos(palm.angle)])
    x, y = palm.middle + _PALM_SHIFT * palm.size * up
    return Crop((float(x), float(y)), _PALM_SCALE * palm.size, palm.angle)


def crop_of_joints(points: np.ndarray) -> Crop:
    """The crop of a hand whose joints (21, 2) are known roughly, in photo pixels."""
    angle = angle_of(points[_WRIST], points[_MIDDLE_BASE])
    axes = Crop((0.0, 0.0), 1.0, angle).axes
    turned = points[_STEADY_JOINTS] @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    size = max(float((high - low).max()), 1.0)
    x, y = ((low + high) / 2 - (0, _JOINTS_SHIFT * size)) @ axes
    return Crop((float(x), float(y)), _JOINTS_SCALE * size, angle)
