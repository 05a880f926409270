"""Motion capture: files in, poses of one skeleton out."""

from .amass import read_amass
from .poses import SMPL_JOINT_NAMES, SMPL_PARENTS, MocapPoses
from .sample import read_sample
from .split import CMU_HELD_OUT, split_by_subject

__all__ = [
    "CMU_HELD_OUT",
    "SMPL_JOINT_NAMES",
    "SMPL_PARENTS",
    "MocapPoses",
    "read_amass",
    "read_sample",
    "split_by_subject",
]
