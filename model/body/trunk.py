"""A body's trunk in slices: how far each one reaches to its sides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.joints import SMPL_JOINT_NAMES

TRUNK = [SMPL_JOINT_NAMES.index(name) for name in ("pelvis", "spine1", "spine2", "spine3")]
_SLICES = 5  # from the pelvis' joint up to the uppermost spine joint
_THICK = 0.02  # metres on each side of a slice's middle
_EXTREME = 4  # vertices that say how far it reaches to a side


class TrunkSlices(NamedTuple):
    """E slices of a body at rest."""

    carriers: np.ndarray
    """(E,) int64: the joint that carries each slice."""
    reach: np.ndarray
    """(E, 4, 3) metres: where the mean body's slices reach left, right, front and back, seen from these joints."""
    reach_directions: np.ndarray
    """(S, E, 4, 3) what a unit of each shape coefficient adds to that."""

    @classmethod
    def of(
        cls,
        template: np.ndarray,
        shape_directions: np.ndarray,
        joints: np.ndarray,
        joint_directions: np.ndarray,
        weights: np.ndarray,
    ) -> TrunkSlices:
        """The slices of a rig, whose arrays these are; the weights (V, 22) are dense."""
        own = weights[:, TRUNK].sum(axis=1) > 0.6
        carriers, extremes = [], []
        for height in np.linspace(joints[TRUNK[0], 1], joints[TRUNK[-1], 1], _SLICES):
            near = np.flatnonzero(own & (np.abs(template[:, 1] - height) < _THICK))
            if len(near) >= _EXTREME:
                carriers.append(TRUNK[int(weights[near][:, TRUNK].sum(axis=0).argmax())])
                ways = (-template[near, 0], template[near, 0], -template[near, 2], template[near, 2])
                extremes.append([near[np.argsort(way)[:_EXTREME]] for way in ways])
        by, at = np.array(carriers, np.int64), np.array(extremes, np.int64).reshape(-1, 4, _EXTREME)
        return cls(
            by,
            (template[at].mean(axis=2) - joints[by, None]).astype(np.float64),
            (shape_directions[:, at].mean(axis=3) - joint_directions[:, by, None]).astype(np.float64),
        )
