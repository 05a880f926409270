"""Reads motion capture in AMASS's layout: <data set>/<subject>/<clip>.npz with SMPL-H or SMPL-X keys."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
from tqdm import tqdm

from model.errors import BadData

from .poses import MocapPoses
from .thinning import keep_changes

# SMPL's 22 joints lead the pose vector of each of these models: the bare body, SMPL, SMPL-H and SMPL-X.
_POSE_WIDTHS = (66, 72, 156, 165)


def read_amass(folder: str | Path) -> MocapPoses:
    """Reads all clips below a folder, dense clips thinned to the poses that differ.

    Both releases of AMASS are read: SMPL+H (`*_poses.npz`) and SMPL-X (`*_stageii.npz`). Files with body
    shapes only are left out. A dense clip keeps a frame whenever a joint has turned 8 degrees or 0.5 s have
    passed; a clip that has a `frame` key has been thinned already and is taken whole.

    Args:
        folder: AMASS itself, one of its data sets, or one subject's folder.

    Returns:
        The poses in the order of the sorted paths.

    Raises:
        BadData: the folder holds no clip, or a clip is broken; the message names it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BadData(f"{folder} is not a folder. Give the folder of AMASS, as in MOCAP=path/to/amass.")
    files = sorted(path for path in folder.rglob("*.npz") if not _holds_shape_only(path))
    if not files:
        raise BadData(
            f"{folder} holds no MoCap clip. AMASS's layout is <data set>/<subject>/<clip>_poses.npz: "
            "unpack its archives into that folder."
        )
    return MocapPoses.concat(
        [_read_clip(path, folder) for path in tqdm(files, desc="Reading MoCap", unit="clip", delay=2)]
    )


def _holds_shape_only(path: Path) -> bool:
    return path.name == "shape.npz" or path.stem.endswith("_stagei")


def _read_clip(path: Path, folder: Path) -> MocapPoses:
    try:
        # Members are read on access: keys that are not asked for, object arrays among them, are never
        # decoded.
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise BadData(f"{path} is no npz archive: remove it or download it again.")
        with file:
            rotations = _body_rotations(file, path)
            thinned = "frame" in file
            framerate = 0.0 if thinned else _framerate(file, path)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BadData(f"{path} cannot be read ({error}): remove it or download it again.") from error
    if not thinned:
        rotations = rotations[keep_changes(rotations, framerate)]
    subject = path.resolve().parent
    return MocapPoses.from_clip(rotations, f"{subject.parent.name}/{subject.name}", path.relative_to(folder).as_posix())


def _body_rotations(file: np.lib.npyio.NpzFile, path: Path) -> np.ndarray:
    """Returns (T, 22, 3) float32 from `poses`, or else from `root_orient` and `pose_body`."""
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
    else:
        raise BadData(
            f"{path} has neither `poses` nor `root_orient` and `pose_body`, only {sorted(file.files)}: "
            "is it one of AMASS's files?"
        )
    if poses.dtype.kind != "f":
        raise BadData(f"{path}: the poses are {poses.dtype}, not floating-point radians.")
    if len(poses) == 0:
        raise BadData(f"{path} holds no frame: remove it.")
    rotations = poses[:, :66].astype(np.float32).reshape(-1, 22, 3)
    if not np.isfinite(rotations).all():
        bad = np.flatnonzero(~np.isfinite(rotations).all(axis=(1, 2)))
        raise BadData(
            f"{path}: {len(bad)} of {len(poses)} frames hold NaN or infinity, the first is frame {bad[0]}. "
            "Remove the file or repair it."
        )
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
