"""Joints as points that move, for files that know no skeleton: TRC and C3D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.body.motion import SkeletonMotion, even_times
from model.joints import COCO_JOINTS, SMPL_JOINT_NAMES

COCO_MARKERS = tuple(
    "".join(part[0].upper() if part in ("left", "right") else part.capitalize() for part in name.split("_"))
    for name in COCO_JOINTS
)
"""COCO's joints as Pose2Sim and its OpenSim models call them: Nose, LEye, ..., LHip, RHip, ..., RAnkle."""


@dataclass(frozen=True)
class Markers:
    """M named points at even steps from 0 on."""

    names: tuple[str, ...]
    positions: np.ndarray
    """(T, M, 3) metres, y up; NaN where nobody is there."""
    rate: float
    """Frames a second."""


def markers_of(motion: SkeletonMotion, rate: float, end: float) -> Markers:
    """COCO's joints, if the motion has them, by Pose2Sim's names, and SMPL's by SMPL's.

    Args:
        motion: At any times.
        rate: Frames a second.
        end: Seconds: where the film ends.
    """
    times = even_times(rate, end)
    even = motion.at(times)
    names: tuple[str, ...] = SMPL_JOINT_NAMES
    positions = even.joints
    if even.keypoints is not None:
        names, positions = COCO_MARKERS + names, np.concatenate([even.keypoints, positions], axis=1)
    return Markers(names, np.where(motion.is_there(times)[:, None, None], positions, np.nan), rate)
