"""What the reader of each format returns: one file's motion on SMPL's joints, before glitches and thinning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Clip:
    """One file.

    Attributes:
        rotations: (T, J, 3) axis-angle as in `MocapPoses`; NaN and infinity where the file spoils a frame.
        framerate: frames per second; None if the clip was thinned already and its frames are not evenly spaced.
        subject: who moves, "<data set>/<subject>".
    """

    rotations: np.ndarray
    framerate: float | None
    subject: str
