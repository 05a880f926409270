"""Where a camera that is carried along goes: by the feet of the people before it.

The background does not say it: how far away its points are is not known. But a foot that bears somebody stays where it
is, so that whatever it seems to go before the camera, the camera goes the other way. The lower foot bears; where both
are as low, as in each step, the one that goes on as the bearing ones did before and do after.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from model.body.limbs import LEGS
from model.body.motion import SkeletonMotion

_LOWER = 0.03  # metres: a foot that is so much higher bears e times less
_OTHERS = 0.4  # metres a second: likewise one that goes so much faster or slower than bearing feet do
_STEADY = 0.15  # seconds over which these go much alike
_DOUBT = 0.05  # of a foot's weight: where both are as low, and where neither goes so
_ROUNDS = 5


def find_path(motions: Sequence[SkeletonMotion], frames: Sequence[Sequence[int]]) -> np.ndarray:
    """Where the camera is in each frame, level ways from where it was in the first: (F, 3) metres, y up.

    Up and down it goes with somebody who jumps, which cannot be told from the camera's own way.

    Args:
        motions: Of some people before a camera that seems to stand still, metres, y up.
        frames: The number of each pose's frame, of F.
    """
    count = 1 + max(max(own) for own in frames)
    steps, people = np.zeros((count - 1, 3)), np.zeros(count - 1)
    for motion, own in zip(motions, frames, strict=True):
        for first, last, step in zip(own, own[1:], _steps(motion)):
            steps[first:last] -= step / (last - first)
            people[first:last] += 1
    steps /= np.maximum(people, 1)[:, None]
    return np.concatenate([np.zeros((1, 3)), steps.cumsum(axis=0)])


def _steps(motion: SkeletonMotion) -> np.ndarray:
    """(N - 1, 3) metres that the foot that bears goes from frame to frame, level."""
    if len(motion) < 2:
        return np.zeros((0, 3))
    feet = motion.joints[:, [leg[2] for leg in LEGS]]  # (N, 2, 3)
    seconds = np.maximum(np.diff(motion.times), 1e-3)
    heights = (feet[1:, :, 1] + feet[:-1, :, 1]) / 2
    low = np.exp((heights.min(axis=1, keepdims=True) - heights) / _LOWER)
    sure = _DOUBT + 1 - low.min(axis=1, keepdims=True)
    velocities = np.diff(feet, axis=0)[..., [0, 2]] / seconds[:, None, None]
    window, weights = _STEADY / float(np.median(seconds)), low * sure
    for _ in range(_ROUNDS):
        total = gaussian_filter1d(weights.sum(axis=1), window, mode="nearest")
        usual = gaussian_filter1d((weights[..., None] * velocities).sum(axis=1), window, axis=0, mode="nearest")
        usual /= np.maximum(total, 1e-9)[:, None]
        off = np.square(velocities - usual[:, None]).sum(axis=2)
        weights = low * np.exp(-off / (2 * _OTHERS**2)) + 1e-9
    level = ((weights[..., None] * velocities).sum(axis=1) + _DOUBT * usual) / (weights.sum(axis=1) + _DOUBT)[:, None]
    return np.insert(level * seconds[:, None], 1, 0.0, axis=1)
