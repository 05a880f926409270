"""Forearms and hands that are inside the trunk, and how far they are from getting out of it in depth.

A network that doubts whether a hand is before a belly or behind a back puts it between. A photo cannot tell that it is
wrong, since hands stay where they are seen. Trunks are some ellipsoids here, forearms and hands points on their axes.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np

from model.body.rig import Rig
from model.body.trunk import TRUNK
from model.joints import JOINTS, SMPL_JOINT_NAMES

_CHAIN = ("collar", "shoulder", "elbow", "wrist")
_ARMS = np.array([[SMPL_JOINT_NAMES.index(f"{side}_{joint}") for joint in _CHAIN] for side in ("left", "right")])
_ALONG = np.array([0.4, 0.6, 0.8, 1.0, 1.3])[:, None]  # of the way from the elbow to the wrist; beyond is the hand
POINTS = len(_ALONG)
"""Of each arm."""
_HIGH = 0.14  # metres: half of how high an ellipsoid is; they overlap
_LEAST = 0.01  # metres: half of how wide and deep one is
_RADIUS = 0.02  # metres of an arm that stay out, some half of it: bellies are soft
_USUAL = 0.4  # how much more usual it is that arms are before a trunk, and beside it on their own side
_OWN_SIDE = np.array([[0.5, 0.0, 1.0], [-0.5, 0.0, 1.0]])  # the way there in the body's frame


class Inside(NamedTuple):
    """Where P points of each of B bodies' arms are."""

    points: np.ndarray
    """(B, 2, P, 3) metres."""
    out: np.ndarray
    """(B, 2, P) metres away from the camera to where they are out of the trunk; 0 of those that are."""

    def subset(self, people: list[int]) -> Inside:
        """Those of some of the bodies."""
        return Inside(self.points[people], self.out[people])


class Trunks:
    """The trunks of B bodies.

    Args:
        rig: the body, bare.
        shapes: (B, S).
        away: (B, 3) unit vectors from the camera to the bodies.
    """

    def __init__(self, rig: Rig, shapes: np.ndarray, away: np.ndarray):
        self._away = away
        slices = rig.trunk
        self._carriers = slices.carriers
        reach = slices.reach + np.tensordot(shapes, slices.reach_directions, axes=1)
        left, right, front, back = np.moveaxis(reach, 2, 0)  # (B, E, 3) each
        self._middles = (left + right) / 2
        self._middles[..., 2] = (front + back)[..., 2] / 2
        half = np.full(left.shape, _HIGH)
        half[..., 0], half[..., 2] = (left - right)[..., 0] / 2, (front - back)[..., 2] / 2
        self._scale = 1 / (np.maximum(half, _LEAST) + _RADIUS)

    def subset(self, people: list[int]) -> Trunks:
        """Those of some of the bodies."""
        part = copy.copy(self)
        part._away, part._middles, part._scale = self._away[people], self._middles[people], self._scale[people]
        return part

    def inside(self, world: np.ndarray, places: np.ndarray) -> Inside:
        """Which parts of arms are inside.

        Args:
            world: (B, 22, 3, 3) joints' rotations from the T-pose.
            places: (B, 22, 3) joints.
        """
        elbows, wrists = (places[:, _ARMS[:, column], None] for column in (2, 3))  # (B, 2, 1, 3)
        points = elbows + _ALONG * (wrists - elbows)
        turns = world[:, self._carriers]  # (B, E, 3, 3)
        middles = places[:, self._carriers] + (turns @ self._middles[..., None])[..., 0]
        # In an ellipsoid's own axes it is the unit ball: a point q goes out along d where |q + t d| = 1.
        ball = turns * self._scale[:, :, None]
        q = (points.reshape(len(points), 1, -1, 3) - middles[:, :, None]) @ ball  # (B, E, 2 P, 3)
        within = 1 - np.square(q).sum(axis=3)
        if (within <= 0).all():
            return Inside(points, np.zeros(points.shape[:3]))
        d = self._away[:, None, None] @ ball  # (B, E, 1, 3)
        square, mixed = np.square(d).sum(axis=3), (q * d).sum(axis=3)
        root = np.sqrt(np.maximum(np.square(mixed) + square * within, 0))
        behind, before = (
            np.where(within > 0, (root + sign * mixed) / square, 0).max(axis=1).reshape(points.shape[:3])
            for sign in (-1, 1)
        )
        along = (_OWN_SIDE @ np.swapaxes(world[:, TRUNK[2]], 1, 2) @ self._away[..., None])[..., 0]  # (B, 2)
        usual = _USUAL * along.clip(-1, 1)
        on = behind.max(axis=2) * (1 - usual) < before.max(axis=2) * (1 + usual)  # all of an arm goes one way
        return Inside(points, np.where(on[..., None], behind, -before))

    def changes(self, points: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(B, 66, 2 P): by how many metres points go away from the camera with a swing of each joint about an axis.

        Args:
            points: (B, 2, P, 3) of the arms.
            places: (B, 22, 3) joints.
        """
        lever = points[:, :, None] - places[:, _ARMS[:, :3], None]  # (B, 2, 3, P, 3)
        x, y, z = np.moveaxis(lever, 4, 0)
        a, b, c = self._away.T[..., None, None, None]
        pushed = np.stack([y * c - z * b, z * a - x * c, x * b - y * a], axis=3)  # lever x away: (B, 2, 3, axes, P)
        changes = np.zeros((len(points), JOINTS, 3, 2, POINTS))
        for side, arm in enumerate(_ARMS[:, :3]):
            changes[:, :, :, side][:, arm] = pushed[:, side]
        return changes.reshape(len(points), 3 * JOINTS, -1)
