"""Reads AMASS's clips: <data set>/<subject>/<clip>.npz with SMPL-H or SMPL-X keys, or others' names for them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
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
# All joints in one array is AMASS's `poses`, GRAB's `fullpose`. The parts' names are AMASS's, then those of the package
# smplx, which most research code keeps, and of Inter-X.
_WHOLE = ("poses", "fullpose")
_ROOT = (("root_orient",), ("global_orient",))
_BODY_POSE = (("pose_body",), ("body_pose",))
_JAW = (("pose_jaw",), ("jaw_pose",))
_EYES = (("pose_eye",), ("leye_pose", "reye_pose"))
_HAND_POSES = (("pose_hand",), ("left_hand_pose", "right_hand_pose"), ("pose_lhand", "pose_rhand"))
_FRAMERATES = ("mocap_framerate", "mocap_frame_rate", "fps")  # SMPL-H's spelling, SMPL-X's, others'
_NO_RADIANS = 40.0  # length of a frame's vector: people's have some 3, and 170 in degrees
_BODY, _FACE, _FINGERS = JOINTS, SMPLX_JOINTS - SMPLH_JOINTS, SMPLH_JOINTS - JOINTS


def read_amass_clip(path: Path, joints: int = JOINTS) -> Clip:
    """Reads one clip of either release of AMASS: SMPL+H (`*_poses.npz`) or SMPL-X (`*_stageii.npz`), or alike.

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
    """Returns (T, J, 3) float32 from one array of all joints, or else from its parts."""
    poses = next((_flat(file[key]) for key in _WHOLE if key in file), None)
    if poses is None:
        poses = _assembled(file, path)
    elif poses.ndim != 2 or poses.shape[1] not in _POSE_WIDTHS:
        raise BadData(
            f"{path}: the poses have shape {poses.shape}, but SMPL-H needs (T, 156), SMPL-X (T, 165) and SMPL (T, 72), "
            "axis-angle. Is it a clip of a whole body?"
        )
    if poses.dtype.kind != "f":
        raise BadData(f"{path}: the poses are {poses.dtype}, not floating-point radians.")
    if len(poses) == 0:
        raise BadData(f"{path} holds no frame: remove it.")
    if _in_degrees(poses):
        raise BadData(f"{path}: the poses seem to be in degrees. Convert them to radians: numpy.radians(poses).")
    poses = poses.astype(np.float32).reshape(len(poses), -1, 3)
    rotations = np.zeros((len(poses), joints, 3), np.float32)
    rotations[:, :_BODY] = poses[:, :_BODY]
    if joints > _BODY and poses.shape[1] >= SMPLH_JOINTS:
        rotations[:, -_FINGERS:] = poses[:, -_FINGERS:]
    if joints == poses.shape[1] == SMPLX_JOINTS:
        rotations[:, _BODY : _BODY + _FACE] = poses[:, _BODY : _BODY + _FACE]
    return rotations


def _assembled(file: np.lib.npyio.NpzFile, path: Path) -> np.ndarray:
    """Returns (T, 66), with fingers (T, 156), with jaw and eyes too (T, 165), from the arrays that hold its parts."""
    roots, bodies = (_named(file, names) for names in (_ROOT, _BODY_POSE))
    if roots is None or bodies is None:
        raise BadData(
            f"{path} has neither `poses` nor `root_orient` and `pose_body`, or `global_orient` and `body_pose`, only "
            f"{sorted(file.files)}: is it a clip of SMPL's poses?"
        )
    if roots.shape != (len(roots), 3) or bodies.shape not in ((len(roots), 63), (len(roots), 69)):
        raise BadData(
            f"{path}: `root_orient`, or `global_orient`, has shape {roots.shape} and `pose_body`, or `body_pose`, "
            f"{bodies.shape}, but (T, 3) and (T, 63) are needed, axis-angle."
        )
    parts = [roots, bodies[:, : 3 * (_BODY - 1)]]
    hands, face = _named(file, _HAND_POSES), [_named(file, names) for names in (_JAW, _EYES)]
    if hands is None or hands.shape != (len(roots), 3 * _FINGERS):  # or few numbers that stand for them
        return np.concatenate(parts, axis=1)
    widths = [part.shape if part is not None else None for part in face]
    if widths == [(len(roots), 3), (len(roots), 6)]:
        parts += [part for part in face if part is not None]
    return np.concatenate([*parts, hands], axis=1)


def _in_degrees(poses: np.ndarray) -> bool:
    """Whether the angles of poses (T, W) are larger than any in radians."""
    lengths = np.linalg.norm(poses.astype(np.float64), axis=1)
    finite = lengths[np.isfinite(lengths)]
    return len(finite) > 0 and bool(np.median(finite) > _NO_RADIANS)


def _named(file: np.lib.npyio.NpzFile, names: Sequence[tuple[str, ...]]) -> np.ndarray | None:
    """The first of several ways in which a part is there, its arrays side by side (T, W)."""
    for keys in names:
        if all(key in file for key in keys):
            return np.concatenate([_flat(file[key]) for key in keys], axis=-1)
    return None


def _flat(values: np.ndarray) -> np.ndarray:
    """(T, J, 3) as (T, 3 J), all else as it is."""
    return values.reshape(len(values), 3 * values.shape[1]) if values.ndim == 3 and values.shape[2] == 3 else values


def _framerate(file: np.lib.npyio.NpzFile, path: Path) -> float:
    for key in _FRAMERATES:
        if key in file:
            framerate = file[key]
            if framerate.size != 1 or framerate.dtype.kind not in "fiu" or not 0 < framerate.item() < np.inf:
                raise BadData(f"{path}: `{key}` is {framerate!r}, but a number of frames per second is needed.")
            return float(framerate.item())
    raise BadData(
        f"{path} has no `mocap_framerate`: add it, or add `frame` (the index of each frame) "
        "if its frames were thinned already."
    )
