"""A body's rig: what turns SMPL's 22 joint rotations and a shape into a mesh, in numpy.

Serving fits it to predicted meshes (`model.body.fitting`) and needs no body model for that. `model.body.rig_file` reads
it. Body frame: y up, facing +z, left = +x, metres. The zero pose is SMPL's straight T-pose, whatever the pose in which
the body was modelled. Poses, shapes and what comes of them may be of one body, or of a batch: leading axes "...".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from model.body.hands import Hands
from model.body.skeleton import joint_positions, to_global
from model.body.slices import Slices
from model.joints import JOINTS

ADULT = 18.0
"""Years."""
_SMALL = 12.0  # years: from then on children may be as tall as grown-ups
INFLUENCES = 4
"""Joints that move a vertex, at most: as many as glTF's viewers heed."""


class Rest(NamedTuple):
    """A body of some shape as it was modelled, before it is posed."""

    vertices: np.ndarray
    """(..., V, 3)."""
    joints: np.ndarray
    """(..., 22, 3)."""
    straighten: np.ndarray
    """(..., 22, 3, 3): each joint's rotation from how the body was modelled to the T-pose."""


_LEAST_SHARE = 0.05
"""Of a keypoint's regressor: with less of it left another vertex stands for the keypoint."""


@dataclass(frozen=True)
class Rig:
    """V vertices that hang on SMPL's 22 joints, with S shape directions, all float32; `load_rig` checks it."""

    name: str
    template: np.ndarray
    """(V, 3) the mean body as it was modelled."""
    joints: np.ndarray
    """(22, 3) the joints of the mean body."""
    shape_directions: np.ndarray
    """(S, V, 3) metres for each unit of a shape coefficient, whose variance among people is 1."""
    joint_directions: np.ndarray
    """(S, 22, 3) metres that joints move for each unit of a shape coefficient."""
    bones: np.ndarray
    """(V, 4) int64: the joints that move each vertex."""
    weights: np.ndarray
    """(V, 4) how much each of these joints moves the vertex; rows sum to 1."""
    sample: np.ndarray
    """(N,) int64: vertices spread evenly over the skin, which stand for the whole mesh when it is fitted."""
    limbs: np.ndarray
    """(22,) int64: the row of the limb, below, by which a joint is straightened; -1 for none."""
    limb_joints: np.ndarray
    """(L,) int64: where each limb begins."""
    limb_ends: np.ndarray
    """(L, 3) where each limb ends."""
    limb_end_directions: np.ndarray
    """(S, L, 3) metres that limbs' ends move for each unit of a shape coefficient."""
    limb_targets: np.ndarray
    """(L, 3) each limb's direction in the T-pose; zeros for what keeps its pitch and turns straight ahead: feet."""
    pose_directions: np.ndarray
    """(189, V, 3) SMPL's pose blend shapes, metres for each entry of R - I of joints 1 to 21; (0, V, 3) for none."""
    regressor: np.ndarray
    """(K, V) what finds the keypoints on the mesh; rows sum to 1."""
    keypoint_names: tuple[str, ...]
    """Of the K keypoints: COCO's joints first."""
    measures: np.ndarray
    """(S + 1, M): a row of ones and shape coefficients times this gives what is named in `measure_names`."""
    measure_names: tuple[str, ...]
    growth: np.ndarray
    """(A, 1 + C) of children's ages: years, rising, and the last C shape coefficients of the mean body of that age.

    Adults have zeros there. (0, 1) of a body that knows no children.
    """
    hands: Hands | None = None
    """Its fingers, if they turn: those of the body that people get."""

    @property
    def vertex_count(self) -> int:
        return len(self.template)

    @property
    def shape_count(self) -> int:
        return len(self.shape_directions)

    @property
    def build_count(self) -> int:
        """How many shape coefficients, the first ones, tell people of one age from each other; the others are age."""
        return self.shape_count - (self.growth.shape[1] - 1)

    def grown(self, years: float) -> np.ndarray:
        """The shape (S,) of the mean body of an age; the youngest's of who is younger, the mean adult's from 18 on."""
        shape = np.zeros(self.shape_count)
        if years < ADULT:
            ages = np.append(self.growth[:, 0], ADULT)
            for index, column in enumerate(self.growth[:, 1:].T, start=self.build_count):
                shape[index] = np.interp(years, ages, np.append(column, 0))
        return shape

    @property
    def childhood(self) -> np.ndarray:
        """(A,) the years of the children that it knows who are smaller than grown-ups; none of a rig of adults."""
        years: np.ndarray = self.growth[self.growth[:, 0] < _SMALL, 0]
        return years

    def age_of(self, stature: float) -> float:
        """How old the mean child is who is so tall, metres; NaN if it knows no children."""
        years = self.childhood
        statures = [self.stature(self.grown(age)) for age in years.tolist()]
        return float(np.interp(stature, statures, years)) if statures else float("nan")

    def stature(self, shape: np.ndarray) -> float:
        """Metres from the soles to the crown of a body of the shape (S,) that stands upright."""
        height: np.ndarray = self.template[:, 1] + shape @ self.shape_directions[..., 1]
        return float(np.ptp(height))

    @cached_property
    def dense_weights(self) -> np.ndarray:
        """(V, 22)."""
        dense = np.zeros((self.vertex_count, JOINTS), np.float32)
        np.add.at(dense, (np.arange(self.vertex_count)[:, None], self.bones), self.weights)
        return dense

    @cached_property
    def sampled(self) -> Rig:
        """The same rig with the sampled vertices only."""
        return self.subset(self.sample)

    @cached_property
    def slices(self) -> Slices:
        """How far its trunk and legs reach to the sides."""
        parts = (self.template, self.shape_directions, self.joints, self.joint_directions, self.dense_weights)
        return Slices.of(*parts, self.skeleton(np.zeros(self.shape_count))[1])

    def regressor_of(self, names: Sequence[str]) -> np.ndarray:
        """The regressor of the keypoints that are named, in this order (N, V).

        Raises:
            ValueError: it knows none of some name.
        """
        if unknown := sorted(set(names) - set(self.keypoint_names)):
            raise ValueError(f"the rig knows no keypoints {', '.join(unknown)}")
        return self.regressor[[self.keypoint_names.index(name) for name in names]]

    def rest(self, shape: np.ndarray) -> Rest:
        """The body of a shape (..., S)."""
        joints, straighten = self.skeleton(shape)
        return Rest(self.template + _combine(shape, self.shape_directions), joints, straighten)

    def skeleton(self, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The joints and `Rest.straighten` of a shape (..., S)."""
        joints = self.joints + _combine(shape, self.joint_directions)
        return joints, self._straighten(joints, shape)

    def with_pose_offsets(self, rest: Rest, rotations: np.ndarray) -> Rest:
        """The body with what SMPL's pose blend shapes add to it before it is posed by `rotations` (..., 22, 3, 3)."""
        if not len(self.pose_directions):
            return rest
        entries = (rotations[..., 1:, :, :] - np.eye(3)).reshape(*rotations.shape[:-3], -1)
        return rest._replace(vertices=rest.vertices + _combine(entries, self.pose_directions))

    def _straighten(self, joints: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """`Rest.straighten`: each limb's smallest rotation to where the T-pose has it."""
        ends = self.limb_ends + _combine(shape, self.limb_end_directions)
        along = (ends - joints[..., self.limb_joints, :]).astype(np.float64)
        along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
        ahead = along * (0, 1, 0)
        ahead[..., 2] = np.sqrt(np.maximum(1 - along[..., 1] ** 2, 0))
        target = np.where(self.limb_targets.any(axis=1, keepdims=True), self.limb_targets, ahead)
        turns = np.empty((*along.shape[:-1][:-1], 1 + along.shape[-2], 3, 3))
        turns[..., -1, :, :] = np.eye(3)  # what no limb straightens: index -1
        turns[..., :-1, :, :] = _smallest_rotation(along, target)
        return turns[..., self.limbs, :, :]

    def subset(self, vertices: np.ndarray) -> Rig:
        """The same rig with only these vertices (indices), from which the keypoints are regressed as well as can be."""
        regressor = self.regressor[:, vertices]
        for lost in np.flatnonzero(regressor.sum(axis=1) < _LEAST_SHARE):  # such as a toe's tip, which is one vertex
            away = self.template[vertices] - self.regressor[lost] @ self.template
            regressor[lost] = 0
            regressor[lost, np.square(away).sum(axis=1).argmin()] = 1
        return replace(
            self,
            regressor=regressor / regressor.sum(axis=1, keepdims=True),
            **{name: getattr(self, name)[vertices] for name in ("template", "bones", "weights")},
            **{name: getattr(self, name).take(vertices, axis=1) for name in ("shape_directions", "pose_directions")},
            sample=np.arange(len(vertices)),
            hands=None,
        )

    def pose(
        self, rotations: np.ndarray, shape: np.ndarray, translation: np.ndarray, fingers: np.ndarray | None = None
    ) -> np.ndarray:
        """Linear blend skinning.

        Args:
            rotations: (..., 22, 3, 3) relative to the parent's in the T-pose; the first takes the body frame to any
                other.
            shape: (..., S).
            translation: (..., 3) metres, added to the posed body, whose pelvis otherwise stays where it is at rest.
            fingers: (..., 30, 3, 3) likewise, of SMPL-H's finger joints; None for relaxed hands. Where hands are of
                one piece they are not heeded.

        Returns:
            (..., V, 3) float32 metres, in the frame that the first rotation leads to.
        """
        rest = self.with_pose_offsets(self.rest(shape), rotations)
        if self.hands:
            rest = rest._replace(vertices=self.hands.bend(rest.vertices, rest.straighten, fingers))
        turns = to_global(rotations) @ rest.straighten
        return self.skin(rest, turns, joint_positions(rest.joints, turns, translation))

    def skin(self, rest: Rest, turns: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Vertices (..., V, 3) when each joint's piece is turned (..., 22, 3, 3) from rest about where its joint is.

        The transforms are blended first, then applied once: sum_j w_j (R_j (v - h_j) + p_j), positions p (..., 22, 3).
        """
        offsets = positions - (turns @ rest.joints[..., None])[..., 0]
        motions = np.concatenate([turns, offsets[..., None]], axis=-1, dtype=np.float32)  # (..., 22, 3, 4)
        x, y, z = np.moveaxis(rest.vertices, -1, 0)
        skinned = np.empty(rest.vertices.shape, np.float32)
        for axis in range(3):
            blended = self.dense_weights @ motions[..., axis, :]  # (..., V, 4)
            skinned[..., axis] = blended[..., 0] * x + blended[..., 1] * y + blended[..., 2] * z + blended[..., 3]
        return skinned


def strongest(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dense skinning weights (V, J) -> the strongest joints (V, 4) and their weights, whose rows sum to 1."""
    bones = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    kept = np.take_along_axis(weights, bones, axis=1)
    # glTF wants unused joints to be 0.
    return np.where(kept > 0, bones, 0), kept / kept.sum(axis=1, keepdims=True)


def _combine(coefficients: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(..., S) coefficients of (S, N, 3) directions -> (..., N, 3)."""
    flat = directions.reshape(len(directions), -1)
    return (coefficients.astype(np.float32) @ flat).reshape(*coefficients.shape[:-1], *directions.shape[1:])


def _smallest_rotation(unit: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The smallest rotations (..., 3, 3) that take unit vectors (..., 3) to others, none of which is opposite."""
    both = unit + target  # whose squared length is 2 + 2 unit . target
    share = both / np.maximum(1 + (unit * target).sum(axis=-1, keepdims=True), 1e-6)
    # Takes the first to the second, and what is across both to itself.
    taken = 2 * target[..., None] * unit[..., None, :]
    rotation: np.ndarray = np.eye(3) + taken - share[..., None] * both[..., None, :]
    return rotation
