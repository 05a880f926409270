"""Finds palms in a photo: what the palm detector says of it, decoded, duplicates suppressed. Numpy alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from model.interfaces import PalmOutputs
from model.perception.letterbox import letterbox

WRIST, MIDDLE_BASE = 0, 2
"""The two points that tell which way a palm points."""

# The photo's longer side at one scale after the other, pixels: the network finds palms of 10 to 100 pixels or so.
_SCALES = (128, 256, 448, 896)
_ENLARGED = 1.25  # beyond that, enlarging a photo shows nothing new
_THRESHOLD = 0.5
_SAME_PALM = 0.3  # intersection over union above which two boxes are of one palm
_CANDIDATES = 16  # palms at one scale: bounds the work that a crowd makes


@dataclass(frozen=True)
class Palm:
    """A palm in a photo, in its pixels."""

    score: float
    """0..1."""
    middle: np.ndarray
    """(2,) of its box."""
    size: float
    """Side of its box, which is a square."""
    points: np.ndarray
    """(7, 2)."""

    @property
    def angle(self) -> float:
        """Radians from the photo's upwards to the palm's, clockwise."""
        return angle_of(self.points[WRIST], self.points[MIDDLE_BASE])


PalmDetector = Callable[[np.ndarray], PalmOutputs]
"""The detector: (B, H, W, 3) uint8 RGB, H and W multiples of 32, to its raw outputs in numpy."""


def angle_of(wrist: np.ndarray, middle_base: np.ndarray) -> float:
    """Radians from the photo's upwards to the direction of a hand, clockwise."""
    x, y = middle_base - wrist
    return float(np.arctan2(x, -y))


def detect_palms(detector: PalmDetector, image: np.ndarray) -> Iterator[list[Palm]]:
    """Detects palms from coarse to fine; each scale gives them best first, at most 16, and half of them are none.

    Args:
        detector: the detector.
        image: (H, W, 3) uint8 RGB.
    """
    longest = max(image.shape[:2])
    for index, size in enumerate(_SCALES):
        if index and size > _ENLARGED * longest:
            break
        yield _detect_at(detector, image, size / longest)


def _detect_at(detector: PalmDetector, image: np.ndarray, scale: float) -> list[Palm]:
    canvas, *scales = letterbox(image, scale)
    outputs = detector(canvas[None])
    scores = 1 / (1 + np.exp(-np.clip(outputs.scores[0], -80, 80)))  # beyond, float32 would overflow
    palms = []
    for anchor in np.flatnonzero(scores >= _THRESHOLD):
        box = outputs.boxes[0, anchor]
        points = outputs.points[0, anchor] / scales
        palms.append(Palm(float(scores[anchor]), box[:2] / scales, float((box[2:] / scales).max()), points))
    return suppress_duplicates(palms)[:_CANDIDATES]


def suppress_duplicates(palms: Sequence[Palm]) -> list[Palm]:
    """Best first; of palms whose boxes overlap much, only the best one."""
    kept: list[Palm] = []
    for palm in sorted(palms, key=lambda palm: palm.score, reverse=True):
        if palm.size > 0 and all(overlap(palm, other) < _SAME_PALM for other in kept):
            kept.append(palm)
    return kept


def overlap(one: Palm, other: Palm) -> float:
    """Intersection over union of two palms' boxes."""
    low = np.maximum(one.middle - one.size / 2, other.middle - other.size / 2)
    high = np.minimum(one.middle + one.size / 2, other.middle + other.size / 2)
    shared = float(np.prod((high - low).clip(min=0)))
    return shared / (one.size**2 + other.size**2 - shared)
