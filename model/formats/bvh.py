"""A body's motion or pose as BVH: a skeleton and its channels as text, which animation programs read.

Centimetres (in Blender's importer: scale 0.01), y up; each joint's channels are Zrotation Xrotation Yrotation in
degrees. Names, and what zero rotations show, are those of the skeleton that is chosen (`skeletons.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.body.hands import with_fingers
from model.body.motion import SkeletonMotion
from model.formats.skeletons import SKELETONS, Skeleton
from model.joints import FINGER_PARENTS, JOINTS, SMPL_PARENTS

_CENTIMETRES = 100.0
_POLE = 1e-5  # cosine of X below which Z and Y cannot be told apart


def to_bvh(motion: SkeletonMotion, rate: float, skeleton: Skeleton = SKELETONS["smpl"]) -> bytes:
    """Write one person's motion, or pose, which is a motion of one frame.

    Args:
        motion: Its poses come at even steps, from 0 on, since BVH knows no others.
        rate: Frames a second.
        skeleton: Whose names and resting pose.
    """
    own, axes, lengths = motion.turns, skeleton.axes, motion.offsets
    parents: tuple[int, ...] = SMPL_PARENTS
    if motion.rig.hands and len(skeleton.names) > JOINTS:
        parents, lengths = (*parents, *FINGER_PARENTS), np.concatenate([lengths, motion.finger_offsets])
        axes = with_fingers(axes)
        for finger, parent in enumerate(FINGER_PARENTS):
            own = np.concatenate([own, own[:, parent, None] @ motion.fingers[:, finger, None]], axis=1)
    tree = _Tree(skeleton.names, parents)
    turns = own @ axes  # (T, J, 3, 3): of the file's joints
    local = turns.copy()
    for joint, parent in enumerate(parents[1:], start=1):
        local[:, joint] = np.swapaxes(turns[:, parent], 1, 2) @ turns[:, joint]
    rows = np.column_stack([motion.roots * _CENTIMETRES, *(_angles(local[:, joint]) for joint in tree.in_file())])
    # Bones as they lie in their parent's axes, and their ends in their own.
    above = axes[[0, *parents[1:]]]
    offsets = np.einsum("jba,jb->ja", above, lengths) * _CENTIMETRES
    ends = np.einsum("jba,jb->ja", axes, _ends(motion, lengths)) * _CENTIMETRES
    lines = ["HIERARCHY", *tree.lines(0, offsets, ends)]
    lines += ["MOTION", f"Frames: {len(motion)}", f"Frame Time: {1 / rate:.8f}"]
    cells = " ".join(["%.4f"] * rows.shape[1])  # one format for all cells takes a third of the time of one each
    lines += [cells % tuple(row) for row in rows.tolist()]
    return ("\n".join(lines) + "\n").encode()


def _angles(matrices: np.ndarray) -> np.ndarray:
    """Z, X and Y angles in degrees (T, 3) of rotations (T, 3, 3), each about axes that the ones before have turned.

    A rotation has two such triples, give or take full turns, and any number of them at the poles, where X is a right
    angle: each frame has the one nearest to the frame before, since programs interpolate every channel by itself.
    """
    one = np.stack(  # the triple whose X is within a right angle
        [
            np.arctan2(-matrices[:, 0, 1], matrices[:, 1, 1]),
            np.arctan2(matrices[:, 2, 1], np.hypot(matrices[:, 0, 1], matrices[:, 1, 1])),
            np.arctan2(-matrices[:, 2, 0], matrices[:, 2, 2]),
        ],
        axis=1,
    )
    free = np.flatnonzero(np.hypot(matrices[:, 0, 1], matrices[:, 1, 1]) > _POLE)
    nearest = one.copy()
    nearest[free] = _nearest_triples(one[free])
    _settle_poles(nearest, matrices, free)
    return np.degrees(np.unwrap(nearest, axis=0))


def _nearest_triples(one: np.ndarray) -> np.ndarray:
    """Of each triple (T, 3), radians, and its other form the one nearest to the frame before, full turns aside."""
    other = np.array([np.pi, np.pi, np.pi]) + one * [1, -1, 1]
    # Both triples of a frame lie as far from both of the frame before: what counts is where the nearest changes form.
    stay, change = (np.abs(_wrapped(form[1:] - one[:-1])).sum(axis=1) for form in (one, other))
    changed = np.concatenate([[False], np.cumsum(change < stay) % 2 == 1])
    return np.where(changed[: len(one), None], other, one)


def _settle_poles(triples: np.ndarray, matrices: np.ndarray, free: np.ndarray) -> None:
    """Fills in the frames at a pole, where only Z plus or minus Y is known, between the `free` ones."""
    frames = np.arange(len(triples))
    if len(free):
        steady = np.unwrap(triples[free], axis=0)
        triples[:] = np.stack([np.interp(frames, free, steady[:, axis]) for axis in range(3)], axis=1)
    else:
        triples[:, [0, 2]] = 0.0
    for frame in np.setdiff1d(frames, free):
        side = np.sign(matrices[frame, 2, 1])
        known = np.arctan2(matrices[frame, 1, 0], matrices[frame, 0, 0])  # Z + side Y
        z, x, y = triples[frame]
        x = np.pi / 2 * side + 2 * np.pi * np.round((x - np.pi / 2 * side) / (2 * np.pi))
        off = _wrapped(known - z - side * y) / 2
        triples[frame] = z + off, x, y + side * off


def _wrapped(angles: np.ndarray) -> np.ndarray:
    """Angles in radians, within half a turn."""
    return (angles + np.pi) % (2 * np.pi) - np.pi


@dataclass(frozen=True)
class _Tree:
    """The file's joints."""

    names: tuple[str, ...]
    parents: tuple[int, ...]

    def children(self, joint: int) -> list[int]:
        return [child for child, parent in enumerate(self.parents) if parent == joint]

    def in_file(self, joint: int = 0) -> list[int]:
        """A joint and all that hangs on it in the order of the file's hierarchy, which is that of the channels."""
        return [joint, *(below for child in self.children(joint) for below in self.in_file(child))]

    def lines(self, joint: int, offsets: np.ndarray, ends: np.ndarray) -> list[str]:
        """The lines of a joint and of all that hangs on it."""
        below = [line for child in self.children(joint) for line in self.lines(child, offsets, ends)]
        place = "Xposition Yposition Zposition " if joint == 0 else ""
        return [
            f"{'ROOT' if joint == 0 else 'JOINT'} {self.names[joint]}",
            "{",
            f"\tOFFSET {_numbers(offsets[joint])}",
            f"\tCHANNELS {6 if joint == 0 else 3} {place}Zrotation Xrotation Yrotation",
            *(f"\t{line}" for line in below or ["End Site", "{", f"\tOFFSET {_numbers(ends[joint])}", "}"]),
            "}",
        ]


def _ends(motion: SkeletonMotion, offsets: np.ndarray) -> np.ndarray:
    """Where bones end that have no child, from their joints in the T-pose (J, 3): straight on to their skin's end."""
    rest, rig = motion.rest, motion.rig
    weights, joints, axes = rig.dense_weights, rest.joints, rest.straighten
    if rig.hands and len(offsets) > JOINTS:
        weights, joints = rig.hands.weights(weights), np.concatenate([joints, rig.hands.heads(rest.vertices)])
        axes = with_fingers(axes)
    ahead = offsets / np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), 1e-9)
    ends = np.zeros_like(offsets)
    for joint in range(len(offsets)):
        skin = rest.vertices[weights[:, joint] > 0.5]
        reach = (skin - joints[joint]) @ axes[joint].T @ ahead[joint]
        ends[joint] = max(reach.max(initial=0.0), 0.01) * ahead[joint]
    return ends


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:.4f}" for value in values)
