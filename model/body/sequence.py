"""Refines the bodies of a film together: to what was seen in all frames, and to how bodies move.

What `model.body.refinement` minimises for one photo is summed over the frames, with each joint's angular acceleration
and the body's own: joints that jitter, jump to the other leg or are hidden for a moment are told by the frames around
them, and frames count before and after alike, so that nothing lags. Frames hang together by accelerations only, so that
one step of Gauss and Newton over all of them is a banded system, as cheap as steps for each alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.linalg import solveh_banded

from model.body.evidence import Seen
from model.body.fitting import BodyFit
from model.body.keypoints import Keypoints
from model.body.refinement_task import TURNS, RefinedBody, State, Task
from model.body.rig import Rig
from model.body.rotations import to_vectors
from model.joints import JOINTS

_DOUBT = 1.5
"""A 2D network errs in a frame nearly as in the one before: joints count as if they were so many times as far off."""
_TURNING = 125.0
"""Radians a second squared for each radian that the network errs by: joints of which it knows little move a lot."""
_SPEEDING = 6.0
"""Metres a second squared: root mean square of how bodies speed up."""
_STEPS = 4
_GAIN = 0.01  # of the cost: a step that takes off less changes nothing that can be seen
_DAMPING = 1e-3
_LARGEST = 1.0  # radians and metres of a step
_SHORTEST = 1e-3  # seconds from frame to frame
_SIZE = 3 * JOINTS + 3
_PART, _OVERLAP = 256, 32
"""Frames that are refined at once, which bounds the memory, and how many more before and after are heeded."""


def refine_sequence(
    rig: Rig,
    keypoints: Keypoints,
    fits: Sequence[BodyFit],
    translations: np.ndarray,
    seen: Seen,
    times: np.ndarray,
    views: np.ndarray | None = None,
) -> list[RefinedBody]:
    """Refines the bodies of one person's frames.

    Args:
        rig: The body.
        keypoints: How the joints that are seen hang on it.
        fits: N bodies of one shape, in the camera's axes.
        translations: (N, 3) metres: where they were placed before the camera.
        seen: What the N frames show of her.
        times: (N,) seconds, rising; frames may be missing.
        views: (N, 3, 3) from the camera's axes in each frame to axes that stand still; None if the camera does.
    """
    views = np.tile(np.eye(3), (len(fits), 1, 1)) if views is None else views
    refined: list[RefinedBody] = []
    for start in range(0, len(fits), _PART):
        end = min(start + _PART, len(fits))
        part = slice(max(0, start - _OVERLAP), end + _OVERLAP)
        task = Task(rig, keypoints, fits[part], translations[part], seen.subset(part), _DOUBT)
        bodies = _refine(task, _Accelerations(times[part], views[part])).bodies(fits[part])
        refined += bodies[start - part.start : end - part.start]
    return refined


def second_differences(steps: np.ndarray) -> sparse.csr_matrix:
    """(N - 2, N): accelerations of what is at N times, between which there are `steps` (N - 1,) seconds."""
    before, after = steps[:-1], steps[1:]
    mean = (before + after) / 2
    entries = np.stack([1 / (before * mean), -(1 / before + 1 / after) / mean, 1 / (after * mean)], axis=1)
    rows, first = np.repeat(np.arange(len(mean)), 3), np.arange(len(mean))[:, None]
    return sparse.csr_matrix((entries.ravel(), (rows, (first + np.arange(3)).ravel())), (len(mean), len(steps) + 1))


class _Accelerations:
    """What it costs to speed up and to turn faster and slower, over N times (N,) in seconds, of a camera that turns."""

    def __init__(self, times: np.ndarray, views: np.ndarray):
        self._views = views
        self._steps = np.maximum(np.diff(times), _SHORTEST)
        self._differences = second_differences(self._steps)
        stiffness = (self._differences.T @ self._differences).toarray()
        self.bands = [np.diagonal(stiffness, -apart) for apart in range(min(3, len(times)))]
        """What couples frames that are 0, 1 and 2 apart: as if the camera hardly turned from one to the next."""
        self.weight = np.empty(_SIZE)
        """(69,) of each entry of a step."""
        self.weight[: 3 * JOINTS] = np.repeat((_TURNING * TURNS) ** -2, 3)
        self.weight[3 * JOINTS :] = _SPEEDING**-2

    def of(self, state: State) -> tuple[float, np.ndarray]:
        """The cost of a motion, and half its slope (N, 69)."""
        count = len(state.rotations)
        rotations, above = state.rotations.copy(), self._views[:, None] @ state.above
        rotations[:, 0], above[:, 0] = self._views @ rotations[:, 0], np.eye(3)
        turns = rotations[1:] @ np.swapaxes(rotations[:-1], 2, 3)
        swings = (above[:-1] @ to_vectors(turns)[..., None]).reshape(count - 1, 3 * JOINTS)
        places = (self._views @ state.translation[..., None])[..., 0]
        velocities = np.concatenate([swings, np.diff(places, axis=0)], axis=1) / self._steps[:, None]
        accelerations = np.diff(velocities, axis=0) / ((self._steps[1:] + self._steps[:-1]) / 2)[:, None]
        weighed = accelerations * self.weight
        slope = (self._differences.T @ weighed).reshape(count, -1, 3) @ self._views  # back in the camera's axes
        return float((weighed * accelerations).sum()), slope.reshape(count, -1)


def _refine(task: Task, accelerations: _Accelerations) -> State:
    """Levenberg-Marquardt on all frames at once."""
    state = task.state(task.rotations, task.translation)
    moving, slope = accelerations.of(state)
    cost, damping = moving + float(state.cost.sum()), _DAMPING
    for _ in range(_STEPS):
        after = task.moved(state, _step(task, state, accelerations, slope, damping))
        moving, slope_after = accelerations.of(after)
        cost_after = moving + float(after.cost.sum())
        if cost_after >= cost:
            damping *= 10
            continue
        gained, state, slope, cost = 1 - cost_after / cost, after, slope_after, cost_after
        damping /= 10
        if gained < _GAIN:
            break
    return state


def _step(task: Task, state: State, accelerations: _Accelerations, slope: np.ndarray, damping: float) -> np.ndarray:
    """(N, 69) a step of all frames; slope (N, 69) is half that of the accelerations' cost."""
    normal, right = task.equations(state)
    count = len(normal)
    diagonal = np.arange(_SIZE)
    normal[:, diagonal, diagonal] = (1 + damping) * normal[:, diagonal, diagonal] + task.stiffness
    # Row d holds what is d below the diagonal: frames' own blocks, then neighbours, whose blocks are diagonal.
    bands = np.zeros((2 * _SIZE + 1, count, _SIZE))
    for below in range(_SIZE):
        bands[below, :, : _SIZE - below] = np.diagonal(normal, -below, axis1=1, axis2=2)
    for apart, coupling in enumerate(accelerations.bands):
        bands[apart * _SIZE, : len(coupling)] += coupling[:, None] * accelerations.weight
    flat = bands.reshape(len(bands), -1)
    right += slope
    step = -solveh_banded(flat, right.ravel(), overwrite_ab=True, lower=True, check_finite=False).reshape(count, _SIZE)
    largest = np.abs(step).max(axis=1, keepdims=True)
    return step * np.minimum(1, _LARGEST / np.maximum(largest, _LARGEST))
