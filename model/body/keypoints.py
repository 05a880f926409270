"""How the joints that are seen in photos hang on a rig."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.body.rig import Rig
from model.joints import JOINTS


@dataclass(frozen=True)
class Keypoints:
    """How joints that a regressor finds on a mesh move with its rig: linear blend skinning of each joint's vertices.

    Pose blend shapes, which only SMPL's bodies have, are left out: they move joints by millimetres.
    """

    weights: np.ndarray
    """(K, 22) by how much each of the rig's joints carries each keypoint."""
    arms: np.ndarray
    """(K, 22, 3) metres: weighted means of vertices of the mean body as it was modelled."""
    arm_directions: np.ndarray
    """(S, K, 22, 3) what a unit of each shape coefficient adds to them."""

    @classmethod
    def of(cls, rig: Rig, names: Sequence[str]) -> Keypoints:
        """Those of a rig's keypoints that are named, in this order.

        Raises:
            ValueError: the rig has none of some name.
        """
        weights = np.zeros((len(names), JOINTS))
        arms = np.zeros((len(names), 1 + rig.shape_count, JOINTS, 3))
        for row, found in enumerate(rig.regressor_of(names)):
            near = np.flatnonzero(found)
            carried = found[near, None].astype(np.float64) * rig.dense_weights[near]  # (n, 22)
            weights[row], arms[row, 0] = carried.sum(axis=0), carried.T @ rig.template[near]
            arms[row, 1:] = carried.T @ rig.shape_directions[:, near]
        return cls(weights, arms[:, 0], np.moveaxis(arms[:, 1:], 1, 0))
