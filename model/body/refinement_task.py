"""What bodies cost that are refined to what was seen, and steps that make it less: see `model.body.refinement`."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.contact import LIMBS, POINTS, Inside, Solids
from model.body.evidence import Seen, noise_of
from model.body.fitting import BodyFit
from model.body.keypoints import Keypoints
from model.body.limits import AXES, HINGES, beyond
from model.body.rig import Rig
from model.body.rotations import to_vectors
from model.body.skeleton import FAMILY, PARENTS, joint_positions, to_global
from model.joints import COCO_ROOT, JOINTS

# Metres at the person's distance: how far a joint may be off whose peak in BlazePose is so high, as `noise_of` has it.
_NOISE, _AT = 0.016, 0.92
_GROSS = 4.0  # times the noise: errors beyond count less and less (Geman and McClure)
_SIDEWAYS = 0.1  # metres: how far the person may stand beside where she was placed
_DEEP = 0.1  # of her distance: likewise, nearer or farther
_NEAREST = 0.1  # metres before the camera: keeps a projection finite
# Root mean square error of each joint's rotation about an axis, radians, in SMPL's order: of anny-tiny, by clean and by
# noisy heatmaps of 193 poses of training subjects. Of collars, which never turn there, it is a guess.
TURNS = np.array(
    [
        0.10, 0.20, 0.20, 0.17, 0.17, 0.17, 0.10, 0.26, 0.26, 0.04, 0.06,
        0.06, 0.17, 0.05, 0.05, 0.20, 0.34, 0.34, 0.36, 0.36, 0.38, 0.38,
    ]
)  # fmt: skip
_BEYOND = np.radians(4.0)  # how far beyond its limits a hinge may well be: they are soft
_INSIDE = 0.01  # metres: how far a limb may well be inside
_EASE = 1.2  # times as far a joint may turn: errors of 2D networks are less independent than this method thinks


@dataclass(frozen=True)
class RefinedBody:
    """A refined body, and where it stands."""

    fit: BodyFit
    """Its shape and residual are those that it had."""
    joints: np.ndarray
    """(K, 3) the keypoints: camera axes, metres, the middle of the hips at the origin, as `fit` has it."""
    translation: np.ndarray
    """(3,) metres: a point p of the body projects from p + translation."""


@dataclass(frozen=True)
class State:
    """Where B bodies are on their way."""

    rotations: np.ndarray
    """(B, 22, 3, 3) relative to the parent's."""
    translation: np.ndarray
    """(B, 3)."""
    above: np.ndarray
    """(B, 22, 3, 3) each parent's axes."""
    places: np.ndarray
    """(B, 22, 3) the rig's joints."""
    parts: np.ndarray
    """(B, K, 22, 3) what each of them adds to each keypoint."""
    joints: np.ndarray
    """(B, K, 3) the keypoints, their sum."""
    off: np.ndarray
    """(B, K, 2) metres at the person's distance, from where a keypoint was seen to where it projects."""
    away: np.ndarray
    """(B, 69) from the network's answer: rotation vectors in the camera's axes, and the translation."""
    beyond: np.ndarray
    """(B, 4, 3) radians that hinges are beyond their limits, see `model.body.limits`."""
    limbs: np.ndarray
    """(B, 4, P, 3) metres: points of limbs; zeros if bodies are not solid."""
    out: np.ndarray
    """(B, 4, P) metres that these are inside, see `model.body.contact`; likewise."""
    strain: np.ndarray
    """(B,) how far away that is: sum of squares, each by how far the network is usually off."""
    cost: np.ndarray
    """(B,)."""

    def where(self, which: np.ndarray, other: State) -> State:
        """The other state where `which` (B,) says so."""
        chosen = {}
        for name, old in vars(self).items():
            chosen[name] = np.where(which.reshape(-1, *[1] * (old.ndim - 1)), getattr(other, name), old)
        return State(**chosen)

    def subset(self, people: list[int]) -> State:
        """Some of the bodies."""
        return State(*(array[people] for array in vars(self).values()))

    def bodies(self, fits: Sequence[BodyFit]) -> list[RefinedBody]:
        """The bodies as they stand, each with the shape and the residual of its fit."""
        refined = []
        for index, fit in enumerate(fits):
            hips = self.joints[index, list(COCO_ROOT)].mean(axis=0)
            body = replace(fit, rotations=self.rotations[index], translation=fit.translation - hips)
            refined.append(RefinedBody(body, self.joints[index] - hips, self.translation[index] + hips))
        return refined


class Task:
    """What does not change while B bodies are refined."""

    def __init__(
        self,
        rig: Rig,
        keypoints: Keypoints,
        fits: Sequence[BodyFit],
        translation: np.ndarray,
        seen: Seen,
        doubt: float = 1.0,
    ):
        """Prepares for bodies at these places (B, 3); joints that were seen may be off `doubt` times as far."""
        self._rays, confidence = seen.rays()
        shapes = np.stack([fit.shape for fit in fits]).astype(np.float64)
        joints, self._straighten = rig.skeleton(shapes)  # (B, 22, 3)
        self._resting, self._root = joints, np.stack([fit.translation for fit in fits])
        self._weights = keypoints.weights
        self._arms = keypoints.arms + np.tensordot(shapes, keypoints.arm_directions, axes=1)
        self._arms = self._arms - self._weights[..., None] * joints[:, None]  # (B, K, 22, 3)
        self._below = FAMILY @ self._weights.T  # (22, K)
        self.rotations = np.stack([fit.rotations for fit in fits]).astype(np.float64)
        self.translation = translation.astype(np.float64)
        self._distance = np.maximum(self.translation[:, 2], _NEAREST)
        noise = doubt * noise_of(confidence, _NOISE, _AT)  # (B, K)
        self._trust, self._gross = (confidence > 0) / np.square(noise), np.square(_GROSS * noise)
        self.stiffness = np.empty((len(fits), 3 * JOINTS + 3))
        self.stiffness[:, : 3 * JOINTS] = np.repeat((_EASE * TURNS) ** -2, 3)
        self.stiffness[:, -3:-1] = _SIDEWAYS**-2
        self.stiffness[:, -1] = (_DEEP * self._distance) ** -2
        away = self.translation / np.maximum(np.linalg.norm(self.translation, axis=1, keepdims=True), _NEAREST)
        self._solids = Solids(rig, shapes, away, confidence)
        self._ways: np.ndarray | None = None  # that limbs go; None where bodies are not solid

    def inside(self, state: State) -> Inside:
        """Which parts of limbs are inside of others."""
        return self._solids.inside(to_global(state.rotations), state.places)

    def solid(self, state: State, inside: Inside, people: list[int]) -> tuple[Task, State]:
        """The same for some of the bodies, whose limbs get out, each one way, and how they stand."""
        task = copy.copy(self)
        for name in _OF_EACH:
            setattr(task, name, getattr(self, name)[people])
        task._solids, task._ways = self._solids.subset(people), np.sign(inside.out[people].sum(axis=2))
        return task, _with_limbs(state.subset(people), inside.subset(people))

    def state(self, rotations: np.ndarray, translation: np.ndarray) -> State:
        """The bodies with these rotations (B, 22, 3, 3) at these places (B, 3)."""
        people = len(rotations)
        world = to_global(rotations)
        turns = world @ self._straighten
        places = joint_positions(self._resting, turns, self._root)
        turned = np.swapaxes(turns @ np.moveaxis(self._arms, 1, 3), 2, 3)  # (B, 22, K, 3)
        parts = np.swapaxes(turned, 1, 2) + self._weights[..., None] * places[:, None]
        joints = parts.sum(axis=2)
        placed = joints + translation[:, None]
        depth = np.maximum(placed[..., 2:], _NEAREST)
        off = self._distance[:, None, None] * (placed[..., :2] / depth - self._rays)
        above = np.concatenate([np.broadcast_to(np.eye(3), (people, 1, 3, 3)), world[:, PARENTS]], axis=1)
        swing = above @ to_vectors(rotations @ np.swapaxes(self.rotations, 2, 3))[..., None]
        away = np.concatenate([swing.reshape(people, -1), translation - self.translation], axis=1)
        squared = np.square(off).sum(axis=2)
        cost = (self._trust * self._gross * squared / (self._gross + squared)).sum(axis=1)
        strain = (self.stiffness * np.square(away)).sum(axis=1)
        over = beyond(rotations)
        cost += strain + np.square(over / _BEYOND).sum(axis=(1, 2))
        limbs, out = np.zeros((people, LIMBS, POINTS, 3)), np.zeros((people, LIMBS, POINTS))
        state = State(rotations, translation, above, places, parts, joints, off, away, over, limbs, out, strain, cost)
        return state if self._ways is None else _with_limbs(state, self._solids.inside(world, places, self._ways))

    def part_of_the_way(self, state: State, share: np.ndarray) -> State:
        """The bodies that went such shares (B,) of the way from the network's answer to the state."""
        turns = share[:, None, None] * to_vectors(state.rotations @ np.swapaxes(self.rotations, 2, 3))
        less = Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(-1, JOINTS, 3, 3)
        away = share[:, None] * (state.translation - self.translation)
        return self.state(less @ self.rotations, self.translation + away)

    def step(self, state: State, damping: np.ndarray) -> np.ndarray:
        """(B, 69): for each joint a rotation vector about its place, in the camera's axes, and the translation's.

        Args:
            state: where they are; damping: (B,) Levenberg's and Marquardt's.
        """
        normal, slope = self.equations(state)
        diagonal = np.arange(normal.shape[1])
        normal[:, diagonal, diagonal] *= 1 + damping[:, None]
        normal[:, diagonal, diagonal] += self.stiffness
        return -np.linalg.solve(normal, slope[..., None])[..., 0]

    def equations(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """What was seen, and limits, as normal equations (B, 69, 69), without stiffness; half the cost's slope (B, 69).

        Re-weighted least squares stand for the robust cost.
        """
        weight = self._trust * np.square(self._gross / (self._gross + np.square(state.off).sum(axis=2)))  # (B, K)
        changes = self._changes(state)
        weighted = changes * np.repeat(weight, 2, axis=1)[:, None]
        normal = weighted @ np.swapaxes(changes, 1, 2)  # (B, 69, 69)
        slope = (weighted @ state.off.reshape(len(weight), -1, 1))[..., 0] + self.stiffness * state.away
        axes = state.above[:, HINGES] @ np.swapaxes(AXES, 1, 2)  # (B, 4, 3, 3): as columns, in the camera's
        pull = axes @ state.beyond[..., None] / _BEYOND**2
        curve = axes * (state.beyond != 0)[:, :, None] @ np.swapaxes(axes, 2, 3) / _BEYOND**2
        for row, joint in enumerate(HINGES):
            own = slice(3 * joint, 3 * joint + 3)
            normal[:, own, own] += curve[:, row]
            slope[:, own] += pull[:, row, :, 0]
        if self._ways is not None:
            self._keep_out(state, normal, slope)
        return normal, slope

    def _keep_out(self, state: State, normal: np.ndarray, slope: np.ndarray) -> None:
        """Adds limbs that are inside to the equations."""
        out = state.out.reshape(len(normal), -1)
        changes = self._solids.changes(state.limbs, state.places) * (out != 0)[:, None] / _INSIDE
        normal[:, : 3 * JOINTS, : 3 * JOINTS] += changes @ np.swapaxes(changes, 1, 2)
        slope[:, : 3 * JOINTS] -= (changes @ out[..., None])[..., 0] / _INSIDE

    def _changes(self, state: State) -> np.ndarray:
        """The Jacobian, transposed: (B, 69, 2 K), how `off` changes with each entry of a step."""
        people, count = state.joints.shape[:2]
        hanging = np.swapaxes(FAMILY @ state.parts, 1, 2)  # (B, 22, K, 3): what each joint takes along of a keypoint
        arm = hanging - self._below[..., None] * state.places[:, :, None]
        placed = state.joints + state.translation[:, None]
        depth = np.maximum(placed[..., 2], _NEAREST)
        scale = (self._distance[:, None] / depth)[:, None]  # (B, 1, K)
        x, y = ((placed[..., axis] / depth)[:, None] for axis in (0, 1))
        arm_x, arm_y, arm_z = (scale * arm[..., axis] for axis in range(3))
        changes = np.empty((people, JOINTS + 1, 3, count, 2))
        # A swing about an axis moves a point by axis x arm; its projection by that less x or y times the part in depth.
        changes[:, :JOINTS, 0, :, 0], changes[:, :JOINTS, 0, :, 1] = -x * arm_y, -arm_z - y * arm_y
        changes[:, :JOINTS, 1, :, 0], changes[:, :JOINTS, 1, :, 1] = arm_z + x * arm_x, y * arm_x
        changes[:, :JOINTS, 2, :, 0], changes[:, :JOINTS, 2, :, 1] = -arm_y, arm_x
        changes[:, JOINTS] = 0
        changes[:, JOINTS, 0, :, 0] = changes[:, JOINTS, 1, :, 1] = scale[:, 0]
        changes[:, JOINTS, 2, :, 0], changes[:, JOINTS, 2, :, 1] = -(scale * x)[:, 0], -(scale * y)[:, 0]
        return changes.reshape(people, 3 * JOINTS + 3, 2 * count)

    def moved(self, state: State, step: np.ndarray) -> State:
        """The state after a step (B, 69)."""
        swings = Rotation.from_rotvec(step[:, : 3 * JOINTS].reshape(-1, 3)).as_matrix().reshape(-1, JOINTS, 3, 3)
        rotations = np.swapaxes(state.above, 2, 3) @ swings @ state.above @ state.rotations
        return self.state(rotations, state.translation + step[:, 3 * JOINTS :])


_OF_EACH = (
    *("_rays", "_resting", "_straighten", "_root", "_arms", "rotations", "translation"),
    *("_distance", "_trust", "_gross", "stiffness"),
)
"""What a task has of each body."""


def _with_limbs(state: State, inside: Inside) -> State:
    """The state with what limbs that are inside cost."""
    cost = state.cost + np.square(inside.out / _INSIDE).sum(axis=(1, 2))
    return replace(state, limbs=inside.points, out=inside.out, cost=cost)
