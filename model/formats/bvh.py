"""A fitted body's motion or pose as BVH: a skeleton and its channels as text, which animation programs read.

Centimetres (in Blender's importer: scale 0.01), y up; each joint's channels are Zrotation Xrotation Yrotation in
degrees, and zero rotations are SMPL's T-pose. The camera is at the origin; of a photo, the pelvis.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from model.body.fitting import BodyFit
from model.body.rig import Rest, Rig
from model.formats.rigged_glb import bone_offsets, moves
from model.joints import JOINTS, SMPL_JOINT_NAMES, SMPL_PARENTS

_CENTIMETRES = 100.0
_POLE = 1e-5  # cosine of X below which Z and Y cannot be told apart


def to_bvh(
    rig: Rig, bodies: Sequence[BodyFit], times: Sequence[float], positions: np.ndarray | None, rate: float
) -> bytes:
    """Write one person's motion, or pose, which is a motion of one frame.

    Args:
        rig: The rig that the body was fitted with.
        bodies: N, of one shape, in the camera frame.
        times: N times in seconds, 0 or later and rising. Frames come at even steps from 0, since BVH knows no others:
            what lies between two times is interpolated, and before the first one the body stands as it enters.
        positions: (N, 3) metres, camera frame, to be added to each body: where the pelvis is before the camera; None
            adds nothing.
        rate: Frames a second.
    """
    rest = rig.rest(bodies[0].shape)
    quaternions, roots = moves(rig, bodies, positions)
    at = np.arange(0.0, times[-1] + 1e-6, 1 / rate)
    at = np.clip(at, times[0], times[-1])
    angles = np.column_stack([_angles(times, quaternions[:, joint], at) for joint in _in_file()])  # (T, 66)
    place = np.stack([np.interp(at, times, roots[:, axis]) for axis in range(3)], axis=1) * _CENTIMETRES
    rows = np.column_stack([place, angles])
    offsets = bone_offsets(rest)
    lines = ["HIERARCHY", *_joint(0, offsets * _CENTIMETRES, _ends(rig, rest, offsets) * _CENTIMETRES)]
    lines += ["MOTION", f"Frames: {len(at)}", f"Frame Time: {1 / rate:.8f}"]
    lines += [" ".join(f"{value:.4f}" for value in row) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _angles(times: Sequence[float], quaternions: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Z, X and Y angles in degrees (T, 3), each about axes that the ones before have turned.

    A rotation has two such triples, give or take full turns, and any number of them at the poles, where X is a right
    angle: each frame has the one nearest to the frame before, since programs interpolate every channel by itself.
    """
    turns = Rotation.from_quat(quaternions)
    matrices = (Slerp(times, turns)(at) if len(times) > 1 else turns).as_matrix()
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


def _children(joint: int) -> list[int]:
    return [child for child in range(JOINTS) if SMPL_PARENTS[child] == joint]


def _in_file(joint: int = 0) -> list[int]:
    """A joint and all that hangs on it in the order of the file's hierarchy, which is that of the channels."""
    return [joint, *(below for child in _children(joint) for below in _in_file(child))]


def _joint(joint: int, offsets: np.ndarray, ends: np.ndarray) -> list[str]:
    """The lines of a joint and of all that hangs on it."""
    below = [line for child in _children(joint) for line in _joint(child, offsets, ends)]
    place = "Xposition Yposition Zposition " if joint == 0 else ""
    return [
        f"{'ROOT' if joint == 0 else 'JOINT'} {SMPL_JOINT_NAMES[joint]}",
        "{",
        f"\tOFFSET {_numbers(offsets[joint])}",
        f"\tCHANNELS {6 if joint == 0 else 3} {place}Zrotation Xrotation Yrotation",
        *(f"\t{line}" for line in below or ["End Site", "{", f"\tOFFSET {_numbers(ends[joint])}", "}"]),
        "}",
    ]


def _ends(rig: Rig, rest: Rest, offsets: np.ndarray) -> np.ndarray:
    """Where bones end that have no child, from their joints: (22, 3), straight on to the end of their skin."""
    ahead = offsets / np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), 1e-9)
    ends = np.zeros_like(offsets)
    for joint in range(JOINTS):
        skin = rest.vertices[rig.dense_weights[:, joint] > 0.5]
        reach = (skin - rest.joints[joint]) @ rest.straighten[joint].T @ ahead[joint]
        ends[joint] = max(reach.max(initial=0.0), 0.01) * ahead[joint]
    return ends


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:.4f}" for value in values)
