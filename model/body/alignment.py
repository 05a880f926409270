"""The rotation that takes points nearest to others, and the translation that takes them nearest to rays."""

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


def translation_to_rays(points: np.ndarray, rays: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Where points are to be moved so that they project nearest to rays, in closed form.

    Args:
        points: (K, 3) metres, in a camera's axes.
        rays: (K, 2) x / z and y / z.
        weights: (K,) by how much each counts; None for all alike.

    Returns:
        (3,) float64 metres.
    """
    # x + t_x = u (z + t_z), and likewise y: linear in t.
    design = np.tile(np.eye(2, 3), (len(points), 1, 1))
    design[:, :, 2] = -rays
    off = rays * points[:, 2:] - points[:, :2]
    weight = np.ones((len(points), 1)) if weights is None else weights[:, None]
    design *= weight[..., None]
    moved: np.ndarray = np.linalg.lstsq(design.reshape(-1, 3), (off * weight).ravel(), rcond=None)[0]
    return moved
