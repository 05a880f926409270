"""Random poses that people can be in."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.limits import AXES, HINGES, beyond
from model.body.rig import Rig


def within_limits(rotations: np.ndarray) -> np.ndarray:
    """Poses (..., 22, 3, 3) whose knees and elbows turn back as far as they were beyond their limits."""
    able = rotations.copy()
    for _ in range(20):  # turns about several axes do not just add up
        back = -(np.swapaxes(AXES, 1, 2) @ (1.01 * beyond(able))[..., None])
        turns = Rotation.from_rotvec(back.reshape(-1, 3)).as_matrix().reshape(*back.shape[:-2], 3, 3)
        able[..., HINGES, :, :] = turns @ able[..., HINGES, :, :]
    assert not beyond(able).any()
    return able


def some_adult(rig: Rig, rng: np.random.Generator, spread: float = 1.0) -> np.ndarray:
    """The shape (S,) of a random grown-up, by coefficients of this standard deviation."""
    shape = np.zeros(rig.shape_count)
    shape[: rig.build_count] = rng.normal(0, spread, rig.build_count)
    return shape
