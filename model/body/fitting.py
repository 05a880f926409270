"""Fits bodies to meshes of the same vertices, in batches: Procrustes for each bone, then Gauss-Newton.

Least squares over vertices with a prior on shape and joint angles. The prior is weighed by how far the mesh is from any
body: one that the body itself made is met exactly, and one that no body could make is not followed into its errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.rig import Rest, Rig
from model.body.skeleton import FAMILY, PARENTS, joint_positions, to_global, to_local
from model.joints import JOINTS

# Root mean square of each joint's rotation angle, radians, over 63,479 poses of CMU's motion capture, in SMPL's order.
# The root may turn freely. The collars never turn there and spine3 hardly does: these three have a guess.
_ANGLES = np.array(
    [
        np.inf, 0.70, 0.68, 0.36, 0.94, 0.92, 0.15, 0.43, 0.45, 0.10, 0.16,
        0.21, 0.36, 0.15, 0.15, 0.43, 1.52, 1.49, 1.27, 1.24, 0.55, 0.54,
    ]
)  # fmt: skip

_OBSERVATIONS = 100
"""Errors of a network's neighbouring vertices are much alike: the whole mesh counts as so many independent ones."""
_LEAST_NOISE = 1e-4  # metres: keeps the prior, and so the answer, where the mesh says nothing at all
_DAMPING = 1e-3
_STEPS = 20
_DONE = 3e-3  # radians, metres and shape coefficients: smaller steps change nothing that can be seen
_BATCH = 16  # bodies at once: bounds the memory


@dataclass(frozen=True)
class BodyFit:
    """A body's parameters in the mesh's frame, and how well they tell the mesh."""

    rotations: np.ndarray
    """(22, 3, 3) relative to the parent's in the T-pose; the first takes the body frame to the mesh's."""
    shape: np.ndarray
    """(S,)."""
    translation: np.ndarray
    """(3,) metres, added to the posed body, whose pelvis otherwise stays where it is at rest."""
    residual: float
    """Metres: from the fitted vertices to the mesh's, in the mean over those that were sampled."""

    @property
    def pose(self) -> np.ndarray:
        """(22, 3) axis-angle, radians."""
        return Rotation.from_matrix(self.rotations).as_rotvec()


def fit(
    rig: Rig, meshes: np.ndarray, shape: np.ndarray | None = None, start: Sequence[BodyFit] | None = None
) -> list[BodyFit]:
    """Fits a body to each mesh; each comes out as if it were alone.

    Args:
        rig: the body.
        meshes: (B, V, 3) metres, in any frame that a rotation leads to, such as the camera's.
        shape: (S,) if it is known, such as that of a person in a video.
        start: B fits that are near, such as those of the frame before; None begins with Procrustes.

    Raises:
        ValueError: the meshes have another number of vertices, or one that is not finite.
    """
    if meshes.ndim != 3 or meshes.shape[1:] != (rig.vertex_count, 3):
        raise ValueError(f"the rig has {rig.vertex_count} vertices, but the meshes have the shape {meshes.shape}")
    if not np.isfinite(meshes).all():
        raise ValueError("a vertex has a coordinate that is not finite")
    fits: list[BodyFit] = []
    for begin in range(0, len(meshes), _BATCH):
        part = slice(begin, begin + _BATCH)
        target = meshes[part][:, rig.sample].astype(np.float32)
        fits += _fit_batch(rig.sampled, target, shape, None if start is None else start[part])
    return fits


def _fit_batch(
    rig: Rig, target: np.ndarray, shape: np.ndarray | None, start: Sequence[BodyFit] | None
) -> list[BodyFit]:
    """Fits B bodies to B meshes of the rig's vertices (B, N, 3)."""
    shapes = np.zeros((len(target), rig.shape_count)) if shape is None else np.tile(shape, (len(target), 1))
    state = _State(rig, target, *_begin(rig, target, shapes, start))
    damping, moving = np.zeros(len(target)), np.ones(len(target), bool)
    for _ in range(_STEPS):
        step = state.step(damping, reshape=shape is None) * moving[:, None]
        after = state.moved(step)
        better = after.cost(state.noise) <= state.cost(state.noise)
        state = after if better.all() else state.where(~better, after)
        damping = np.where(better, damping / 10, np.maximum(10 * damping, _DAMPING))  # Levenberg and Marquardt
        moving &= np.abs(step).max(axis=1) >= _DONE
        if not moving.any():
            break
    residuals = np.sqrt(np.square(state.off).sum(axis=2)).mean(axis=1)
    return [
        BodyFit(rotations, shape, translation, float(residual))
        for rotations, shape, translation, residual in zip(
            state.rotations, state.shape, state.translation, residuals, strict=True
        )
    ]


def _begin(
    rig: Rig, target: np.ndarray, shapes: np.ndarray, start: Sequence[BodyFit] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where to begin: rotations (B, 22, 3, 3), shapes (B, S) and translations (B, 3)."""
    if start is not None:
        return np.stack([each.rotations for each in start]), shapes, np.stack([each.translation for each in start])
    rest = rig.rest(shapes)
    weights = np.square(rig.dense_weights.T)  # (22, N): most for what hangs on one joint alone
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    middle, aim = weights @ rest.vertices, weights @ target  # (B, 22, 3)
    # The covariance of both about their means, sum w (aim - mean)(rest - mean)^T.
    pairs = (target[..., :, None] * rest.vertices[..., None, :]).reshape(*target.shape[:2], 9)
    spread = (weights @ pairs).reshape(-1, JOINTS, 3, 3) - aim[..., :, None] * middle[..., None, :]
    u, _, vt = np.linalg.svd(spread.astype(np.float64))
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]  # a rotation, no reflection: Kabsch 1976
    turns = u @ vt
    arm = (turns[:, 0] @ (middle[:, 0] - rest.joints[:, 0])[..., None])[..., 0]
    rotations = to_local(turns @ np.swapaxes(rest.straighten, -1, -2))
    return rotations, shapes, aim[:, 0] - arm - rest.joints[:, 0]


class _State:
    """B bodies somewhere on the way to their meshes, on the sampled vertices."""

    def __init__(self, rig: Rig, target: np.ndarray, rotations: np.ndarray, shape: np.ndarray, translation: np.ndarray):
        self._rig, self._target = rig, target
        self.rotations, self.shape, self.translation = rotations, shape, translation
        rest = rig.rest(shape)
        world = to_global(rotations)
        self._turns = world @ rest.straighten
        self._above = np.broadcast_to(np.eye(3), world.shape).copy()  # each parent's axes
        self._above[:, 1:] = world[:, PARENTS]
        angles = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_rotvec().reshape(-1, JOINTS, 3)
        self._angles = angles / _ANGLES[:, None]
        self._rest: Rest = rig.with_pose_offsets(rest, rotations)
        self._places = joint_positions(rest.joints, self._turns, translation)
        self.off = target - rig.skin(self._rest, self._turns, self._places)  # (B, N, 3)
        self._squares = np.square(self.off).sum(axis=(1, 2), dtype=np.float64)

    @property
    def noise(self) -> np.ndarray:
        """(B,) the squared error of one observation, square metres: weighs the prior."""
        return np.maximum(self._squares / 3, self._target.shape[1] * _LEAST_NOISE**2) / _OBSERVATIONS

    def cost(self, noise: np.ndarray) -> np.ndarray:
        """(B,) what is minimised: squared distances, and the prior's squared deviations as if they were noise."""
        return self._squares + noise * (np.square(self.shape).sum(axis=1) + np.square(self._angles).sum(axis=(1, 2)))

    def where(self, kept: np.ndarray, other: _State) -> _State:
        """These bodies where `kept` (B,) says so, else the other's."""
        parts = [
            np.where(kept.reshape(-1, *[1] * (mine.ndim - 1)), mine, its)
            for mine, its in zip(self._parameters, other._parameters, strict=True)
        ]
        return _State(self._rig, self._target, *parts)

    @property
    def _parameters(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.rotations, self.shape, self.translation

    def moved(self, step: np.ndarray) -> _State:
        """The state after a step (B, 66 + 3 + S)."""
        swing, shift, change = np.split(step, [3 * JOINTS, 3 * JOINTS + 3], axis=1)
        swings = Rotation.from_rotvec(swing.reshape(-1, 3)).as_matrix().reshape(-1, JOINTS, 3, 3)
        local = np.swapaxes(self._above, -1, -2) @ swings @ self._above @ self.rotations
        # Made rotations again at each step: else what rounding takes from them grows with each frame of a video.
        local = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_matrix().reshape(local.shape)
        return _State(self._rig, self._target, local, self.shape + change, self.translation + shift)

    def step(self, damping: np.ndarray, reshape: bool) -> np.ndarray:
        """The Gauss-Newton step (B, 66 + 3 + S).

        For each joint a rotation vector about its place, in the mesh's axes, that takes along all that hangs on it;
        then the translation's and the shape's changes, the latter zero unless `reshape`.
        """
        changes = self._changes(reshape)  # the Jacobian, transposed
        people, size = changes.shape[:2]
        normal = (changes @ np.swapaxes(changes, 1, 2)).astype(np.float64)
        right = (changes @ self.off.reshape(people, -1, 1))[..., 0].astype(np.float64)
        # The prior: an angle in its parent's axes changes about as the swing in these axes.
        pull = np.zeros((people, size))
        pulled = (self._above @ (self._angles / _ANGLES[:, None])[..., None])[..., 0]
        pull[:, : 3 * JOINTS] = pulled.reshape(people, -1)
        pull[:, 3 * JOINTS + 3 :] = self.shape[:, : size - 3 * JOINTS - 3]
        stiffness = np.concatenate([np.repeat(1 / _ANGLES**2, 3), np.zeros(3), np.ones(size - 3 * JOINTS - 3)])
        noise, diagonal = self.noise[:, None], np.arange(size)
        normal[:, diagonal, diagonal] *= 1 + damping[:, None]
        normal[:, diagonal, diagonal] += noise * stiffness + 1e-12
        step = np.zeros((people, 3 * JOINTS + 3 + self.shape.shape[1]))
        step[:, :size] = np.linalg.solve(normal, (right - noise * pull)[..., None])[..., 0]
        return step

    def _changes(self, reshape: bool) -> np.ndarray:
        """How vertices move with each entry of a step: (B, 66 + 3 + S or 0, 3 N) float32.

        Pose blend shapes count as constant: they change little in a step.
        """
        rest, weights = self._rest, self._rig.dense_weights.T  # (22, N)
        turns, places = self._turns.astype(np.float32), self._places.astype(np.float32)
        people, count = self.off.shape[:2]
        # What is moved by a joint or by what hangs on it, weighed.
        offsets = places - (turns @ rest.joints.astype(np.float32)[..., None])[..., 0]
        moved = rest.vertices[:, None] @ np.swapaxes(turns, 2, 3) + offsets[:, :, None]  # (B, 22, N, 3)
        family = FAMILY.astype(np.float32)
        carried = (family @ (weights[..., None] * moved).reshape(people, JOINTS, -1)).reshape(moved.shape)
        arm = carried - (family @ weights)[..., None] * places[:, :, None]
        changes = np.zeros((people, 3 * JOINTS + 3 + (self.shape.shape[1] if reshape else 0), count, 3), np.float32)
        swings = changes[:, : 3 * JOINTS].reshape(people, JOINTS, 3, count, 3)  # a view
        for axis, after, last in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):  # e_x * arm = (0, -z, y), and so on
            swings[:, :, axis, :, after] = -arm[..., last]
            swings[:, :, axis, :, last] = arm[..., after]
        changes[:, 3 * JOINTS : 3 * JOINTS + 3] = np.eye(3)[:, None]
        if reshape:
            changes[:, 3 * JOINTS + 3 :] = self._reshaped(weights, turns)
        return changes.reshape(people, changes.shape[1], -1)

    def _reshaped(self, weights: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """(B, S, N, 3): where vertices go as the shape changes."""
        directions, joints = self._rig.shape_directions, self._rig.joint_directions
        joints = np.broadcast_to(joints, (len(turns), *joints.shape))  # (B, S, 22, 3)
        places = joint_positions(joints, turns[:, None], np.zeros(3))
        offsets = places.astype(np.float32) - (turns[:, None] @ joints[..., None])[..., 0]
        blended = (weights.T @ turns.reshape(-1, JOINTS, 9)).reshape(len(turns), -1, 3, 3)  # (B, N, 3, 3)
        turned = directions.transpose(1, 0, 2) @ np.swapaxes(blended, 2, 3)  # (B, N, S, 3)
        return turned.transpose(0, 2, 1, 3) + weights.T @ offsets
