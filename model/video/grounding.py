"""Where people walk: trajectories that agree with feet that stand, and feet that stay where they stand.

A network answers how far away somebody is for each frame alone: what jitters most is depth. Feet that stand say
better how the body moved. One least squares over all frames finds the trajectory: standing feet stay, the body stays
over what was seen, nearly so along the ray from the camera, and moves smoothly. It looks ahead and back alike, so that
nothing lags. What is left, legs take up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.ndimage import gaussian_filter1d
from scipy.sparse.linalg import spsolve

from model.body.limbs import LEGS, move_ends
from model.body.motion import SkeletonMotion
from model.body.sequence import second_differences
from model.video.level import LEVEL
from model.video.stance import find_stance, stances, usual_step

_SLIP = 0.2
"""Metres a second that a standing ankle may still move: legs err, too, and take up the rest."""
_HEDGED = 0.5
"""Times the body's speed along the camera's view, by which it may move farther that way: networks make strides towards
the camera too short, by half of them."""
_ACROSS, _ALONG = 0.02, 0.15
"""Metres that the body may be off where it was seen: across the camera's view, and along it. Distances of single frames
are off by as much all the way, or by 1 % from frame to frame: ways towards the camera are seen well."""
_NEAR = 5.0  # metres: who is farther away is seen as much less well
_ACCELERATION = 4.0
"""Metres a second squared: root mean square of how bodies speed up."""
_OFF_FLOOR = 0.05
"""Metres from the floor's height that a standing foot may be; those farther off stand on something."""
_BELOW = 0.25  # metres: a foot that bears somebody is so far below her pelvis, or no more above her lowest joint
_GROSS = 3.0
"""Times the tolerance: residuals beyond count less and less (Geman and McClure)."""
_ROUNDS = 4
_FADE = 0.15
"""Seconds before and after a stance in which the leg goes over to it."""
_ANKLES = [leg[2] for leg in LEGS]


def ground(motion: SkeletonMotion, camera: np.ndarray, soles: np.ndarray) -> tuple[SkeletonMotion, np.ndarray]:
    """The motion on the floor: its trajectory, and which feet stand; `lock` holds them.

    Args:
        motion: Metres, y up, the floor at about 0.
        camera: (3,) where the camera is, or (N, 3) in each frame.
        soles: (N, 2) metres: how high each ankle is over the lowest point of its foot.

    Returns:
        The motion; and (N, 2) bool, which feet stand.
    """
    nowhere = np.zeros((len(motion), 2), bool)
    smooth = motion.shifted(_trajectory(motion, camera, nowhere, soles))
    standing = find_stance(motion.times, smooth.joints[:, _ANKLES], smooth.roots, camera) & _below(smooth)
    return motion.shifted(_trajectory(motion, camera, standing, soles)), standing


def _below(motion: SkeletonMotion) -> np.ndarray:
    """(N, 2) bool: which feet are below the body, or no higher than what is lowest of it: not those of a handstand."""
    heights = motion.joints[..., 1]
    highest = np.maximum(heights.min(axis=1) + _BELOW, motion.roots[:, 1] - _BELOW)
    below: np.ndarray = heights[:, _ANKLES] < highest[:, None]
    return below


def settle(motion: SkeletonMotion, standing: np.ndarray, soles: np.ndarray) -> SkeletonMotion:
    """The motion moved up and down, smoothly, by as much as feet stand nearly on the floor; see `lock`."""
    heights = motion.joints[:, _ANKLES, 1] - soles
    way, count = np.zeros(len(motion)), standing.sum(axis=1)
    if not count.any():
        return motion
    for foot in range(2):
        for stance in stances(standing[:, foot]):
            above = heights[stance, foot].mean()
            way[stance] -= above if abs(above) < LEVEL else 0.0
    borne = count > 0
    way = np.interp(motion.times, motion.times[borne], way[borne] / count[borne])
    smooth = _FADE / usual_step(motion.times)
    return motion.shifted(gaussian_filter1d(way, smooth, mode="nearest")[:, None] * [0.0, 1.0, 0.0])


def lock(
    motion: SkeletonMotion, limbs: Sequence[tuple[int, ...]], standing: np.ndarray, soles: np.ndarray
) -> SkeletonMotion:
    """The motion with each standing ankle where it is in the mean of its stance; legs go over to it and back.

    Feet that stand nearly on the floor stand on it, and none goes through it. Hands do likewise.

    Args:
        motion: N poses, metres, y up, the floor at 0.
        limbs: `LEGS` or `ARMS`; `THIGHS` or `SHINS`, whose ends stay as far from their beginnings.
        standing: (N, 2) bool.
        soles: (N, 2) how high each ankle is over the lowest point of its foot.
    """
    shifts = np.zeros((len(motion), 2, 3))
    ends, times = [limb[-1] for limb in limbs], motion.times
    for foot, ankle in enumerate(ends):
        places, weight = motion.joints[:, ankle], np.zeros(len(motion))
        for stance in stances(standing[:, foot]):
            mean = places[stance].mean(axis=0)
            above = mean[1] - soles[stance, foot].mean()
            if abs(above) < LEVEL:
                mean[1] -= above
            away = np.maximum(times[stance.start] - times, times - times[stance.stop - 1]).clip(0, _FADE) / _FADE
            fade = 0.5 + 0.5 * np.cos(np.pi * away)
            # On the way in and out the shift is that of the stance's first or last frame.
            near = np.clip(np.arange(len(times)), stance.start, stance.stop - 1)
            shifts[:, foot] += fade[:, None] * (mean - places[near])
            weight += fade
        shifts[:, foot] /= np.maximum(weight, 1.0)[:, None]
    heights = motion.joints[:, ends, 1] + shifts[..., 1] - soles
    shifts[..., 1] += np.maximum(-heights, 0)
    return move_ends(motion, limbs, shifts)


def _trajectory(motion: SkeletonMotion, camera: np.ndarray, standing: np.ndarray, soles: np.ndarray) -> np.ndarray:
    """By how much the body is to be moved in each frame (N, 3)."""
    count, times = len(motion), motion.times
    if count < 3:
        return np.zeros((count, 3))
    steps = np.maximum(np.diff(times), 1e-3)
    rays = motion.roots - camera
    away = np.linalg.norm(rays, axis=1)[:, None, None]
    rays = rays / np.maximum(away[:, 0], 1e-9)
    along = rays[:, :, None] * rays[:, None]  # (N, 3, 3)
    speed = np.abs((np.diff(motion.roots, axis=0) * rays[1:]).sum(axis=1)) / steps
    slip = (np.eye(3) - along[1:]) / _SLIP + along[1:] / (_SLIP + _HEDGED * speed)[:, None, None]
    contacts, wanted = _contacts(motion.joints[:, _ANKLES], standing, soles, slip / steps[:, None, None])
    smooth = sparse.kron(second_differences(steps), np.eye(3)) / _ACCELERATION
    stay = sparse.block_diag(((np.eye(3) - along) / _ACROSS + along / _ALONG) / np.maximum(away / _NEAR, 1.0))
    fixed = smooth.T @ smooth + stay.T @ stay
    shift = np.zeros(3 * count)
    for _ in range(_ROUNDS):
        weight = 1 / np.square(1 + np.square((contacts @ shift - wanted) / _GROSS))
        weighted = contacts.multiply(weight[:, None]).T
        right = weighted @ wanted - smooth.T @ (smooth @ motion.roots.ravel())
        shift = spsolve((fixed + weighted @ contacts).tocsc(), right)
    return shift.reshape(count, 3)


def _contacts(
    ankles: np.ndarray, standing: np.ndarray, soles: np.ndarray, slip: np.ndarray
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """What standing feet want: rows times all shifts (3 N,) should be these values; in units of their tolerances.

    Args:
        ankles: (N, 2, 3).
        standing: (N, 2) bool.
        soles: (N, 2) heights of ankles over the floor, on which they stand.
        slip: (N - 1, 3, 3) turns how far an ankle moves from frame to frame into units of its tolerances.
    """
    count, axes = len(ankles), np.arange(3)
    matrices, values = [], []
    for foot in range(2):
        pairs = np.flatnonzero(standing[1:, foot] & standing[:-1, foot])
        blocks = slip[pairs]
        rows = np.repeat(np.arange(3 * len(pairs)), 3)
        columns = np.broadcast_to((3 * pairs[:, None] + axes)[:, None], blocks.shape).ravel()
        entries = np.concatenate([-blocks.ravel(), blocks.ravel()])
        places = np.tile(rows, 2), np.concatenate([columns, columns + 3])
        matrices.append(sparse.csr_matrix((entries, places), (3 * len(pairs), 3 * count)))
        values.append((blocks @ (ankles[pairs, foot] - ankles[pairs + 1, foot])[..., None]).ravel())
        down = np.flatnonzero(standing[:, foot])
        entries = np.full(len(down), 1 / _OFF_FLOOR)
        matrices.append(sparse.csr_matrix((entries, (np.arange(len(down)), 3 * down + 1)), (len(down), 3 * count)))
        values.append((soles[down, foot] - ankles[down, foot, 1]) / _OFF_FLOOR)
    return sparse.vstack(matrices, "csr"), np.concatenate(values)
