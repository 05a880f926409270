"""Turns a body's wrist and fingers to a hand's 21 joints as they were seen, within what hands can do. Closed form.

The palm, its wrist and knuckles, tells how the hand is turned (Kabsch); then each finger's bones tell, one after the
other, by how much its joints bend and spread. Half of the forearm's twist goes to the elbow, so that no wrist is wrung.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.alignment import nearest_rotation
from model.body.fitting import BodyFit
from model.body.hands import FINGERS, WRISTS
from model.body.rig import Rig
from model.body.skeleton import to_global
from model.joints import HAND_JOINTS

SIDES = ("left", "right")
_PER_HAND = FINGERS // 2
_BASES = tuple(HAND_JOINTS.index(f"{finger}_1") for finger in ("index", "middle", "little", "ring", "thumb"))
"""Of SMPL-H's fingers, in its order, the first among a hand's 21 joints."""
_THUMB = 4
_PALM = np.array([1.0, 1.0, 1.0, 1.0, 0.3])  # how much each finger's base tells of the palm: thumbs' move
# Degrees that the joints of a finger may bend, from and to, and spread to either side; the first is at the knuckle.
_FINGER = ((-25, 95, 22), (0, 110, 0), (0, 80, 0))
_THUMBS = ((-35, 45, 40), (-15, 60, 15), (-20, 80, 0))
_MOST_BENT, _MOST_TWISTED = 85.0, 120.0  # degrees of a wrist; what asks for more is another hand, or was seen wrong


class HandPoser:
    """Poses the hands of one rig's bodies.

    Args:
        rig: one with fingers.
    """

    def __init__(self, rig: Rig):
        assert rig.hands is not None
        self._hands = rig.hands
        rest = rig.rest(np.zeros(rig.shape_count))
        offsets = rig.hands.offsets(rest.joints, rest.vertices, rest.straighten)
        own = np.repeat(rest.straighten[list(WRISTS)], 5, axis=0)  # (10, 3, 3)
        ends = (own @ (rig.hands.tips(rest.vertices) - rig.hands.heads(rest.vertices)[2::3])[..., None])[..., 0]
        # (2, 5, 4, 3): from the wrist to a finger's base, then along its bones, in the T-pose.
        self._bones = np.concatenate([offsets.reshape(10, 3, 3), ends[:, None]], axis=1).reshape(2, 5, 4, 3)

    def pose(self, fit: BodyFit, side: str, points: np.ndarray) -> BodyFit | None:
        """The body with one hand posed.

        Args:
            fit: the body; the other hand stays as it is.
            side: "left" or "right".
            points: (21, 3) the hand's joints, in the axes that the body's are in, in any unit and from any origin.

        Returns:
            None if no wrist could turn like that.
        """
        hand = SIDES.index(side)
        bones = self._bones[hand]
        bases = points[list(_BASES)] - points[0]
        aim = np.square(_PALM[:, None]) * _unit(bases) * _length(bones[:, 0])
        turn = nearest_rotation(aim.T @ bones[:, 0])
        rotations = self._turned(fit.rotations, hand, turn)
        if rotations is None:
            return None
        fingers = (self._hands.relaxed_rotations if fit.fingers is None else fit.fingers).copy()
        for finger, base in enumerate(_BASES):
            along = np.diff(points[base : base + 4], axis=0) @ turn  # (3, 3) bones, in the hand's axes
            first = hand * _PER_HAND + 3 * finger
            fingers[first : first + 3] = _bent(bones[finger, 1:], along, self._axes(hand, finger), finger == _THUMB)
        left, right = fit.hands_seen
        seen = (True, right) if side == "left" else (left, True)
        return replace(fit, rotations=rotations, fingers=fingers, hands_seen=seen)

    def _axes(self, hand: int, finger: int) -> np.ndarray:
        """(3,) the direction in which a finger bends: out of the palm, thumbs across it."""
        bones = self._bones[hand]
        palm = _unit(np.cross(bones[2, 0], bones[0, 0]) * (1, -1)[hand])
        if finger != _THUMB:
            return palm
        under = bones[3, 0] + 0.3 * np.linalg.norm(bones[3, 0]) * palm
        return _unit(under - bones[_THUMB, :2].sum(axis=0))

    def _turned(self, rotations: np.ndarray, hand: int, turn: np.ndarray) -> np.ndarray | None:
        """All joints' rotations (22, 3, 3) when the hand is turned so (3, 3)."""
        wrist, elbow = WRISTS[hand], WRISTS[hand] - 2
        local = to_global(rotations)[elbow].T @ turn
        along = np.array([(1.0, -1.0)[hand], 0.0, 0.0])  # the forearm in the T-pose
        x, y, z, w = Rotation.from_matrix(local).as_quat()
        twist = (2 * np.arctan2(x * along[0], w) + np.pi) % (2 * np.pi) - np.pi
        bend = 2 * np.arctan2(np.hypot(y, z), np.hypot(x, w))
        if abs(twist) > np.radians(_MOST_TWISTED) or bend > np.radians(_MOST_BENT):
            return None
        half = Rotation.from_rotvec(along * twist / 2).as_matrix()
        turned = rotations.copy()
        turned[elbow], turned[wrist] = rotations[elbow] @ half, half.T @ local
        return turned


def _bent(bones: np.ndarray, seen: np.ndarray, towards: np.ndarray, thumb: bool) -> np.ndarray:
    """A finger's three rotations (3, 3, 3) by which its resting bones (3, 3) point as they were seen (3, 3)."""
    found, above = np.empty((3, 3, 3)), np.eye(3)
    for joint, (least, most, spread) in enumerate(_THUMBS if thumb else _FINGER):
        ahead = _unit(bones[joint])
        hinge = _unit(np.cross(ahead, towards))
        palm = np.cross(hinge, ahead)
        direction = _unit(seen[joint] @ above)
        bend = np.clip(np.degrees(np.arctan2(direction @ palm, direction @ ahead)), least, most)
        side = np.clip(-np.degrees(np.arcsin(np.clip(direction @ hinge, -1, 1))), -spread, spread)
        turn = Rotation.from_rotvec(np.radians(bend) * hinge) * Rotation.from_rotvec(np.radians(side) * palm)
        found[joint] = turn.as_matrix()
        above = above @ found[joint]
    return found


def _length(vectors: np.ndarray) -> np.ndarray:
    """(..., 1)."""
    return np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / _length(vectors)
    return unit
