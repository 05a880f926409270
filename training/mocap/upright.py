"""Turns what other programs wrote by AMASS's keys into its world, in which z is up."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from .poses import MocapPoses
from .rest_pose import nearest_axis, smallest_rotation

_UP = np.array([0.0, 0, 1])
_SURE, _LIES = 0.7, 0.3  # of a mean of unit vectors: people of a data set who lie do so in any direction


def turned_upright(poses: MocapPoses, doubtful: np.ndarray) -> tuple[MocapPoses, list[str]]:
    """Stands up the people of data sets all of whose trunks point along another axis than z in the mean.

    Nothing in an npz file says which axis is up. AMASS has z up; exporters of animation programs and of networks for
    films write y up, or down as cameras have it, and would have people lie on their backs or hang head down.

    Args:
        poses: of any data sets.
        doubtful: (N,) bool, the poses whose up no skeleton's rest tells.

    Returns:
        The poses, and a sentence on each data set that was turned.
    """
    sets = np.array([subject.rsplit("/", 1)[0] for subject in poses.subjects], dtype=object)
    rotations = poses.rotations
    messages: list[str] = []
    for name in sorted(set(sets[doubtful])):
        of_set = np.flatnonzero(doubtful & (sets == name))
        roots = Rotation.from_rotvec(rotations[of_set, 0])
        trunk = roots.apply([0.0, 1, 0]).mean(axis=0)
        axis = nearest_axis(trunk)
        if axis @ trunk < _SURE or trunk @ _UP > _LIES:
            continue
        if not messages:  # all of AMASS is not copied for nothing
            rotations = rotations.copy()
        rotations[of_set, 0] = (smallest_rotation(axis, _UP) * roots).as_rotvec()
        letter = ("-" if axis.sum() < 0 else "") + "xyz"[int(np.abs(axis).argmax())]
        messages.append(f"In {name} trunks point along {letter} in the mean: it is taken for up, where AMASS has z.")
    return MocapPoses(rotations, poses.subjects, poses.clips), messages
