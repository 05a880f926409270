"""Bodies that rest on the floor with more than their feet, and never go through it.

Where a limb is in the picture is seen; how far away it is, is little more than a guess. So hands, knees, hips and backs
that came out below the floor, or rest just above it, get onto it along the camera's view: by turns of joints and by the
body's distance. One least squares over all frames finds them, smooth and without lag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.linalg import solveh_banded
from scipy.ndimage import binary_dilation, maximum_filter1d, uniform_filter1d
from scipy.spatial.transform import Rotation

from model.body.limbs import ARMS, LEGS, SHINS, THIGHS
from model.body.motion import SkeletonMotion
from model.body.refinement_task import TURNS
from model.body.rotations import to_vectors
from model.body.sequence import second_differences
from model.body.skeleton import FAMILY
from model.joints import JOINTS, SMPL_JOINT_NAMES, SMPL_PARENTS
from model.video.grounding import lock, settle
from model.video.level import Footing
from model.video.skin import Skin
from model.video.stance import usual_step
from model.video.supports import FEET, HANDS, KNEES, hands_down, knees_down, slow_joints, view_rays

_NEAR = 0.15
"""Metres above the floor: who has no more than her feet so low is left as she is."""
_IN = 0.005
"""Metres that the lowest point of a part may be in the floor."""
_ON, _BESIDE = 0.02, 0.03
"""Metres that a part that rests may be above the floor, and beside where it rests in the mean."""
_REACH, _HIGHEST = 0.1, 0.25
"""Metres above the floor from which a part that does not move counts less and less as resting (Geman and McClure), and
from which it does not."""
_ACROSS = 0.02
"""Metres across the camera's view that joints may be off where they were seen."""
_DEEP = 0.1  # of her distance that the body may be nearer or farther
_TURNING = 60.0
"""Radians a second squared for each radian that a joint may be off: how suddenly it may be turned."""
_SPEEDING = 4.0  # metres a second squared: how suddenly the body may be moved
_ROUNDS = 3
_LARGEST = 0.5  # radians and metres of a step
_AROUND = 0.5  # seconds before and after, in which bodies go over to it and back
_BENT = 0.1  # metres that legs take feet out of the floor; what is deeper lifts the body
_FADE = 0.1  # likewise of those that are lifted out of the floor
_LEVEL = 0.75  # of the trunk's length: whose neck is less high above her pelvis is not upright
_ABOVE_ALL = 10.0  # metres: what is so much higher is lowest of nobody
_PART, _OVERLAP = 256, 32
"""Frames that are worked out at once, which bounds the memory, and how many more before and after are heeded."""

_NECK = SMPL_JOINT_NAMES.index("neck")
_LIMBS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
_TURNED = [
    SMPL_JOINT_NAMES.index(name)
    for name in ("pelvis", "spine2", "neck", *(f"{side}_{joint}" for joint in _LIMBS for side in ("left", "right")))
]
"""The joints that turn, J of them."""
_SIZE = 3 * len(_TURNED) + 3
_MOVES = FAMILY[_TURNED]
"""(J, 22): which joints, and the skin on them, each of those that turn takes along."""
_SUDDEN = np.repeat((_TURNING * TURNS[_TURNED]) ** -2, 3)
_UP = np.array([0.0, 1.0, 0.0])


def bearing(
    motion: SkeletonMotion, standing: np.ndarray, camera: np.ndarray, seen: np.ndarray | None = None
) -> Footing:
    """Where somebody is borne who stands on no foot: by what is lowest of her, if it does not move.

    Args:
        motion: N poses, metres, y up.
        standing: (N, 2) bool, which feet stand.
        camera: (3,) where the camera is, or (N, 3) in each frame.
        seen: (N, 2) bool, which feet were seen, see `_unseen`; None for both.
    """
    lowest, frames = Skin(motion.rig).lowest(motion), np.arange(len(motion))
    camera = np.broadcast_to(camera, (len(motion), 3))
    part = (lowest.heights + _ABOVE_ALL * _unseen(motion, seen)).argmin(axis=1)
    stance = _runs(slow_joints(motion, view_rays(motion, camera), standing))[frames, part]
    borne = (stance >= 0) & ~standing.any(axis=1)
    return Footing(lowest.points[frames, part][borne], stance[borne], np.zeros(borne.sum(), bool))


def touch(
    motion: SkeletonMotion, camera: np.ndarray, standing: np.ndarray, seen: np.ndarray | None = None
) -> SkeletonMotion:
    """The motion with all that touches the floor on it, and nothing below.

    Args:
        motion: N poses, metres, y up, the floor at 0.
        camera: (3,) where the camera is, or (N, 3) in each frame.
        standing: (N, 2) bool, which feet stand.
        seen: (N, 2) bool, which were seen, see `_unseen`; None for both.
    """
    skin, camera = Skin(motion.rig), np.broadcast_to(camera, (len(motion), 3))
    motion = rest(motion, camera, standing, skin)
    heights = skin.lowest(motion).heights
    soles = motion.joints[:, FEET[::2], 1] - np.minimum(heights[:, FEET[::2]], heights[:, FEET[1::2]])
    settled = settle(motion, standing, soles)
    heights += (settled.roots - motion.roots)[:, 1:2]
    free = heights + _ABOVE_ALL * _unseen(motion, seen)
    free[:, FEET] += _BENT
    lift = _lift(motion.times, -free.min(axis=1))[:, None]
    motion = settled.shifted(lift * _UP)
    kneeling = knees_down(motion, camera)
    if kneeling.any():
        motion = lock(motion, THIGHS, kneeling, motion.joints[:, KNEES, 1])
        motion = lock(motion, SHINS, standing & kneeling, soles)
    motion = lock(motion, LEGS, standing & ~kneeling, soles)
    palms = heights[:, HANDS] + lift
    bearing = hands_down(motion, camera, palms)
    return lock(motion, ARMS, bearing, motion.joints[:, HANDS, 1] - palms)


def _unseen(motion: SkeletonMotion, seen: np.ndarray | None) -> np.ndarray:
    """(N, 22) bool: the parts of feet that neither bear nor lift somebody, since nobody saw them (N, 2).

    Of who does push-ups before the camera they are hidden behind her, and come out anywhere. Of who is upright, as
    those are whom the picture's lower edge cuts off, they are below her anyway.
    """
    parts = np.zeros((len(motion), JOINTS), bool)
    if seen is not None:
        trunk = motion.joints[:, _NECK] - motion.roots
        level = trunk[:, 1] < _LEVEL * np.linalg.norm(trunk, axis=1)
        parts[:, FEET] = (~seen & level[:, None])[:, [0, 0, 1, 1]]
    return parts


def rest(motion: SkeletonMotion, camera: np.ndarray, standing: np.ndarray, skin: Skin) -> SkeletonMotion:
    """The motion with parts of the body on the floor that rest on it or came out below; see `touch`."""
    low = skin.lowest(motion).heights < _NEAR
    low[:, FEET] = False
    around = np.ones(1 + 2 * round(_AROUND / usual_step(motion.times)))
    frames = np.flatnonzero(binary_dilation(low.any(axis=1), around))
    rotations, roots = motion.rotations.copy(), motion.roots.copy()
    for run in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1):
        for start in range(0, len(run), _PART):
            part = run[max(0, start - _OVERLAP) : start + _PART + _OVERLAP]
            if len(part) > 2:
                rested = _rested(_frames(motion, part), camera[part], standing[part], skin)
                # What is before the part's own frames was worked out already: the one goes over to the other.
                share = np.clip((np.arange(len(part)) + 0.5) / (2 * _OVERLAP), 0, 1) if start else np.ones(len(part))
                own = rotations[part]
                turns = share[:, None, None] * to_vectors(rested.rotations @ np.swapaxes(own, 2, 3))
                rotations[part] = Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(own.shape) @ own
                roots[part] += share[:, None] * (rested.roots - roots[part])
    return motion.with_rotations(rotations).shifted(roots - motion.roots)


def _frames(motion: SkeletonMotion, which: np.ndarray) -> SkeletonMotion:
    """Some of a motion's poses, without what follows from them."""
    return SkeletonMotion(motion.rig, motion.shape, motion.times[which], motion.rotations[which], motion.roots[which])


def _rested(motion: SkeletonMotion, camera: np.ndarray, standing: np.ndarray, skin: Skin) -> SkeletonMotion:
    """`rest` of frames in a row; by Gauss's and Newton's steps."""
    count, seen = len(motion), motion.joints
    rays = view_rays(motion, camera)
    slow = slow_joints(motion, rays, standing)
    runs = _runs(slow)
    across = _across(rays) / _ACROSS
    level = np.broadcast_to(np.eye(3)[[0, 2]], (count, JOINTS, 2, 3))
    stiffness, smoothness = _stiffness(motion, camera), np.append(_SUDDEN, [_SPEEDING**-2] * 3)
    differences = second_differences(np.maximum(np.diff(motion.times), 1e-3))
    coupling = (differences.T @ differences).toarray()
    went = np.zeros((count, _SIZE))
    for _ in range(_ROUNDS):
        joints, lowest = motion.joints, skin.lowest(motion)
        rests = slow * (lowest.heights < _HIGHEST) / np.square(1 + np.square(lowest.heights / _REACH))
        firmly = np.sqrt(rests)
        held = np.where(lowest.heights < 0, 1 / _IN, firmly / _ON)[..., None]
        terms = (  # directions in units of tolerances, the points, and how far these are away
            (across, joints, joints - seen),
            (firmly[..., None, None] * level / _BESIDE, joints, joints - _means(joints, rests, runs)),
            (held[..., None] * _UP, lowest.points, lowest.heights[..., None] * _UP),
        )
        rows = np.concatenate([_rows(directions, joints, points) for directions, points, _ in terms], axis=1)
        off = [(directions @ away[..., None]).reshape(count, -1) for directions, _, away in terms]
        normal = np.swapaxes(rows, 1, 2) @ rows + stiffness
        slope = (np.concatenate(off, axis=1)[:, None] @ rows)[:, 0] + (stiffness @ went[..., None])[..., 0]
        slope += (coupling @ went) * smoothness
        step = -_solve(normal, slope, [np.diagonal(coupling, -apart) for apart in range(3)], smoothness)
        largest = np.abs(step).max(axis=1, keepdims=True)
        step *= np.minimum(1, _LARGEST / np.maximum(largest, _LARGEST))
        went += step
        motion = _moved(motion, step)
    return motion


def _stiffness(motion: SkeletonMotion, camera: np.ndarray) -> np.ndarray:
    """(N, S, S) what holds joints as they were turned, and the body as far from the camera as it was."""
    view = motion.roots - camera
    distance = np.maximum(np.linalg.norm(view, axis=1), 1e-9)[:, None, None]
    stiffness = np.zeros((len(view), _SIZE, _SIZE))
    stiffness[:, range(_SIZE - 3), range(_SIZE - 3)] = np.repeat(TURNS[_TURNED] ** -2, 3)
    stiffness[:, -3:, -3:] = view[:, :, None] * view[:, None] / distance**4 / _DEEP**2
    return stiffness


def _rows(directions: np.ndarray, joints: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N, 22 D, S): by how much points (N, 22, 3), one on each joint's part, move along directions (N, 22, D, 3)."""
    count, parts, size = directions.shape[:3]
    lever = (points[:, :, None] - joints[:, None, _TURNED]) * _MOVES.T[..., None]  # (N, 22, J, 3)
    x, y, z = np.moveaxis(lever[:, :, None], 4, 0)
    a, b, c = np.moveaxis(directions[:, :, :, None], 4, 0)
    rows = np.empty((count, parts, size, _SIZE))
    for axis, swing in enumerate((y * c - z * b, z * a - x * c, x * b - y * a)):  # lever x direction
        rows[..., axis:-3:3] = swing
    rows[..., -3:] = directions
    return rows.reshape(count, parts * size, _SIZE)


def _moved(motion: SkeletonMotion, step: np.ndarray) -> SkeletonMotion:
    """The motion after a step (N, S): swings of joints about their places, in the world's axes, and the root's way."""
    swings = Rotation.from_rotvec(step[:, :-3].reshape(-1, 3)).as_matrix().reshape(len(step), -1, 3, 3)
    rotations = motion.rotations.copy()
    for number, joint in enumerate(_TURNED):
        parent = SMPL_PARENTS[joint]
        above = motion.turns[:, parent] if parent >= 0 else np.eye(3)
        rotations[:, joint] = np.swapaxes(above, -1, -2) @ swings[:, number] @ above @ rotations[:, joint]
    return replace(motion, rotations=rotations, roots=motion.roots + step[:, -3:])


def _runs(slow: np.ndarray) -> np.ndarray:
    """(N, 22) int: a number for each run of frames in which a joint (N, 22) is slow, -1 elsewhere."""
    runs = np.cumsum(np.diff(slow, axis=0, prepend=False), axis=0) + (len(slow) + 1) * np.arange(JOINTS)
    return np.where(slow, runs, -1)


def _across(rays: np.ndarray) -> np.ndarray:
    """(N, 22, 2, 3) two unit vectors across each of unit vectors (N, 22, 3)."""
    side = np.cross(rays, np.where(np.abs(rays[..., 1:2]) < 0.9, _UP, [1.0, 0.0, 0.0]))
    side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-9)  # nothing is across what is in the camera
    return np.stack([side, np.cross(rays, side)], axis=2)


def _means(points: np.ndarray, weights: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """(N, 22, 3) each point's (N, 22, 3) mean over its run of `_runs`, by weights (N, 22)."""
    run = runs + 1
    total = np.bincount(run.ravel(), weights.ravel())
    sums = np.stack([np.bincount(run.ravel(), (weights * points[..., axis]).ravel()) for axis in range(3)], axis=-1)
    means = sums / np.maximum(total, 1e-9)[:, None]
    return means[run]


def _solve(normal: np.ndarray, slope: np.ndarray, coupling: Sequence[np.ndarray], smooth: np.ndarray) -> np.ndarray:
    """(N, S) what solves the frames' normal equations (N, S, S), coupled by accelerations."""
    count = len(normal)
    bands = np.zeros((2 * _SIZE + 1, count, _SIZE))
    for below in range(_SIZE):
        bands[below, :, : _SIZE - below] = np.diagonal(normal, -below, axis1=1, axis2=2)
    for apart, along in enumerate(coupling):
        bands[apart * _SIZE, : len(along)] += along[:, None] * smooth
    flat = bands.reshape(len(bands), -1)
    found: np.ndarray = solveh_banded(flat, slope.ravel(), overwrite_ab=True, lower=True, check_finite=False)
    return found.reshape(count, _SIZE)


def _lift(times: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """(N,) metres by which bodies are to be lifted that are so deep in the floor: no less, and smooth."""
    size = 1 + 2 * round(_FADE / usual_step(times))
    highest = maximum_filter1d(np.maximum(depths, 0), 2 * size - 1, mode="nearest")
    lift: np.ndarray = uniform_filter1d(uniform_filter1d(highest, size, mode="nearest"), size, mode="nearest")
    return lift
