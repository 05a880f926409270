"""Where a film goes over to another shot: people before and after a cut are not followed into one another."""

from __future__ import annotations

import cv2
import numpy as np

_SIDE = 32  # pixels of a picture's longer side: what lies where, and no detail that moves
_SAMPLES = 8  # pixels of the frame across one of these, at least
_UNLIKE = 0.6
"""Correlation of two pictures below which they are of two shots. One after the other they have 0.92 and more, a camera
that pans, a flash and people who cross among them; cameras around one man at most 0.57."""
_NEXT = 0.25
"""Seconds between two frames beyond which a camera may have turned anywhere."""
_EMPTY = 4.0
"""Deviation of the picture, of 255, below which it shows nothing: what comes after a fade is compared with what was
before it."""


class Cuts:
    """Looks at a film's frames as they come, and tells which of them begins another shot."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._time = -np.inf

    def __call__(self, time: float, frame: np.ndarray) -> bool:
        """Whether this frame is of another shot than those before.

        Args:
            time: Seconds, rising.
            frame: (H, W, 3) uint8 RGB.
        """
        step, self._time = time - self._time, time
        step_over = max(frame.shape[:2]) // (_SAMPLES * _SIDE)  # all pixels of a large frame take milliseconds
        if step_over > 1:
            few = max(1, frame.shape[1] // step_over), max(1, frame.shape[0] // step_over)
            frame = cv2.resize(frame, few, interpolation=cv2.INTER_NEAREST)
        scale = min(1.0, _SIDE / max(frame.shape[:2]))
        size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        picture = small - small.mean(axis=(0, 1))
        if np.sqrt(np.square(picture).mean()) < _EMPTY:
            return False
        before, self._before = self._before, picture
        if before is None or step > _NEXT:
            return False
        norms = np.linalg.norm(before) * np.linalg.norm(picture)
        return float((before * picture).sum()) < _UNLIKE * float(norms)
