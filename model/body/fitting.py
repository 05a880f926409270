"""Fits a body's pose and shape to a mesh of the same vertices: Procrustes for each bone, then Gauss-Newton.

Least squares over vertices with a prior on shape and joint angles. The prior is weighed by how far the mesh is from any
body: one that the body itself made is met exactly, and one that no body could make is not followed into its errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.rig import Rig
from model.body.skeleton import joint_positions, to_global, to_local
from model.joints import JOINTS, SMPL_PARENTS

# Root mean square of each joint's rotation angle, radians, over 63,479 poses of CMU's motion capture, in SMPL's order.
# The root may turn freely. The collars never turn there and spine3 hardly does: these three have a guess.
_ANGLES = np.array(
    [
        np.inf, 0.70, 0.68, 0.36, 0.94, 0.92, 0.15, 0.43, 0.45, 0.10, 0.16,
        0.21, 0.36, 0.15, 0.15, 0.43, 1.52, 1.49, 1.27, 1.24, 0.55, 0.54,
    ]
)  # fmt: skip

_CORRELATION = 10.0
"""Errors of a network's neighbouring vertices are much alike: this many sampled vertices count as one observation."""
_LEAST_NOISE = 1e-4  # metres: keeps the prior, and so the answer, where the mesh says nothing at all
_DAMPING = 1e-3
_STEPS = 20
_SHAPE_FRAMES = 16  # of a video, from which the shape is found
_DONE = 3e-3  # radians, metres and shape coefficients: smaller steps change nothing that can be seen


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
    """Metres: from the fitted vertices to the mesh's, in the mean over all of them."""

    @property
    def pose(self) -> np.ndarray:
        """(22, 3) axis-angle, radians."""
        return Rotation.from_matrix(self.rotations).as_rotvec()


def fit(rig: Rig, vertices: np.ndarray, shape: np.ndarray | None = None, start: BodyFit | None = None) -> BodyFit:
    """Fits a body to a mesh.

    Args:
        rig: the body.
        vertices: (V, 3) metres, in any frame that a rotation leads to, such as the camera's.
        shape: (S,) if it is known, such as that of a person in a video.
        start: a fit that is near, such as that of the frame before; None begins with Procrustes.

    Raises:
        ValueError: the mesh has another number of vertices, or one that is not finite.
    """
    if vertices.shape != (rig.vertex_count, 3):
        raise ValueError(f"the rig has {rig.vertex_count} vertices, but the mesh has the shape {vertices.shape}")
    if not np.isfinite(vertices).all():
        raise ValueError("a vertex has a coordinate that is not finite")
    few, target = rig.sampled, vertices[rig.sample].astype(np.float64)
    state = _State(few, target, *_begin(few, target, shape, start))
    damping = 0.0
    for _ in range(_STEPS):
        step = state.step(damping, reshape=shape is None)
        after = state.moved(step)
        if better := after.cost(state.noise) <= state.cost(state.noise):
            state = after
        damping = damping / 10 if better else max(10 * damping, _DAMPING)  # Levenberg and Marquardt
        if np.abs(step).max() < _DONE:
            break
    rotations = state.rotations
    distance = np.linalg.norm(rig.pose(rotations, state.shape, state.translation) - vertices, axis=1)
    return BodyFit(rotations, state.shape, state.translation, float(distance.mean()))


def fit_motion(rig: Rig, meshes: Sequence[np.ndarray] | np.ndarray) -> list[BodyFit]:
    """Fits one person's body to a mesh a frame: the shape is that of all frames, since bones keep their lengths.

    Args:
        rig: the body.
        meshes: N of (V, 3) metres, in the order of time; read one by one, so that they may be on disk.

    Raises:
        ValueError: as `fit`.
    """
    some = np.unique(np.linspace(0, len(meshes) - 1, min(len(meshes), _SHAPE_FRAMES)).round().astype(int))
    shape = np.median([fit(rig, meshes[frame]).shape for frame in some], axis=0)
    found: list[BodyFit] = []
    for mesh in meshes:
        found.append(fit(rig, mesh, shape, found[-1] if found else None))
    return found


def _begin(
    rig: Rig, target: np.ndarray, shape: np.ndarray | None, start: BodyFit | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where to begin: each joint's turn from rest (22, 3, 3), shape (S,) and translation (3,)."""
    shape = np.zeros(rig.shape_count) if shape is None else np.asarray(shape, np.float64)
    rest = rig.rest(shape)
    if start is not None:
        return to_global(start.rotations) @ rest.straighten, shape, start.translation
    weights = np.square(rig.dense_weights.T.astype(np.float64))  # (22, N): most for what hangs on one joint alone
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    source = rest.vertices - (weights @ rest.vertices)[:, None]  # (22, N, 3)
    aim = target - (weights @ target)[:, None]
    u, _, vt = np.linalg.svd(np.einsum("jn,jna,jnb->jab", weights, aim, source))
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]  # a rotation, no reflection: Kabsch 1976
    turns = u @ vt
    pelvis = weights[0] @ target - turns[0] @ (weights[0] @ rest.vertices - rest.joints[0])
    return turns, shape, pelvis - rest.joints[0]


class _State:
    """A body somewhere on the way to the mesh, on the sampled vertices."""

    def __init__(self, rig: Rig, target: np.ndarray, turns: np.ndarray, shape: np.ndarray, translation: np.ndarray):
        self._rig, self._target = rig, target
        self._turns, self.shape, self.translation = turns, shape, translation
        rest = rig.rest(shape)
        world = turns @ np.swapaxes(rest.straighten, 1, 2)
        self._above = np.concatenate([np.eye(3)[None], world[list(SMPL_PARENTS[1:])]])  # each parent's axes
        self.rotations = to_local(world)
        self._angles = Rotation.from_matrix(self.rotations).as_rotvec()
        self._rest = rig.with_pose_offsets(rest, self.rotations)
        self._places = joint_positions(rest.joints, turns, translation)
        self._off = target - rig.skin(self._rest, turns, self._places)  # (N, 3)

    @property
    def noise(self) -> float:
        """The squared error of one observation, square metres: weighs the prior."""
        return _CORRELATION * max(float(np.square(self._off).mean()), _LEAST_NOISE**2)

    def cost(self, noise: float) -> float:
        """What is minimised: squared distances, and the prior's squared deviations as if they were noise."""
        prior = np.square(self.shape).sum() + np.square(self._angles / _ANGLES[:, None]).sum()
        return float(np.square(self._off).sum() + noise * prior)

    def moved(self, step: np.ndarray) -> _State:
        """The state after a step of `step`."""
        swing, shift, change = np.split(step, [3 * JOINTS, 3 * JOINTS + 3])
        above = np.concatenate([np.eye(3)[None], self._turns[list(SMPL_PARENTS[1:])]])
        swings = Rotation.from_rotvec(swing.reshape(JOINTS, 3)).as_matrix()
        # Made rotations again at each step: else what rounding takes from them grows down the tree and with each frame.
        local = Rotation.from_matrix(np.swapaxes(above, 1, 2) @ swings @ self._turns).as_matrix()
        return _State(self._rig, self._target, to_global(local), self.shape + change, self.translation + shift)

    def step(self, damping: float, reshape: bool) -> np.ndarray:
        """The Gauss-Newton step (66 + 3 + S,).

        For each joint a rotation vector about its place, in the mesh's axes, that takes along all that hangs on it;
        then the translation's and the shape's changes, the latter zero unless `reshape`.
        """
        changes = self._changes(reshape)  # the Jacobian, transposed
        size = len(changes)
        normal, right = (changes @ changes.T).astype(np.float64), changes @ self._off.ravel()
        # The prior: an angle in its parent's axes changes about as the swing in these axes.
        pull = np.zeros(size)
        pull[: 3 * JOINTS] = (np.einsum("jab,jb->ja", self._above, self._angles) / _ANGLES[:, None] ** 2).ravel()
        pull[3 * JOINTS + 3 :] = self.shape[: size - 3 * JOINTS - 3]
        stiffness = np.concatenate([np.repeat(1 / _ANGLES**2, 3), np.zeros(3), np.ones(size - 3 * JOINTS - 3)])
        normal[np.diag_indices(size)] = (1 + damping) * normal.diagonal() + self.noise * stiffness + 1e-12
        step = np.zeros(3 * JOINTS + 3 + len(self.shape))
        step[:size] = np.linalg.solve(normal, right - self.noise * pull)
        return step

    def _changes(self, reshape: bool) -> np.ndarray:
        """How vertices move with each entry of a step: (66 + 3 + S or 0, 3 N) float32.

        Pose blend shapes count as constant: they change little in a step.
        """
        weights = self._rig.dense_weights.T  # (22, N)
        turns, places = self._turns.astype(np.float32), self._places.astype(np.float32)
        rest, joints = self._rest.vertices.astype(np.float32), self._rest.joints.astype(np.float32)
        # What is moved by a joint or by what hangs on it, weighed: sums from the leaves to the root.
        offsets = places - np.einsum("jab,jb->ja", turns, joints)
        carried = weights[..., None] * (rest @ np.swapaxes(turns, 1, 2) + offsets[:, None])
        share = weights.copy()
        for joint in range(JOINTS - 1, 0, -1):
            carried[SMPL_PARENTS[joint]] += carried[joint]
            share[SMPL_PARENTS[joint]] += share[joint]
        arm = carried - share[..., None] * places[:, None]  # (22, N, 3)
        changes = np.zeros((3 * JOINTS + 3 + (len(self.shape) if reshape else 0), *rest.shape), np.float32)
        swings = changes[: 3 * JOINTS].reshape(JOINTS, 3, *rest.shape)  # a view
        for axis, after, last in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):  # e_x * arm = (0, -z, y), and so on
            swings[:, axis, :, after] = -arm[..., last]
            swings[:, axis, :, last] = arm[..., after]
        changes[3 * JOINTS : 3 * JOINTS + 3] = np.eye(3)[:, None]
        if reshape:
            changes[3 * JOINTS + 3 :] = self._reshaped(weights, turns)
        return changes.reshape(len(changes), -1)

    def _reshaped(self, weights: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """(S, N, 3): where vertices go as the shape changes."""
        directions, joints = self._rig.shape_directions, self._rig.joint_directions
        places = joints.copy()
        for joint, parent in enumerate(SMPL_PARENTS[1:], start=1):
            places[:, joint] = places[:, parent] + (joints[:, joint] - joints[:, parent]) @ turns[parent].T
        offsets = places - np.einsum("jab,sjb->sja", turns, joints)
        blended = (weights.T @ turns.reshape(JOINTS, 9)).reshape(-1, 3, 3)  # (N, 3, 3)
        turned = np.einsum("nab,snb->sna", blended, directions, optimize=True)
        return turned + weights.T @ offsets
