"""What a photo says of people's joints, for bodies that are refined to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Seen:
    """What the photo says of B people: K keypoints of each."""

    joints: np.ndarray
    """(B, K, 2) pixels; one that is not finite was not seen."""
    confidence: np.ndarray
    """(B, K): 0, not seen, to 1, as high as BlazePose's peaks are; more counts as 1, and what is no number as 0."""
    focal_length: np.ndarray
    """(B,) pixels."""
    principal_point: np.ndarray
    """(B, 2) pixels."""

    def subset(self, people: Sequence[int] | slice) -> Seen:
        """The same of some of them."""
        which = people if isinstance(people, slice) else list(people)
        return Seen(*(array[which] for array in vars(self).values()))

    def rays(self) -> tuple[np.ndarray, np.ndarray]:
        """Where joints were seen, (B, K, 2) x / z and y / z, zero of what was not; and confidence (B, K) in 0..1."""
        confidence = np.nan_to_num(self.confidence.astype(np.float64)).clip(0, 1)
        confidence[~np.isfinite(self.joints).all(axis=2)] = 0
        off = (self.joints - self.principal_point[:, None]) / self.focal_length[:, None, None]
        return np.where(confidence[..., None] > 0, off, 0.0), confidence


def noise_of(confidence: np.ndarray, least: float, at: float) -> np.ndarray:
    """How far keypoints of any shape may be off: `least` from a confidence of `at` on, else e times as much each 0.25.

    training/synthesis/landmark_errors.py has what was measured.
    """
    noise: np.ndarray = least * np.exp(4.0 * (at - confidence).clip(0))
    return noise


def confidence_of_heatmaps(peaks: np.ndarray) -> np.ndarray:
    """MoveNet's heights, any shape, as `Seen` has BlazePose's.

    On 657 rendered people its peaks were some 0.18 lower where joints were as far off, and no height brought a median
    error below 2.5 pixels of 224.
    """
    return np.where(peaks > 0, np.minimum(peaks + 0.18, 0.85), 0.0)
