"""One person, or hand, found in an image, and how two of them are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.interfaces import Box
from model.joints import COCO_MIRROR
from model.perception.crops import Crop

_SAME_JOINT = 0.1  # two estimates of a joint agree within about this part of the person's size

_FAINTLY_THERE = 0.025  # ten who were there had 0.028 to 0.14, one of whom little shows 0.012

SAME_PERSON = 0.5  # similarity above which two candidates are one person


@dataclass(frozen=True)
class Detection:
    """A person, or a hand, found in an image.

    Attributes:
        box: x, y, width, height in image pixels, inside the image.
        score: 0..1, confidence in the person times mean confidence in the joints that are seen.
        keypoints: (17, 3) float32 x, y in image pixels and score 0..1 of the COCO joints; (21, 3) of a hand's.
        crop: the mesh network's, if the detector says how it lies; None for the upright square about
            the box.
        handedness: "left" or "right" of a hand.
        twin: what it may be instead, where that is in doubt: the same hand as one of the other side.
        faint: whether the detector alone does not tell: it counts if its joints are seen, see `is_there`.
    """

    box: Box
    score: float
    keypoints: np.ndarray
    crop: Crop | None = None
    handedness: str | None = None
    twin: Detection | None = None
    faint: bool = False


def mean_confidence(keypoints: np.ndarray) -> float:
    """How surely somebody was seen, 0..1: the mean of what keypoints (K, 3) have beside x and y."""
    return float(keypoints[:, 2].mean())


def prominence(detection: Detection) -> float:
    """Puts somebody in the foreground, even if cut off, before a surer one far behind."""
    return float(detection.score * np.sqrt(max(detection.box[2:])))


def is_there(detection: Detection, confidence: float) -> bool:
    """Whether somebody is there after all, as the detector's score and that of her joints say together.

    Args:
        detection: whom the detector found, or faintly.
        confidence: 0..1, the mean of her joints', as the networks see them that look at her alone.
    """
    return not detection.faint or detection.score * confidence >= _FAINTLY_THERE


def suppress_duplicates(detections: Sequence[Detection]) -> list[Detection]:
    """Best first; of candidates whose joints coincide, only the best one.

    Joints tell two people who overlap from one person seen twice, which boxes cannot.
    """
    ranked = sorted(detections, key=lambda detection: detection.score, reverse=True)
    return [ranked[index] for index in distinct(ranked)]


def distinct(detections: Sequence[Detection]) -> list[int]:
    """The indices of those detections, in order, whose joints do not coincide with an earlier one's.

    People's do so too with left and right exchanged: somebody who is seen once from the front and once from behind.
    """
    middles = np.array([detection.keypoints[:, :2].mean(axis=0) for detection in detections]).reshape(-1, 2)
    sizes = np.array([max(detection.box[2:]) for detection in detections])
    kept: list[int] = []
    for index, candidate in enumerate(detections):
        # In a crowd most are too far away to be compared joint by joint.
        near = np.abs(middles[kept] - middles[index]).max(axis=1) < np.maximum(sizes[kept], sizes[index])
        rivals = [detections[other] for other in np.array(kept, int)[near]]
        looks = [candidate, *_exchanged(candidate)]
        if similarities(looks, rivals).max(initial=0.0) < SAME_PERSON:
            kept.append(index)
    return kept


def _exchanged(person: Detection) -> list[Detection]:
    """The person as seen from the other side; of a hand nothing."""
    if len(person.keypoints) != len(COCO_MIRROR):
        return []
    return [replace(person, keypoints=person.keypoints[list(COCO_MIRROR)])]


def similarity(one: Detection, other: Detection) -> float:
    """Object keypoint similarity in 0..1: how far the joints coincide, weighted by confidence in both."""
    return float(similarities([one], [other])[0, 0])


def similarities(some: Sequence[Detection], others: Sequence[Detection]) -> np.ndarray:
    """(N, M) similarity of each of some to each of others: one by one, a crowd's pairs take a tenth of a second."""
    if not some or not others:
        return np.zeros((len(some), len(others)))
    one, other = (np.stack([each.keypoints for each in group]) for group in (some, others))
    sizes, other_sizes = (np.array([max(each.box[2:]) for each in group]) for group in (some, others))
    scale = _SAME_JOINT * np.maximum(sizes[:, None], other_sizes)
    squared = ((one[:, None, :, :2] - other[:, :, :2]) ** 2).sum(axis=3)
    weights = one[:, None, :, 2] * other[:, :, 2]
    agreement = np.exp(-squared / (2 * scale**2 + 1e-9)[..., None])
    found: np.ndarray = (weights * agreement).sum(axis=2) / (weights.sum(axis=2) + 1e-9)
    return found


def overlaps(some: Sequence[Box], others: Sequence[Box]) -> np.ndarray:
    """(N, M) intersection over union of boxes."""
    one, other = np.array(some, float).reshape(-1, 1, 4), np.array(others, float).reshape(-1, 4)
    low = np.maximum(one[..., :2], other[..., :2])
    high = np.minimum(one[..., :2] + one[..., 2:], other[..., :2] + other[..., 2:])
    shared = np.maximum(high - low, 0.0).prod(axis=-1)
    found: np.ndarray = shared / (one[..., 2:].prod(axis=-1) + other[..., 2:].prod(axis=-1) - shared)
    return found
