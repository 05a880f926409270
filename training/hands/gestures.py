"""Named gestures and grasps, as anatomical angles."""

from __future__ import annotations

import numpy as np

# thumb: flexion, abduction, mcp, ip; then mcp, pip, dip, spread of each finger.
_OUT = (-10, 30, 0, 0)  # the thumb away from the palm
_BESIDE = (5, 8, 5, 5)  # beside the index finger, in the palm's plane
_ACROSS = (25, 32, 30, 35)  # over the palm
_OVER = (24, 43, 36, 50)  # over curled fingers


def _hand(thumb: tuple, index: tuple, middle: tuple, ring: tuple, little: tuple, spread: float = 0.0) -> np.ndarray:
    fingers = (angle for finger in (index, middle, ring, little) for angle in (*finger, spread))
    return np.array([*thumb, *fingers], np.float32)


def _all(thumb: tuple, finger: tuple, spread: float = 0.0) -> np.ndarray:
    return _hand(thumb, finger, finger, finger, finger, spread)


_S, _C = (0, 0, 0), (78, 95, 52)  # a straight finger, and one curled into the palm
GESTURES: dict[str, np.ndarray] = {
    "relaxed": _hand((0, 35, 12, 15), (20, 28, 12), (26, 32, 14), (30, 36, 16), (34, 38, 16), 0.2),
    "flat": _all(_BESIDE, _S),
    "open": _all(_OUT, _S, 0.9),
    "fist": _all(_OVER, _C),
    "point": _hand(_OVER, _S, _C, _C, _C),
    "two": _hand((34, 43, 40, 48), _S, _S, _C, _C, 0.6),
    "three": _hand((38, 43, 42, 50), _S, _S, _S, _C, 0.6),
    "four": _all(_ACROSS, _S, 0.5),
    "thumb up": _all((-22, 10, -3, -8), _C),
    "gun": _hand((-22, 10, -3, -8), _S, _C, _C, _C),
    "horns": _hand(_OVER, _S, _C, _C, _S, 0.3),
    "phone": _hand((-20, 25, 0, 0), _C, _C, _C, _S, 0.6),
    "pinch": _hand((17, 47, 15, 36), (46, 55, 26), (40, 45, 20), (42, 45, 20), (45, 45, 20), 0.1),
    "OK": _hand((11, 48, 34, 34), (47, 49, 26), (10, 10, 5), (0, 5, 3), (-5, 3, 2), 0.5),
    "claw": _all((-5, 40, 10, 45), (-5, 75, 50), 0.5),
    "hook": _all((-5, 25, 10, 20), (5, 95, 60)),
    "table top": _all((-5, 30, 5, 5), (80, 5, 3)),
    "cylinder": _all((10, 48, 20, 25), (45, 50, 25), 0.1),
    "sphere": _all((0, 50, 12, 20), (30, 38, 22), 0.7),
    "key": _hand((24, 27, 6, 35), (55, 65, 30), (65, 75, 35), (72, 80, 40), (75, 82, 40)),
}

HELD_OUT_GESTURES = ("OK", "phone", "three", "hook")
"""Never seen in training: half of the test poses are about these."""
