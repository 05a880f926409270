"""Fits bodies to meshes of the same vertices, in batches: Procrustes for each bone, then Gauss-Newton.

Least squares over vertices with a prior on shape and joint angles. The prior is weighed by how far the mesh is from any
body: one that the body itself made is met exactly, and one that no body could make is not followed into its errors.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.alignment import nearest_rotation
from model.body.hands import Hands
from model.body.rig import Rig
from model.body.rotations import to_quaternions, to_vectors
from model.body.skeleton import FAMILY, PARENTS, joint_positions, to_global, to_local
from model.joints import JOINTS

# Root mean square of each joint's rotation angle, radians, over 63,479 poses of CMU's motion capture, in SMPL's order.
# The root may turn freely. The collars never turn there, so that networks never saw them turn, and spine3 hardly does:
# these three have a guess. With looser collars shoulders come out square or raised, above all where arms cross.
_ANGLES = np.array(
    [
        np.inf, 0.70, 0.68, 0.36, 0.94, 0.92, 0.15, 0.43, 0.45, 0.10, 0.16,
        0.21, 0.36, 0.05, 0.05, 0.43, 1.52, 1.49, 1.27, 1.24, 0.55, 0.54,
    ]
)  # fmt: skip

_OBSERVATIONS = 100
"""Errors of a network's neighbouring vertices are much alike: the whole mesh counts as so many independent ones."""
_LEAST_NOISE = 1e-4  # metres: keeps the prior, and so the answer, where the mesh says nothing at all
_DAMPING = 1e-3
_STEPS = 12
_DONE = 3e-3  # radians, metres and shape coefficients: smaller steps change nothing that can be seen
_GAIN = 0.05  # of the cost: nor does a step that takes off less of what no body can meet
_BATCH = 16  # bodies at once: bounds the memory
_FAMILY = FAMILY.astype(np.float32)


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
    fingers: np.ndarray | None = None
    """(30, 3, 3) of SMPL-H's finger joints, relative to the parent's in the T-pose; None for relaxed hands."""
    hands_seen: tuple[bool, bool] = (False, False)
    """Whether the left and the right hand are posed as they were seen, and do not hang relaxed."""

    @property
    def pose(self) -> np.ndarray:
        """(22, 3) axis-angle, radians."""
        return to_vectors(self.rotations)

    def hand_pose(self, hands: Hands) -> np.ndarray:
        """(30, 3) axis-angle of the finger joints, radians."""
        return hands.relaxed if self.fingers is None else to_vectors(self.fingers)


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
    if shape is not None:
        shapes = np.tile(shape, (len(target), 1))
    elif start is not None:
        shapes = np.stack([each.shape for each in start]).astype(np.float64)
    else:
        shapes = np.zeros((len(target), rig.shape_count))
    state = _State(rig, np.swapaxes(target, 1, 2).copy(), *_begin(rig, target, shapes, start))
    people, damping = np.arange(len(target)), np.zeros(len(target))
    fits: dict[int, BodyFit] = {}
    for number in range(_STEPS):
        step = state.step(damping, reshape=shape is None)
        after = state.moved(step)
        before, now = state.cost(state.noise), after.cost(state.noise)
        better = now <= before
        state = after if better.all() else after.where(better, state)
        damping = np.where(better, damping / 10, np.maximum(10 * damping, _DAMPING))  # Levenberg and Marquardt
        moving = (np.abs(step).max(axis=1) >= _DONE) & ~(better & (now > (1 - _GAIN) * before)) & (number < _STEPS - 1)
        if not moving.all():  # who has arrived goes no further
            fits |= {int(person): state.fit(row) for row, person in enumerate(people) if not moving[row]}
            state, people, damping = state.subset(moving), people[moving], damping[moving]
        if not len(people):
            break
    return [fits[person] for person in range(len(target))]


def _begin(
    rig: Rig, target: np.ndarray, shapes: np.ndarray, start: Sequence[BodyFit] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where to begin: each joint's quaternion (B, 22, 4), shapes (B, S) and translations (B, 3)."""
    if start is not None:
        rotations = np.stack([each.rotations for each in start])
        return to_quaternions(rotations), shapes, np.stack([each.translation for each in start])
    rest = rig.rest(shapes)
    weights = np.square(rig.dense_weights.T)  # (22, N): most for what hangs on one joint alone
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    middle, aim = weights @ rest.vertices, weights @ target  # (B, 22, 3)
    # The covariance of both about their means, sum w (aim - mean)(rest - mean)^T.
    pairs = (target[..., :, None] * rest.vertices[..., None, :]).reshape(*target.shape[:2], 9)
    spread = (weights @ pairs).reshape(-1, JOINTS, 3, 3) - aim[..., :, None] * middle[..., None, :]
    turns = nearest_rotation(spread)
    arm = (turns[:, 0] @ (middle[:, 0] - rest.joints[:, 0])[..., None])[..., 0]
    rotations = to_local(turns @ np.swapaxes(rest.straighten, -1, -2))
    return to_quaternions(rotations), shapes, aim[:, 0] - arm - rest.joints[:, 0]


class _State:
    """B bodies somewhere on the way to their meshes, on the sampled vertices, whose coordinates come first: (B, 3, N).

    Rotations are kept as quaternions: products of matrices drift away from rotations, in a video with each frame.
    """

    def __init__(
        self, rig: Rig, target: np.ndarray, quaternions: np.ndarray, shape: np.ndarray, translation: np.ndarray
    ):
        self._rig, self._target = rig, target
        self._parameters = quaternions, shape, translation
        self._shape, people = shape, len(shape)
        turn = Rotation.from_quat(quaternions.reshape(-1, 4))
        self._rotations = turn.as_matrix().reshape(people, JOINTS, 3, 3)
        self._angles = turn.as_rotvec().reshape(people, JOINTS, 3) / _ANGLES[:, None]
        rest = rig.rest(shape)
        world = to_global(self._rotations)
        self._above = np.empty_like(world)  # each parent's axes
        self._above[:, 0], self._above[:, 1:] = np.eye(3), world[:, PARENTS]
        turns = world @ rest.straighten
        positions = joint_positions(rest.joints, turns, translation)
        self._turns, self._positions = turns.astype(np.float32), positions.astype(np.float32)
        offsets = positions - (turns @ rest.joints[..., None])[..., 0]
        self._offsets = offsets.astype(np.float32)
        vertices = rig.with_pose_offsets(rest, self._rotations).vertices
        self._rest = np.ascontiguousarray(np.swapaxes(vertices, 1, 2), np.float32)
        # Each vertex's own transform, blended of the joints': (B, 3, 4, N).
        motions = np.concatenate([self._turns, self._offsets[..., None]], axis=3).reshape(people, JOINTS, 12)
        self._blended = (np.swapaxes(motions, 1, 2) @ rig.dense_weights.T).reshape(people, 3, 4, -1)
        skinned = (self._blended[:, :, :3] * self._rest[:, None]).sum(axis=2) + self._blended[:, :, 3]
        self._off = target - skinned
        self._squares = np.square(self._off).sum(axis=(1, 2), dtype=np.float64)

    @property
    def noise(self) -> np.ndarray:
        """(B,) the squared error of one observation, square metres: weighs the prior."""
        count = self._target.shape[2]
        return np.maximum(self._squares / 3, count * _LEAST_NOISE**2) / _OBSERVATIONS

    def cost(self, noise: np.ndarray) -> np.ndarray:
        """(B,) what is minimised: squared distances, and the prior's squared deviations as if they were noise."""
        build = self._shape[:, : self._rig.build_count]
        return self._squares + noise * (np.square(build).sum(axis=1) + np.square(self._angles).sum(axis=(1, 2)))

    def fit(self, row: int) -> BodyFit:
        """One of the bodies as it stands."""
        _, shape, translation = (array[row] for array in self._parameters)
        residual = np.sqrt(np.square(self._off[row]).sum(axis=0)).mean()
        return BodyFit(self._rotations[row], shape, translation, float(residual))

    def where(self, chosen: np.ndarray, other: _State) -> _State:
        """These bodies where `chosen` (B,) says so, else the other's."""
        pairs = zip(self._parameters, other._parameters, strict=True)
        parts = (np.where(chosen.reshape(-1, *[1] * (mine.ndim - 1)), mine, its) for mine, its in pairs)
        return _State(self._rig, self._target, *parts)

    def subset(self, chosen: np.ndarray) -> _State:
        """These of the bodies (B,)."""
        part = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(part, name, value[chosen])
        quaternions, shape, translation = self._parameters
        part._parameters = quaternions[chosen], shape[chosen], translation[chosen]
        return part

    def moved(self, step: np.ndarray) -> _State:
        """The state after a step (B, 66 + 3 + S)."""
        quaternions, shape, translation = self._parameters
        swing, shift, change = np.split(step, [3 * JOINTS, 3 * JOINTS + 3], axis=1)
        # From the mesh's axes to the parent's.
        own = (np.swapaxes(self._above, 2, 3) @ swing.reshape(-1, JOINTS, 3, 1)).reshape(-1, 3)
        turned = (Rotation.from_rotvec(own) * Rotation.from_quat(quaternions.reshape(-1, 4))).as_quat()
        return _State(self._rig, self._target, turned.reshape(quaternions.shape), shape + change, translation + shift)

    def step(self, damping: np.ndarray, reshape: bool) -> np.ndarray:
        """The Gauss-Newton step (B, 66 + 3 + S).

        For each joint a rotation vector about its place, in the mesh's axes, that takes along all that hangs on it;
        then the translation's and the shape's changes, the latter zero unless `reshape`, and of age always.
        """
        changes = self._changes(reshape)  # the Jacobian, transposed
        people, size = changes.shape[:2]
        normal = (changes @ np.swapaxes(changes, 1, 2)).astype(np.float64)
        right = (changes @ self._off.reshape(people, -1, 1))[..., 0].astype(np.float64)
        # The prior: an angle in its parent's axes changes about as the swing in these axes.
        pull = np.zeros((people, size))
        pulled = (self._above @ (self._angles / _ANGLES[:, None])[..., None])[..., 0]
        pull[:, : 3 * JOINTS] = pulled.reshape(people, -1)
        pull[:, 3 * JOINTS + 3 :] = self._shape[:, : size - 3 * JOINTS - 3]
        stiffness = np.concatenate([np.repeat(1 / _ANGLES**2, 3), np.zeros(3), np.ones(size - 3 * JOINTS - 3)])
        noise, diagonal = self.noise[:, None], np.arange(size)
        normal[:, diagonal, diagonal] *= 1 + damping[:, None]
        normal[:, diagonal, diagonal] += noise * stiffness + 1e-12
        step = np.zeros((people, 3 * JOINTS + 3 + self._shape.shape[1]))
        step[:, :size] = np.linalg.solve(normal, (right - noise * pull)[..., None])[..., 0]
        return step

    def _changes(self, reshape: bool) -> np.ndarray:
        """How vertices move with each entry of a step: (B, 66 + 3 + S or 0, 3 N) float32, S without that of age.

        Pose blend shapes count as constant: they change little in a step.
        """
        weights, (people, _, count) = self._rig.dense_weights.T, self._off.shape  # (22, N)
        # What is moved by a joint or by what hangs on it, weighed.
        moved = self._turns @ self._rest[:, None] + self._offsets[..., None]  # (B, 22, 3, N)
        moved *= weights[:, None]
        arm = (_FAMILY @ moved.reshape(people, JOINTS, -1)).reshape(moved.shape)
        arm -= (_FAMILY @ weights)[:, None] * self._positions[..., None]
        changes = np.zeros((people, 3 * JOINTS + 3 + (self._rig.build_count if reshape else 0), 3, count), np.float32)
        swings = changes[:, : 3 * JOINTS].reshape(people, JOINTS, 3, 3, count)  # a view
        for axis, after, last in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):  # e_x * arm = (0, -z, y), and so on
            np.negative(arm[:, :, last], out=swings[:, :, axis, after])
            swings[:, :, axis, last] = arm[:, :, after]
        changes[:, 3 * JOINTS : 3 * JOINTS + 3] = np.eye(3)[:, :, None]
        if reshape:
            self._reshaped(changes[:, 3 * JOINTS + 3 :])
        return changes.reshape(people, changes.shape[1], -1)

    def _reshaped(self, changes: np.ndarray) -> None:
        """Fills in where vertices go as the shape changes: (B, S, 3, N)."""
        count = self._rig.build_count
        directions = np.swapaxes(self._rig.shape_directions[:count], 1, 2)
        joints = self._rig.joint_directions[:count]
        turns = self._turns[:, None]
        positions = joint_positions(np.broadcast_to(joints, (len(turns), *joints.shape)), turns, np.zeros(3))
        offsets = positions.astype(np.float32) - (turns @ joints[..., None])[..., 0]  # (B, S, 22, 3)
        np.matmul(np.swapaxes(offsets, 2, 3), self._rig.dense_weights.T, out=changes)
        for axis in range(3):
            changes += self._blended[:, None, :, axis] * directions[:, None, axis]
