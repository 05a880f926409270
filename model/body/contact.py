"""Forearms with their hands inside trunk or legs, and shanks inside each other: how far they are from getting out.

A network that doubts whether a hand is before a belly or behind a back puts it between. A photo cannot tell that it is
wrong, since hands stay where they are seen: so they get out in depth. Trunk, thighs and shanks are some ellipsoids
here, forearms with their hands, and shanks, points on their axes.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np

from model.body.rig import Rig
from model.body.slices import LEGS, TRUNK
from model.joints import COCO_JOINTS, JOINTS, SMPL_JOINT_NAMES

_SIDES = ("left", "right")
_ARM = ("{}_collar", "{}_shoulder", "{}_elbow", "{}_wrist")
_LEG = ("pelvis", "{}_hip", "{}_knee", "{}_ankle")
_LIMBS = np.array(
    [[SMPL_JOINT_NAMES.index(name.format(side)) for name in chain] for chain in (_ARM, _LEG) for side in _SIDES]
)
"""(4, 4) of the left and right arm, then of the legs: what moves forearm or shank, and where that ends."""
LIMBS = len(_LIMBS)
_HANDS = [COCO_JOINTS.index(f"{side}_wrist") for side in _SIDES]
# Of the way from the elbow to the wrist, beyond which is the hand; from the knee to the ankle.
_ALONG = np.array([[0.4, 0.6, 0.8, 1.0, 1.3]] * 2 + [[0.2, 0.4, 0.6, 0.8, 1.0]] * 2)[..., None]
POINTS = _ALONG.shape[1]
"""Of each limb."""
_SHARE = np.array([1.0, 1.0, 0.5, 0.5])[:, None]  # shanks share the way out of each other
_HIGH = 0.14  # metres: half of how high an ellipsoid is; they overlap
_LEAST = 0.01  # metres: half of how wide and deep one is
_RADIUS = 0.02  # metres of a limb that stay out, some half of it: bellies and calves are soft
# Which way arms go: 140 that were inside, of 320 rendered people of validation. They go the shorter way, but the less
# BlazePose is sure of a wrist, the more often it is hidden behind. At these confidences only the way's length counts.
_HIDDEN = 0.52  # by how much of both ways, for each unit of confidence
_EVEN_TRUNK, _EVEN_LEG = 0.83, 1.3
_FARTHEST = 0.16  # metres: arms that would have farther to go are as often wrong afterwards; nearly out of any body
_FARTHEST_SHANK = 0.1  # likewise


class Inside(NamedTuple):
    """Where P points of each of B bodies' limbs are."""

    points: np.ndarray
    """(B, 4, P, 3) metres."""
    out: np.ndarray
    """(B, 4, P) metres away from the camera to where they are out; 0 of those that are, or that have too far to go."""

    def subset(self, people: list[int]) -> Inside:
        """Those of some of the bodies."""
        return Inside(self.points[people], self.out[people])


class Solids:
    """The trunks and legs of B bodies.

    Args:
        rig: the body, bare.
        shapes: (B, S).
        away: (B, 3) unit vectors from the camera to the bodies.
        confidence: (B, K) 0 to 1, of keypoints as they were seen, COCO's first.
    """

    def __init__(self, rig: Rig, shapes: np.ndarray, away: np.ndarray, confidence: np.ndarray):
        self._away, self._seen = away, confidence[:, _HANDS]
        slices = rig.slices
        self._carriers = slices.carriers
        reach = slices.reach + np.tensordot(shapes, slices.reach_directions, axes=1)
        left, right, front, back = np.moveaxis(reach, 2, 0)  # (B, E, 3) each
        self._middles = (left + right) / 2
        self._middles[..., 2] = (front + back)[..., 2] / 2
        half = np.full(left.shape, _HIGH)
        half[..., 0], half[..., 2] = (left - right)[..., 0] / 2, (front - back)[..., 2] / 2
        self._scale = 1 / (np.maximum(half, _LEAST) + _RADIUS)
        self._of_trunk = np.isin(self._carriers, TRUNK)
        others = [np.isin(self._carriers, leg) for leg in reversed(LEGS)]  # a shank meets those of the other leg
        meets = np.stack([np.ones_like(self._of_trunk)] * 2 + others, axis=1)  # (E, 4)
        self._meets = np.repeat(meets, POINTS, axis=1)

    def subset(self, people: list[int]) -> Solids:
        """Those of some of the bodies."""
        part = copy.copy(self)
        for name in ("_away", "_seen", "_middles", "_scale"):
            setattr(part, name, getattr(self, name)[people])
        return part

    def inside(self, world: np.ndarray, places: np.ndarray, ways: np.ndarray | None = None) -> Inside:
        """Which parts of limbs are inside.

        Args:
            world: (B, 22, 3, 3) joints' rotations from the T-pose.
            places: (B, 22, 3) joints.
            ways: (B, 4) the way that limbs go: 1, away from the camera, -1, towards it, or 0; None to decide.
        """
        starts, ends = (places[:, _LIMBS[:, column], None] for column in (2, 3))  # (B, 4, 1, 3)
        points = starts + _ALONG * (ends - starts)
        turns = world[:, self._carriers]  # (B, E, 3, 3)
        middles = places[:, self._carriers] + (turns @ self._middles[..., None])[..., 0]
        # In an ellipsoid's own axes it is the unit ball: a point q goes out along d where |q + t d| = 1.
        ball = turns * self._scale[:, :, None]
        q = (points.reshape(len(points), 1, -1, 3) - middles[:, :, None]) @ ball  # (B, E, 4 P, 3)
        within = np.where(self._meets, 1 - np.square(q).sum(axis=3), 0)
        if (within <= 0).all():
            return Inside(points, np.zeros(points.shape[:3]))
        d = self._away[:, None, None] @ ball  # (B, E, 1, 3)
        square, mixed = np.square(d).sum(axis=3), (q * d).sum(axis=3)
        root = np.sqrt(np.maximum(np.square(mixed) + square * within, 0))
        behind, before = (
            np.where(within > 0, (root + sign * mixed) / square, 0).max(axis=1).reshape(points.shape[:3])
            for sign in (-1, 1)
        )
        if ways is None:
            deepest = within.reshape(*within.shape[:2], LIMBS, POINTS).max(axis=3).argmax(axis=1)  # (B, 4)
            ways = self._ways(behind.max(axis=2), before.max(axis=2), self._of_trunk[deepest[:, :2]])
        out = np.where(ways[..., None] > 0, behind, np.where(ways[..., None] < 0, -before, 0))
        return Inside(points, _SHARE * out)

    def _ways(self, behind: np.ndarray, before: np.ndarray, in_trunk: np.ndarray) -> np.ndarray:
        """`ways` of limbs that are out so many metres behind and before (B, 4), arms in trunks or legs (B, 2)."""
        b, f = behind[:, :2], before[:, :2]
        even = np.where(in_trunk, _EVEN_TRUNK, _EVEN_LEG)
        on = f - b > _HIDDEN * (self._seen - even) * (f + b)  # all of an arm goes one way
        on ^= np.where(on, b, f) > _FARTHEST
        arms = np.where(np.where(on, b, f) > _FARTHEST, 0, np.where(on, 1, -1))
        left, right = np.maximum(behind[:, 2:], before[:, :1:-1]).T  # if it is the one behind
        way = np.where(np.minimum(left, right) > _FARTHEST_SHANK, 0, np.where(left < right, 1, -1))
        return np.concatenate([arms, np.stack([way, -way], axis=1)], axis=1)

    def changes(self, points: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(B, 66, 4 P): by how many metres points go away from the camera with a swing of each joint about an axis.

        Args:
            points: (B, 4, P, 3) of the limbs.
            places: (B, 22, 3) joints.
        """
        lever = points[:, :, None] - places[:, _LIMBS[:, :3], None]  # (B, 4, 3, P, 3)
        x, y, z = np.moveaxis(lever, 4, 0)
        a, b, c = self._away.T[..., None, None, None]
        pushed = np.stack([y * c - z * b, z * a - x * c, x * b - y * a], axis=3)  # lever x away: (B, 4, 3, axes, P)
        changes = np.zeros((len(points), JOINTS, 3, LIMBS, POINTS))
        for limb, chain in enumerate(_LIMBS[:, :3]):
            changes[:, :, :, limb][:, chain] = pushed[:, limb]
        return changes.reshape(len(points), 3 * JOINTS, -1)
