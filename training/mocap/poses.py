"""The one record that every MoCap reader fills: poses of SMPL's first 22 joints or of all, or of a hand's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.joints import SMPL_JOINT_NAMES as SMPL_JOINT_NAMES
from model.joints import SMPL_PARENTS as SMPL_PARENTS


@dataclass(frozen=True)
class MocapPoses:
    """Poses of a human skeleton, without body shape and without position in the room.

    For bodies J is 22, or for those with fingers SMPL-H's 52 or SMPL-X's 55. The zero pose is SMPL's straight T-pose,
    hands flat, which faces +Z with +Y up and its left side at +X; the root's rotation takes that body into a world with
    +Z up. A hand has joints of its own, see `AnnyHand`.

    Attributes:
        rotations: (N, J, 3) float32, axis-angle in radians, relative to the parent; joint 0 is the root.
        subjects: (N,) object array of str, "<data set>/<subject>", such as "CMU/02".
        clips: (N,) object array of str, the file that each pose comes from.
    """

    rotations: np.ndarray
    subjects: np.ndarray
    clips: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.rotations)
        if self.rotations.ndim != 3 or self.rotations.shape[2] != 3:
            raise ValueError(f"rotations must have shape (N, J, 3), not {self.rotations.shape}")
        if self.subjects.shape != (count,) or self.clips.shape != (count,):
            raise ValueError(f"subjects and clips must name each of the {count} poses")

    def __len__(self) -> int:
        return len(self.rotations)

    def select(self, which: np.ndarray) -> MocapPoses:
        """Takes the poses that a boolean mask (N,) or an index array (M,) picks."""
        return MocapPoses(self.rotations[which], self.subjects[which], self.clips[which])

    @classmethod
    def from_clip(cls, rotations: np.ndarray, subject: str, clip: str) -> MocapPoses:
        """Makes the record of one clip: all poses (N, J, 3) are of one subject and one file."""
        count = len(rotations)
        return cls(
            np.ascontiguousarray(rotations, dtype=np.float32),
            np.full(count, subject, dtype=object),
            np.full(count, clip, dtype=object),
        )

    @classmethod
    def concat(cls, parts: Sequence[MocapPoses]) -> MocapPoses:
        """Joins records end to end; at least one is needed."""
        return cls(
            np.concatenate([part.rotations for part in parts]),
            np.concatenate([part.subjects for part in parts]),
            np.concatenate([part.clips for part in parts]),
        )
