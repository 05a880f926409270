"""Motion capture: files in, poses of one skeleton out."""

from .poses import SMPL_JOINT_NAMES, SMPL_PARENTS, MocapPoses
from .read import read_mocap
from .sample import read_sample
from .split import CMU_HELD_OUT, split_by_subject

__all__ = [
    "CMU_HELD_OUT",
    "SMPL_JOINT_NAMES",
    "SMPL_PARENTS",
    "MocapPoses",
    "read_mocap",
    "read_sample",
    "split_by_subject",
]
