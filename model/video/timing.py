"""The clock of a film: when its frames are shown, which of them are wanted, and how many a second that is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_LONGEST = 3600.0
"""Seconds from one frame to the next; more is a clock that was set, not a pause."""
_ALIKE = 0.05
"""Share by which a rate that a file says may differ from what its times say."""


class Clock:
    """A film's own time from what its container says of each frame.

    Files without times, and clocks that jump (joined recordings, cameras that were set), go on by the usual step.

    Args:
        step: Seconds from one frame to the next, where the container does not say it.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._told: float | None = None
        self._time = 0.0

    def __call__(self, told: float) -> float:
        """The next frame's time, from 0 and rising, in seconds; `told` is what the container says, in seconds."""
        if self._told is not None:
            gone = told - self._told
            self._time += gone if 1e-6 < gone <= _LONGEST else self._step  # false for NaN
        self._told = told
        return self._time


class Thinning:
    """Chooses frames by their times, so that no more than so many a second are left.

    Args:
        rate: Frames a second.
    """

    def __init__(self, rate: float) -> None:
        self._step = 1 / rate
        self._due, self._before = 0.0, 0.0

    def __call__(self, time: float) -> bool:
        """Whether the frame at this time is wanted; times rise."""
        # Containers round times to milliseconds and phones are late by some: a frame that is nearly due is due.
        early = min(self._step, time - self._before) / 4
        self._before = time
        if time < self._due - early:
            return False
        self._due = self._step + (self._due if time < self._due + self._step else time)  # after a pause, anew
        return True


def frame_rate(times: Sequence[float], told: float, most: float) -> float:
    """Even steps that fit a film's times best, in frames a second.

    Args:
        times: (N,) seconds, rising.
        told: What the file says; counts where the times agree, since it is exact and they are rounded.
        most: What was asked for.
    """
    if len(times) < 2:
        return min(told, most)
    usual = 1 / float(np.median(np.diff(times)))
    return told if told <= most and math.isclose(usual, told, rel_tol=_ALIKE) else min(usual, most)
