"""Where a camera that is carried along goes: by the feet of the people before it.

The background does not say it: how far away its points are is not known. But a foot that bears somebody stays where it
is, so that whatever it seems to go before the camera, the camera goes the other way. The lower foot bears; where both
are as low, as in each step, the one that goes on as the bearing ones did before and do after. Of a foot its ball stays,
over which the ankle rolls on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from model.body.limbs import BALL, LEGS
from model.body.motion import SkeletonMotion

_LOWER = 0.03  # metres: a foot that is so much higher bears e times less
_OTHERS = 0.4  # metres a second: likewise one that goes so much faster or slower than bearing feet do
_STEADY = 0.3  # seconds over which these go much alike
_DOUBT = 0.05  # of a foot's weight: where both are as low, and where neither goes so
_ROUNDS = 5
_LOWEST = 0.1  # share of the frames in which a foot's ball is as low as on the floor
_LEVEL, _STEEP = 0.15, 0.25
"""Sines of how steeply the camera looks down on a foot, from which on the floor tells how far away it is: in part, and
alone."""
_EVENLY, _TURNS = 0.25, np.radians(10.0)
"""Seconds over which the camera's turn is averaged, and radians of which it is off in any film."""
_SMOOTH = 0.1  # seconds over which that is averaged: a pixel up or down is centimetres


def find_path(motions: Sequence[SkeletonMotion], frames: Sequence[Sequence[int]], camera: np.ndarray) -> np.ndarray:
    """Where the camera is in each frame, level ways from where it was in the first: (F, 3) metres, y up.

    Up and down it goes with somebody who jumps, which cannot be told from the camera's own way.

    Args:
        motions: Of some people before a camera that seems to stand still, metres, y up.
        frames: The number of each pose's frame, of F.
        camera: (3,) where it seems to stand.
    """
    count = 1 + max(max(own) for own in frames)
    steps, people = np.zeros((count - 1, 3)), np.zeros(count - 1)
    for motion, own in zip(motions, frames, strict=True):
        for first, last, step in zip(own, own[1:], _steps(motion, camera)):
            steps[first:last] -= step / (last - first)
            people[first:last] += 1
    steps /= np.maximum(people, 1)[:, None]
    return np.concatenate([np.zeros((1, 3)), steps.cumsum(axis=0)])


def turned_about(up: np.ndarray, turns: np.ndarray, step: float) -> np.ndarray | None:
    """How the camera turned about the vertical, (F, 3, 3) likewise; None if it turned by no more than errors.

    How it was tilted adds up from errors, in minutes by many degrees, and people would tilt with it; but who carries a
    camera holds it much alike all the way.

    Args:
        up: (3,) in the camera's axes, more or less in all frames.
        turns: (F, 3, 3) from each frame's axes to the first's.
        step: The usual seconds from frame to frame.
    """
    steps = Rotation.from_matrix(np.swapaxes(turns[:-1], 1, 2) @ turns[1:]).as_quat()
    angles = 2 * np.arctan2(steps[:, :3] @ up, steps[:, 3])
    angles = gaussian_filter1d((angles + np.pi) % (2 * np.pi) - np.pi, _EVENLY / step, mode="nearest")
    angles = np.append(0.0, angles.cumsum())
    return Rotation.from_rotvec(angles[:, None] * up).as_matrix() if np.ptp(angles) > _TURNS else None


def _steps(motion: SkeletonMotion, camera: np.ndarray) -> np.ndarray:
    """(N - 1, 3) metres that the foot that bears goes from frame to frame, level."""
    if len(motion) < 2:
        return np.zeros((0, 3))
    balls = motion.joints[:, [leg[2] + BALL for leg in LEGS]]  # (N, 2, 3)
    seconds = np.maximum(np.diff(motion.times), 1e-3)
    usual_step = float(np.median(seconds))
    heights = (balls[1:, :, 1] + balls[:-1, :, 1]) / 2
    balls = balls + gaussian_filter1d(_to_floor(balls, camera), _SMOOTH / usual_step, axis=0, mode="nearest")
    low = np.exp((heights.min(axis=1, keepdims=True) - heights) / _LOWER)
    sure = _DOUBT + 1 - low.min(axis=1, keepdims=True)
    velocities = np.diff(balls, axis=0)[..., [0, 2]] / seconds[:, None, None]
    window, weights = _STEADY / usual_step, low * sure
    for _ in range(_ROUNDS):
        total = gaussian_filter1d(weights.sum(axis=1), window, mode="nearest")
        usual = gaussian_filter1d((weights[..., None] * velocities).sum(axis=1), window, axis=0, mode="nearest")
        usual /= np.maximum(total, 1e-9)[:, None]
        off = np.square(velocities - usual[:, None]).sum(axis=2)
        weights = low * np.exp(-off / (2 * _OTHERS**2)) + 1e-9
    level = ((weights[..., None] * velocities).sum(axis=1) + _DOUBT * usual) / (weights.sum(axis=1) + _DOUBT)[:, None]
    return np.insert(level * seconds[:, None], 1, 0.0, axis=1)


def _to_floor(balls: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """(N, 2, 3) metres from where balls of feet seem to be, likewise, to the floor below or above them, along the view.

    How far away a foot is, is a guess, and who walks towards the camera or away from it strides too little. But a foot
    that bears is on the floor, and where it is in the picture says where on it, if the camera looks down on it.
    """
    ways = balls - camera
    down = -ways[..., 1]
    floor = camera[1] - np.quantile(balls[..., 1], _LOWEST)
    told = ((down / np.linalg.norm(ways, axis=-1) - _LEVEL) / (_STEEP - _LEVEL)).clip(0, 1)
    farther = np.where(told > 0, floor / np.where(told > 0, down, 1.0) - 1, 0.0)
    there: np.ndarray = (told * farther)[..., None] * ways
    return there
