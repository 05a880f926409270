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


def to_bvh(
    rig: Rig, bodies: Sequence[BodyFit], times: Sequence[float], places: np.ndarray | None, rate: float
) -> bytes:
    """Write one person's motion, or pose, which is a motion of one frame.

    Args:
        rig: The rig that the body was fitted with.
        bodies: N, of one shape, in the camera frame.
        times: N times in seconds, rising; what lies between them is interpolated, since BVH knows even steps only.
        places: (N, 3) metres, camera frame, to be added to each body: where the pelvis is before the camera; None for
            nowhere else.
        rate: Frames a second.
    """
    rest = rig.rest(bodies[0].shape)
    quaternions, roots = moves(rig, bodies, places)
    at = np.arange(times[0], times[-1] + 1e-6, 1 / rate)
    at = np.minimum(at, times[-1])
    angles = np.column_stack([_angles(times, quaternions[:, joint], at) for joint in _in_file()])  # (T, 66)
    place = np.stack([np.interp(at, times, roots[:, axis]) for axis in range(3)], axis=1) * _CENTIMETRES
    rows = np.column_stack([place, angles])
    offsets = bone_offsets(rest)
    lines = ["HIERARCHY", *_joint(0, offsets * _CENTIMETRES, _ends(rig, rest, offsets) * _CENTIMETRES)]
    lines += ["MOTION", f"Frames: {len(at)}", f"Frame Time: {1 / rate:.8f}"]
    lines += [" ".join(f"{value:.4f}" for value in row) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _angles(times: Sequence[float], quaternions: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Z, X and Y angles in degrees (T, 3), each about axes that the ones before have turned; without jumps of 360."""
    turns = Rotation.from_quat(quaternions)
    turns = Slerp(times, turns)(at) if len(times) > 1 else turns
    return np.unwrap(turns.as_euler("ZXY", degrees=True), period=360, axis=0)


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
