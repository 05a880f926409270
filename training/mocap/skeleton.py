"""A file's own skeleton in motion: what the readers of ASF/AMC and BVH return, and its forward kinematics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation


@dataclass(frozen=True)
class Skeleton:
    """Joints at rest, in the file's own axes and unit of length.

    The ends of the last bones are joints as well, so that each bone lies between two joints.

    Attributes:
        names: J names, as in the file; the end of a last bone is called "<its joint> end".
        parents: J indices, each before its children; -1 for the root, which comes first.
        offsets: (J, 3) float64, from the parent to the joint while all rotations are zero.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray

    def rest_positions(self) -> np.ndarray:
        """Where the joints are at rest: (J, 3), the root at its own offset."""
        positions = self.offsets.copy()
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                positions[joint] += positions[parent]
        return positions

    def path(self, joint: int) -> list[int]:
        """The joints from the root down to `joint`, both included."""
        path = [joint]
        while (parent := self.parents[path[-1]]) >= 0:
            path.append(parent)
        return path[::-1]

    def children(self, joint: int) -> list[int]:
        """The joints whose parent is `joint`."""
        return [child for child, parent in enumerate(self.parents) if parent == joint]


@dataclass(frozen=True)
class Motion:
    """T frames of one skeleton.

    Attributes:
        source: the file, for messages.
        skeleton: the skeleton.
        local: J rotations relative to the parent, each of T frames; None for a joint that never turns. At rest
            all are the identity, in axes that are parallel to the file's.
        valid: (T,) bool, False where the file holds NaN or infinity; such a frame is at rest.
        framerate: frames per second.
    """

    source: str
    skeleton: Skeleton
    local: Sequence[Rotation | None]
    valid: np.ndarray
    framerate: float

    def world_rotations(self) -> list[Rotation]:
        """J rotations from the resting pose, each of T frames."""
        world: list[Rotation] = []
        for parent, turn in zip(self.skeleton.parents, self.local):
            before = Rotation.identity(len(self.valid)) if parent < 0 else world[parent]
            world.append(before if turn is None else before * turn)
        return world

    def positions(self) -> np.ndarray:
        """Forward kinematics: (T, J, 3) in the file's axes and unit, the root at the origin."""
        world = self.world_rotations()
        positions = np.zeros((len(self.valid), len(world), 3))
        for joint, parent in enumerate(self.skeleton.parents):
            if parent >= 0:
                step = world[parent].apply(self.skeleton.offsets[joint])
                positions[:, joint] = positions[:, parent] + step
        return positions
