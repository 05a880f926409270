"""Bodies of one rig that were fitted to meshes: those of a photo, or of one person's frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.body.fitting import BodyFit, fit_motion
from model.body.motion import SkeletonMotion
from model.body.rig import Rig


@dataclass(frozen=True)
class Bodies:
    """The bodies of a photo's people, or of one person's frames."""

    rig: Rig
    found: list[BodyFit]

    def motion(
        self,
        times: Sequence[float] = (0.0,),
        positions: np.ndarray | None = None,
        keypoints: np.ndarray | None = None,
    ) -> SkeletonMotion:
        """The motion of one person's bodies; arguments as of `SkeletonMotion.of`."""
        return SkeletonMotion.of(self.rig, self.found, times, positions, keypoints)

    def one(self, index: int) -> Bodies:
        """One of them."""
        return Bodies(self.rig, [self.found[index]])


def fit_moving(rig: Rig, meshes: Sequence[np.ndarray]) -> Bodies:
    """Fit one person's body to its N meshes (V, 3), which are finite."""
    return Bodies(rig, fit_motion(rig, meshes))
