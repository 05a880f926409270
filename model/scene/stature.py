"""How tall somebody is known to be: pictures say how large people are beside one another, and not in metres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.errors import BadInput
from model.scene.balance import balance

STATURES = (0.4, 2.8)
"""Metres: how tall a person may be said to be, from new-born to the tallest."""

ROUNDS = 3
"""How often somebody is scaled to be so tall: the body that is nearest to a larger one is not quite as tall."""


def check_person_height(height: float | None, camera_height: float | None = None) -> None:
    """Refuses what no person's height can be.

    Args:
        height: metres, if it is known.
        camera_height: likewise.

    Raises:
        BadInput: it is not within `STATURES`, or both are given: each says how large everything is.
    """
    if height is None:
        return
    if not STATURES[0] <= height <= STATURES[1]:
        raise BadInput(f"A person's height must be from {STATURES[0]:g} to {STATURES[1]:g} metres.")
    if camera_height is not None:
        raise BadInput("The person's height and the camera's each say how large everything is: give one of them.")


def stature_by_joints(joints: Sequence[np.ndarray]) -> float:
    """Metres that a person is tall, by trunk and legs, in the median of frames of COCO's joints (17, 3); or NaN."""
    known = balance(np.stack(joints)).stature
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else float("nan")
