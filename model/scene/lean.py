"""Bodies are turned towards their balance where the camera's up is known: networks let people lean in depth."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model.scene.balance import Balance, unit

_EYE_LEVEL, _LEVELLED = np.radians(15.0), 0.24
"""From how far above or below on networks take people for less steeply seen than they are, since most photos are taken
near eye level, and by how much of what is more: whoever is seen from 50 degrees above leans away by 8, from below
towards the camera. On renders of validation subjects it begins at eye level; on footage of a real man it does not."""
_LEAN, _STEEP_LEAN = np.radians(5.0), 0.1
"""Standard error of how far bodies lean in depth beside that, and what it grows by with how steeply they are seen; of
how far people do, see `Balance.spread`."""
_MEANT = np.radians(15.0)
"""A lean that is as likely meant as wrong: people then do something else than keep their balance."""


def righting(told: Balance, up: np.ndarray, places: np.ndarray) -> list[np.ndarray | None]:
    """By which rotations (3, 3), in the camera's axes, each of P people comes to lean in depth as she likely does.

    Sideways nobody is turned: that lean is seen. Who is not on her feet keeps no balance, but networks take her, too,
    for less steeply seen.

    Args:
        told: what the P people say.
        up: (3,) unit vector, the true one, in the camera's frame.
        places: (P, 3) where they are before the camera, metres.

    Returns:
        None for those whose bodies say nothing, or where up is where the camera looks.
    """
    across = np.cross(up, [0.0, 0.0, 1.0])
    if np.linalg.norm(across) < 1e-6:
        return [None] * len(told.up)
    axis = unit(across)
    below = -np.arcsin(np.clip(unit(places) @ up, -1, 1))  # (P,) the horizon
    said = np.arctan2(told.up @ np.cross(axis, up), told.up @ up)
    lean = said - _LEVELLED * np.sign(below) * (np.abs(below) - _EYE_LEVEL).clip(0)
    heard = np.isfinite(told.spread)
    error, spread = np.hypot(_LEAN, _STEEP_LEAN * below), np.where(heard, told.spread, 0.0)
    wrong = np.where(told.on_feet, error**2 / (error**2 + spread**2) / (1 + (lean / _MEANT) ** 4), 0.0)
    turns = Rotation.from_rotvec((lean - wrong * lean - said)[:, None] * axis).as_matrix()
    return [turn if known else None for turn, known in zip(turns, heard, strict=True)]
