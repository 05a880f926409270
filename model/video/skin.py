"""Where a body's skin is lowest: of each of its parts, the point that touches the floor first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.body.limbs import LEGS
from model.body.motion import SkeletonMotion
from model.body.rig import Rig
from model.body.skeleton import TURN_UP
from model.video.bodies import meshes_of

_BATCH = 256  # bodies that are posed at once: bounds the memory
_DIRECTIONS = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if x or y or z], float)
_UPPER = 0.5  # of a shin: its lower half is as low as any foot that stands


class Lowest(NamedTuple):
    """The lowest point of each of the skin's 22 parts, in N frames."""

    heights: np.ndarray
    """(N, 22) metres."""
    points: np.ndarray
    """(N, 22, 3)."""


class Skin:
    """Points of a rig's skin that touch the floor first, however a part of it is turned."""

    def __init__(self, rig: Rig):
        owner = rig.dense_weights.argmax(axis=1)
        for _, knee, ankle in LEGS:
            span = rig.joints[ankle] - rig.joints[knee]
            along = (rig.template - rig.joints[knee]) @ span / (span @ span)
            owner[(owner == knee) & (along > _UPPER)] = -1
        outer = []
        for joint, place in enumerate(rig.joints):
            part = np.flatnonzero(owner == joint)
            if not len(part):  # bodies that are modelled coarsely
                part = np.linalg.norm(rig.template - place, axis=1).argmin(keepdims=True)
            outer.append(part[np.unique((_DIRECTIONS @ rig.template[part].T).argmax(axis=1))])
        self._ends = np.cumsum([len(part) for part in outer])[:-1]
        self._rig = rig.subset(np.concatenate(outer))

    def lowest(self, motion: SkeletonMotion) -> Lowest:
        """Of a motion with y up."""
        points = []
        for start in range(0, len(motion), _BATCH):
            frames = np.arange(start, min(start + _BATCH, len(motion)))
            skin = meshes_of(motion, frames, self._rig) * TURN_UP
            parts = np.split(skin, self._ends, axis=1)
            lowest = [np.take_along_axis(part, part[..., 1].argmin(axis=1)[:, None, None], axis=1) for part in parts]
            points.append(np.concatenate(lowest, axis=1))
        found = np.concatenate(points)
        return Lowest(found[..., 1], found)
