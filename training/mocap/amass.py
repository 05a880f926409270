"""Reads AMASS's clips: <data set>/<subject>/<clip>.npz with SMPL-H or SMPL-X keys."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from model.errors import BadData
from model.joints import JOINTS, SMPLH_JOINTS, SMPLX_JOINTS
from training.folders import folder_of
from training.npz import open_npz

from .clip import Clip

# SMPL's 22 joints lead the pose vector of each of these models: the bare body, SMPL, SMPL-H and SMPL-X. In SMPL's two
# stiff hands follow, in SMPL-H's the fingers, in SMPL-X's jaw, eyes and fingers.
_POSE_WIDTHS = (66, 72, 156, 165)
_BODY, _FACE, _FINGERS = JOINTS, SMPLX_JOINTS - SMPLH_JOINTS, SMPLH_JOINTS - JOINTS


def read_amass_clip(path: Path, joints: int = JOINTS) -> Clip:
    """Reads one clip of either release of AMASS: SMPL+H (`*_poses.npz`) or SMPL-X (`*_stageii.npz`).

    A clip that has a `frame` key counts as thinned already. The subject is named after the folders, as in
    "CMU/02" for CMU/02/02_01_poses.npz.

    Args:
        path: the clip.
        joints: of the body that is posed: SMPL-H's have the clip's fingers, counted from the flat hand, SMPL-X's also
            its jaw and eyes; at rest where the clip has none.

    Raises:
        BadData: the clip is broken; the message names it.
    """
    try:
        # Members are read on access: keys that are not asked for, object arrays among them, are never
        # decoded.
        with open_npz(path) as file:
            rotations = _rotations(file, path, joints)
            framerate = None if "frame" in file else _framerate(file, path)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BadData(f"{path} cannot be read ({error}): remove it or download it again.") from error
    subject = folder_of(path)
    return Clip(rotations, framerate, f"{subject.parent.name}/{subject.name}")


def holds_shape_only(path: Path) -> bool:
    """Whether AMASS's name of the file says that it holds a body's shape and no motion."""
    return path.name == "shape.npz" or path.stem.endswith("_stagei")


def _rotations(file: np.lib.npyio.NpzFile, path: Path, joints: int) -> np.ndarray:
    """Returns (T, J, 3) float32 from `poses`, or else from `root_orient`, `pose_body` and what else there is."""
    if "poses" in file:
        poses = file["poses"]
        if poses.ndim != 2 or poses.shape[1] not in _POSE_WIDTHS:
            raise BadData(
                f"{path}: `poses` has shape {poses.shape}, but SMPL-H needs (T, 156) and SMPL-X (T, 165). "
                "Is it a clip of a whole body?"
            )
    elif "root_orient" in file and "pose_body" in file:
        root, body = file["root_orient"], file["pose_body"]
        if root.shape != (len(root), 3) or body.shape != (len(root), 63):
            raise BadData(
                f"{path}: `root_orient` has shape {root.shape} and `pose_body` {body.shape}, "
                "but (T, 3) and (T, 63) are needed."
            )
        poses = np.concatenate([root, body], axis=1)
        others = [file[key] for key in ("pose_jaw", "pose_eye", "pose_hand") if key in file]
        widths = [other.shape for other in others]
        if widths == [(len(root), 3), (len(root), 6), (len(root), 90)]:
            poses = np.concatenate([poses, *others], axis=1)
        elif "pose_hand" in file and widths[-1] == (len(root), 90):
            poses = np.concatenate([poses, others[-1]], axis=1)
    else:
        raise BadData(
            f"{path} has neither `poses` nor `root_orient` and `pose_body`, only {sorted(file.files)}: "
            "is it one of AMASS's files?"
        )
    if poses.dtype.kind != "f":
        raise BadData(f"{path}: the poses are {poses.dtype}, not floating-point radians.")
    if len(poses) == 0:
        raise BadData(f"{path} holds no frame: remove it.")
    poses = poses.astype(np.float32).reshape(len(poses), -1, 3)
    rotations = np.zeros((len(poses), joints, 3), np.float32)
    rotations[:, :_BODY] = poses[:, :_BODY]
    if joints > _BODY and poses.shape[1] >= SMPLH_JOINTS:
        rotations[:, -_FINGERS:] = poses[:, -_FINGERS:]
    if joints == poses.shape[1] == SMPLX_JOINTS:
        rotations[:, _BODY : _BODY + _FACE] = poses[:, _BODY : _BODY + _FACE]
    return rotations


def _framerate(file: np.lib.npyio.NpzFile, path: Path) -> float:
    for key in ("mocap_framerate", "mocap_frame_rate"):  # SMPL-H's spelling, SMPL-X's
        if key in file:
            framerate = file[key]
            if framerate.size != 1 or framerate.dtype.kind not in "fiu" or not 0 < framerate.item() < np.inf:
                raise BadData(f"{path}: `{key}` is {framerate!r}, but a number of frames per second is needed.")
            return float(framerate.item())
    raise BadData(
        f"{path} has no `mocap_framerate`: add it, or add `frame` (the index of each frame) "
        "if its frames were thinned already."
    )
