"""Leaves out the frames of a dense clip that show nothing new."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def keep_changes(rotations: np.ndarray, framerate: float, *, degrees: float = 8.0, seconds: float = 0.5) -> np.ndarray:
    """Picks the first frame, then each one that differs enough from, or comes long after, the last.

    Args:
        rotations: (T, J, 3) axis-angle in radians, relative to the parent, evenly spaced in time.
        framerate: frames per second.
        degrees: a frame is kept once any joint has turned this far since the last kept frame.
        seconds: a frame is kept at the latest after this time.

    Returns:
        (M,) int64, rising indices of the kept frames.
    """
    frames, joints, _ = rotations.shape
    quaternions = Rotation.from_rotvec(rotations.reshape(-1, 3)).as_quat().reshape(frames, joints, 4)
    # Two unit quaternions q, p are 2 arccos |q . p| apart.
    turned_below = np.cos(np.radians(degrees) / 2)
    longest = max(1, round(seconds * framerate))
    kept = [0]
    while (last := kept[-1]) + 1 < frames:
        window = quaternions[last + 1 : last + longest]  # (W, J, 4)
        likeness = np.abs(np.einsum("wjc,jc->wj", window, quaternions[last])).min(axis=1, initial=1.0)  # (W,)
        turned = likeness <= turned_below
        step = int(turned.argmax()) + 1 if turned.any() else longest
        if last + step >= frames:
            break
        kept.append(last + step)
    return np.array(kept)
