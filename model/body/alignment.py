"""The rotation that takes points nearest to others."""

from __future__ import annotations

import numpy as np


def nearest_rotation(covariance: np.ndarray) -> np.ndarray:
    """Kabsch, "A solution for the best rotation to relate two sets of vectors" (Acta Cryst. A32, 1976).

    Args:
        covariance: (..., 3, 3) the sums of b aᵀ over pairs of points a and b, each set about its own centre.

    Returns:
        (..., 3, 3) float64, the R for which R a are nearest to b; never a reflection.
    """
    u, _, vt = np.linalg.svd(covariance.astype(np.float64))
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
    turn: np.ndarray = u @ vt
    return turn
