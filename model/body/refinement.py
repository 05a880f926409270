"""Refines fitted bodies to the joints that were seen in a photo: Levenberg-Marquardt on the kinematic tree, in batches.

A network hedges: limbs whose depth it doubts come out flat and short, joints beside where they were seen. A body whose
bones keep their lengths cannot: where it must project onto what was seen, the depth follows. Minimised are the robust
re-projection error of the joints, the turns away from the network's answer, which decides all that a photo cannot, and
what knees and elbows turn beyond their limits. Whoever has a limb inside another then is refined on, to let it out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.body.evidence import Seen
from model.body.fitting import BodyFit
from model.body.keypoints import Keypoints
from model.body.refinement_task import RefinedBody, State, Task
from model.body.rig import Rig

_STEPS, _STEPS_OUT = 8, 3
_DONE = 3e-3  # radians and metres: smaller steps change nothing that can be seen
_GAIN = 0.003  # of the cost: nor does a step that takes off less
# People of footage and of motion capture, noisy heatmaps too, come to 6 at most; of 759 rendered people in rare poses
# 47 to more than 8, and they are nearer the farther they go. Of those whose left and right are exchanged half come to
# 22 and more: what asks bodies to turn so far is less and less theirs, and they go part of the way, in the end none.
# Were that one threshold, a pixel would decide between two poses, decimetres apart.
_USUAL_STRAIN, _MOST_STRAIN = 25.0, 45.0
_DAMPING = 1e-3
_BATCH = 64  # people at once: bounds the memory


def refine(
    rig: Rig, keypoints: Keypoints, fits: Sequence[BodyFit], translations: np.ndarray, seen: Seen
) -> list[RefinedBody]:
    """Refines fitted bodies to what was seen; each comes out as if it were alone.

    Args:
        rig: the body.
        keypoints: how COCO's joints hang on it.
        fits: B bodies in the camera's axes, as `fit` makes them of a network's meshes.
        translations: (B, 3) metres: where they were placed before their cameras.
        seen: the joints of the same people.

    Raises:
        ValueError: shapes do not fit each other, or a number is not finite.
    """
    _check(len(fits), len(keypoints.weights), translations, seen)
    refined: list[RefinedBody] = []
    for start in range(0, len(fits), _BATCH):
        part = slice(start, start + _BATCH)
        refined += _refine_batch(rig, keypoints, fits[part], translations[part], seen.subset(part))
    return refined


def _check(people: int, count: int, translations: np.ndarray, seen: Seen) -> None:
    """Raises ValueError unless there is of each person what there should be."""
    for what, array, shape in (
        ("translations", translations, (people, 3)),
        ("joints", seen.joints, (people, count, 2)),
        ("confidence", seen.confidence, (people, count)),
        ("focal lengths", seen.focal_length, (people,)),
        ("principal points", seen.principal_point, (people, 2)),
    ):
        if array.shape != shape:
            raise ValueError(f"{what} of shape {array.shape}, not {shape}")
        if what not in ("joints", "confidence") and not np.isfinite(array).all():
            raise ValueError(f"{what} that are not finite")


def _refine_batch(
    rig: Rig, keypoints: Keypoints, fits: Sequence[BodyFit], translations: np.ndarray, seen: Seen
) -> list[RefinedBody]:
    task = Task(rig, keypoints, fits, translations, seen)
    rotations = np.stack([fit.rotations for fit in fits]).astype(np.float64)
    state = _descend(task, task.state(rotations, task.translation), _STEPS)
    share = ((_MOST_STRAIN - state.strain) / (_MOST_STRAIN - _USUAL_STRAIN)).clip(0, 1)
    if (share < 1).any():
        state = state.where(share < 1, task.part_of_the_way(state, share))
    bodies = state.bodies(fits)
    inside = task.inside(state)
    stuck = np.flatnonzero(inside.out.any(axis=(1, 2))).tolist()
    if stuck:
        state = _descend(*task.solid(state, inside, stuck), _STEPS_OUT)
        for index, body in zip(stuck, state.bodies([fits[index] for index in stuck]), strict=True):
            bodies[index] = body
    return bodies


def _descend(task: Task, state: State, steps: int) -> State:
    """Levenberg-Marquardt: so many steps at most."""
    damping = np.full(len(state.cost), _DAMPING)
    moving = np.ones(len(state.cost), bool)
    for _ in range(steps):
        step = task.step(state, damping) * moving[:, None]
        after = task.moved(state, step)
        better = after.cost <= state.cost
        moving &= ~better | (after.cost < (1 - _GAIN) * state.cost)
        state = state.where(better, after)
        damping = np.where(better, damping / 10, np.maximum(10 * damping, _DAMPING))
        moving &= np.abs(step).max(axis=1) >= _DONE
        if not moving.any():
            break
    return state
