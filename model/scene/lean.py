"""Whoever stands is turned towards her balance where the camera's up is known: networks let people lean in depth."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model.scene.balance import Balance, unit

_LEAN = np.radians(5.0)
"""Standard error of how far bodies lean in depth; of how far people do, see `Balance.spread`."""
_MEANT = np.radians(15.0)
"""A lean that is as likely meant as wrong: people then do something else than keep their balance."""


def righting(told: Balance, up: np.ndarray) -> list[np.ndarray | None]:
    """By which rotations (3, 3), in the camera's axes, each of P people comes to lean in depth as she likely does.

    Sideways nobody is turned: that lean is seen.

    Args:
        told: what the P people say.
        up: (3,) unit vector, the true one, in the camera's frame.

    Returns:
        None for those who are not on their feet, or where up is where the camera looks.
    """
    across = np.cross(up, [0.0, 0.0, 1.0])
    if np.linalg.norm(across) < 1e-6:
        return [None] * len(told.up)
    axis = unit(across)
    lean = np.arctan2(told.up @ np.cross(axis, up), told.up @ up)
    spread = np.where(told.on_feet, told.spread, 0.0)
    wrong = _LEAN**2 / (_LEAN**2 + spread**2) / (1 + (lean / _MEANT) ** 4)
    turns = Rotation.from_rotvec((-wrong * lean)[:, None] * axis).as_matrix()
    return [turn if standing else None for turn, standing in zip(turns, told.on_feet, strict=True)]
