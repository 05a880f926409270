"""What the bodies in a photo say of its hands: where wrists are, which way forearms point, what is no hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.perception.crops import Crop
from model.perception.detection import Detection

_SEEN = 0.2  # score of a joint below which it says nothing
_ARMS = (("left", 7, 9), ("right", 8, 10))  # COCO's elbows and wrists
_LEGS = ((13, 15), (14, 16))  # and knees and ankles
# A hand is about three quarters of the forearm long, which may point at the camera: then the body's size tells.
_LEAST = 0.1  # of the longer side of the person's box: forearms, and shins
_HAND_MIDDLE, _HAND_VIEW = 0.45, 1.3  # forearms from the wrist to the hand's middle; side of the crop
_LARGEST_HAND = 1.2  # forearms; 0.4 to 0.9 in photos
# Parts of a hand's size within which its wrist is that of an arm, and an elbow is in its middle.
_AT_WRIST, _AT_ELBOW = 0.4, 0.5
_AT_ANKLE = 0.5  # shins from the ankle to where toes begin, at most


@dataclass(frozen=True)
class Arm:
    """A forearm in a photo, in its pixels."""

    side: str
    """"left" or "right"."""
    elbow: np.ndarray
    """(2,)."""
    wrist: np.ndarray
    """(2,)."""
    forearm: float
    """How long it would be about if it did not point at the camera."""

    @property
    def crop(self) -> Crop:
        """The crop of its hand: beyond the wrist, in the forearm's direction."""
        direction = self.wrist - self.elbow
        middle = self.wrist + direction * (_HAND_MIDDLE * self.forearm / max(float(np.linalg.norm(direction)), 1e-6))
        angle = float(np.arctan2(direction[0], -direction[1]))
        return Crop((float(middle[0]), float(middle[1])), _HAND_VIEW * self.forearm, angle)


@dataclass(frozen=True)
class Foot:
    """Where a foot is in a photo, in its pixels."""

    ankle: np.ndarray
    """(2,)."""
    shin: float
    """How long it would be about if it did not point at the camera."""


def arms_of(people: Sequence[Detection]) -> list[Arm]:
    """The forearms of people whose elbow and wrist are seen."""
    limbs = [(side, _limb(person, elbow, wrist)) for person in people for side, elbow, wrist in _ARMS]
    return [Arm(side, *limb) for side, limb in limbs if limb]


def feet_of(people: Sequence[Detection]) -> list[Foot]:
    """The feet of people whose knee and ankle are seen."""
    limbs = [_limb(person, knee, ankle) for person in people for knee, ankle in _LEGS]
    return [Foot(*limb[1:]) for limb in limbs if limb]


def _limb(person: Detection, upper: int, lower: int) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Two joints (2,) and the length between them, if they are seen."""
    if person.keypoints[[upper, lower], 2].min() < _SEEN:
        return None
    one, other = person.keypoints[[upper, lower], :2].astype(float)
    return one, other, max(float(np.linalg.norm(other - one)), _LEAST * max(person.box[2:]))


def arm_of(points: np.ndarray, arms: Sequence[Arm]) -> Arm | None:
    """The arm whose wrist is that of a hand with these joints (21, 2), if there is one."""
    size = float(np.ptp(points, axis=0).max())
    arms = _as_large(arms, size)
    nearest = min(arms, key=lambda arm: float(np.linalg.norm(arm.wrist - points[0])), default=None)
    if nearest is None or np.linalg.norm(nearest.wrist - points[0]) > _AT_WRIST * size:
        return None
    return nearest


def is_elbow(points: np.ndarray, arms: Sequence[Arm]) -> bool:
    """Whether what looks like a hand with these joints (21, 2) is a bent elbow: both networks may take it for one."""
    size, middle = float(np.ptp(points, axis=0).max()), points.mean(axis=0)
    at_elbow = any(np.linalg.norm(arm.elbow - middle) < _AT_ELBOW * size for arm in _as_large(arms, size))
    return at_elbow and arm_of(points, arms) is None


def is_foot(points: np.ndarray, feet: Sequence[Foot], arms: Sequence[Arm]) -> bool:
    """Whether what looks like a hand with these joints (21, 2) is a bare foot: its toes are taken for fingers."""
    at_foot = any(np.linalg.norm(foot.ankle - points[0]) < _AT_ANKLE * foot.shin for foot in feet)
    return at_foot and arm_of(points, arms) is None


def _as_large(arms: Sequence[Arm], size: float) -> list[Arm]:
    """The arms that a hand of this size may belong to: in a lone hand, a small person may be imagined."""
    return [arm for arm in arms if size < _LARGEST_HAND * arm.forearm]
