"""Reads DeepMimic's motion clips, JSON files of its 15-link humanoid, into SMPL's 22 joints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from model.errors import BadData

from .poses import SMPL_JOINT_NAMES, MocapPoses
from .thinning import keep_changes

# Columns of a frame: duration in s, root position (3), then quaternions w, x, y, z and, for knees and elbows,
# angles.
_WIDTH = 44
_QUATERNIONS = {
    "root": 4,
    "chest": 8,
    "neck": 12,
    "right_hip": 16,
    "right_ankle": 21,
    "right_shoulder": 25,
    "left_hip": 30,
    "left_ankle": 35,
    "left_shoulder": 39,
}
_HINGES = {"right_knee": 20, "right_elbow": 29, "left_knee": 34, "left_elbow": 43}

# DeepMimic's body has x forward, y up, z to the right; SMPL's has x to the left, y up, z forward.
_TO_SMPL_AXES = Rotation.from_matrix([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
_Y_UP_TO_Z_UP = Rotation.from_euler("x", 90, degrees=True)
# DeepMimic's arms rest hanging down, SMPL's straight out: from SMPL's rest to DeepMimic's, in SMPL's axes.
_ARM_DOWN = {
    "left": Rotation.from_euler("z", -90, degrees=True),
    "right": Rotation.from_euler("z", 90, degrees=True),
}


def read_deepmimic(path: str | Path, subject: str) -> MocapPoses:
    """Reads one clip, thinned to the poses that differ.

    The humanoid has no collars, wrists and toes, which stay at rest. Its one chest joint is shared evenly by
    SMPL's spine1 and spine2, its neck by neck and head, so that the chest and the head are oriented as in the
    file.

    Args:
        path: a file like `humanoid3d_walk.txt`.
        subject: the name to give to the person.

    Raises:
        BadData: the file is broken or of another character; the message names it.
    """
    path = Path(path)
    try:
        frames = np.array(json.loads(path.read_bytes())["Frames"], dtype=np.float64)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadData(f"{path} is no DeepMimic motion clip ({error}): remove it.") from error
    if frames.ndim != 2 or frames.shape[1] != _WIDTH or len(frames) == 0:
        raise BadData(f"{path}: frames have shape {frames.shape}, but the humanoid's are (T, {_WIDTH}).")
    if not np.isfinite(frames).all() or frames[0, 0] <= 0:
        raise BadData(f"{path} holds NaN, infinity or a frame without duration: remove it.")
    rotations = _to_smpl(frames, path)
    rotations = rotations[keep_changes(rotations, framerate=1 / frames[0, 0])]
    return MocapPoses.from_clip(rotations, subject, path.name)


def _to_smpl(frames: np.ndarray, path: Path) -> np.ndarray:
    """(T, 44) -> (T, 22, 3) axis-angle."""
    local = {}
    for name, column in _QUATERNIONS.items():
        w_x_y_z = frames[:, column : column + 4]
        # The clips were smoothed number by number, which leaves norms from 0.6 to 1.1: from_quat makes them
        # 1.
        if np.abs(np.linalg.norm(w_x_y_z, axis=1) - 1).max() > 0.5:
            raise BadData(f"{path}: {name} is no quaternion in every frame: remove the file.")
        local[name] = Rotation.from_quat(w_x_y_z[:, [1, 2, 3, 0]])
    for name, column in _HINGES.items():
        local[name] = Rotation.from_rotvec(frames[:, [column]] * np.array([0.0, 0.0, 1.0]))

    turned = {name: _TO_SMPL_AXES * rotation * _TO_SMPL_AXES.inv() for name, rotation in local.items()}
    halves = {name: Rotation.from_rotvec(turned[name].as_rotvec() / 2) for name in ("chest", "neck")}
    smpl = {
        "pelvis": _Y_UP_TO_Z_UP * local["root"] * _TO_SMPL_AXES.inv(),
        "spine1": halves["chest"],
        "spine2": halves["chest"],
        "neck": halves["neck"],
        "head": halves["neck"],
    }
    for side, down in _ARM_DOWN.items():
        for joint in ("hip", "knee", "ankle"):
            smpl[f"{side}_{joint}"] = turned[f"{side}_{joint}"]
        smpl[f"{side}_shoulder"] = turned[f"{side}_shoulder"] * down
        smpl[f"{side}_elbow"] = down.inv() * turned[f"{side}_elbow"] * down

    rotations = np.zeros((len(frames), len(SMPL_JOINT_NAMES), 3), dtype=np.float32)
    for name, rotation in smpl.items():
        rotations[:, SMPL_JOINT_NAMES.index(name)] = rotation.as_rotvec()
    return rotations
