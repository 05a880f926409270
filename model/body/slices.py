"""A body's trunk, thighs and shanks in slices: how far each one reaches to its sides."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from model.joints import SMPL_JOINT_NAMES


def _named(names: str) -> list[int]:
    return [SMPL_JOINT_NAMES.index(name) for name in names.split()]


TRUNK = _named("pelvis spine1 spine2 spine3")
_SLICES = 5  # from the pelvis' joint up to the uppermost spine joint
LEGS = [_named(f"{side}_hip {side}_knee {side}_ankle") for side in ("left", "right")]
"""Of the left leg, then of the right one: where thigh and shank begin and end."""
_ALONG = (0.25, 0.5, 0.75)  # of the way up a thigh or shank
_THICK = 0.02  # metres on each side of a slice's middle
_EXTREME = 4  # vertices that say how far it reaches to a side


class Slices(NamedTuple):
    """E slices of a body at rest: of the trunk, then of thighs and shanks."""

    carriers: np.ndarray
    """(E,) int64: the joint that carries each slice."""
    reach: np.ndarray
    """(E, 4, 3) metres: where the mean body's slices reach left, right, front and back, from these joints, as in the
    T-pose."""
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
        straighten: np.ndarray,
    ) -> Slices:
        """The slices of a rig, whose arrays these are; weights (V, 22) are dense, `straighten` the mean body's."""
        heights = [(height, TRUNK) for height in np.linspace(joints[TRUNK[0], 1], joints[TRUNK[-1], 1], _SLICES)]
        for leg in LEGS:
            for upper, lower in pairwise(leg):
                low, high = joints[lower, 1], joints[upper, 1]
                heights += [(low + along * (high - low), [upper]) for along in _ALONG]
        carriers, extremes = [], []
        for height, own in heights:
            near = np.flatnonzero((weights[:, own].sum(axis=1) > 0.6) & (np.abs(template[:, 1] - height) < _THICK))
            if len(near) >= _EXTREME:
                carriers.append(own[int(weights[near][:, own].sum(axis=0).argmax())])
                ways = (-template[near, 0], template[near, 0], -template[near, 2], template[near, 2])
                extremes.append([near[np.argsort(way)[:_EXTREME]] for way in ways])
        by, at = np.array(carriers, np.int64), np.array(extremes, np.int64).reshape(-1, 4, _EXTREME)
        upright = np.swapaxes(straighten[by], 1, 2).astype(np.float64)
        return cls(
            by,
            (template[at].mean(axis=2) - joints[by, None]) @ upright,
            (shape_directions[:, at].mean(axis=3) - joint_directions[:, by, None]) @ upright,
        )
