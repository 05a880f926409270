"""Poses of hands for MANO: InterHand2.6M's annotations (JSON), npz files of parameters, and Complement's meshes.

Left hands are mirrored into right ones. Poses come out relative to the flat hand.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.errors import BadData
from training.folders import files_below
from training.hands.complement import read_complement
from training.mocap.poses import MocapPoses
from training.npz import open_npz

if TYPE_CHECKING:
    from training.bodies.mano import ManoHand

_MIRROR = np.array([1.0, -1.0, -1.0], np.float32)  # of an axis-angle, where x turns into -x


def read_mano_poses(folder: Path, hand: ManoHand) -> MocapPoses:
    """Reads all that is below a folder.

    Args:
        folder: with `*MANO*.json` of InterHand2.6M, {capture: {frame: {"right" and "left": {"pose": 48 numbers} or
            null}}}, counted from MANO's mean pose; and `*.npz` with `poses` (N, 48) of right hands, or (N, 16, 3),
            counted from the flat hand, or from the mean pose if a `flat_hand_mean` says False; and Complement's
            meshes, see `read_complement`.
        hand: whose poses they are, on the CPU.

    Returns:
        (N, 16, 3) poses; a capture, a file's folder, or a pose of Complement is a subject.

    Raises:
        BadData: no file is there, or one cannot be used; the message names it.
    """
    files = [path for path in files_below(folder) if path.match("*MANO*.json") or path.match("*.npz")]
    parts: list[MocapPoses] = list(read_complement(folder, hand))
    if not files and not parts:
        raise BadData(
            f"{folder} holds no poses of MANO: neither InterHand2.6M's *MANO*.json, nor npz with `poses`, nor "
            "Complement's model_mano/*/*.obj."
        )
    mean = np.concatenate([np.zeros((1, 3), np.float32), hand.mean_pose.numpy()])  # the wrist has none
    for file in files:
        parts += _read_interhand(file, mean) if file.suffix == ".json" else [_read_npz(file, folder, mean)]
    return MocapPoses.concat(parts)


def _read_interhand(path: Path, mean: np.ndarray) -> Iterator[MocapPoses]:
    try:
        captures = json.loads(path.read_text(encoding="utf-8"))
        hands = {
            str(capture): [
                (side, hand["pose"]) for frame in frames.values() for side, hand in frame.items() if hand is not None
            ]
            for capture, frames in captures.items()
        }
    except (OSError, ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise BadData(
            f"{path} is not in InterHand2.6M's format: captures, frames, hands with a pose ({error})."
        ) from None
    for capture, found in hands.items():
        if not found:
            continue
        poses = _checked([pose for _, pose in found], path)
        left = np.array([side == "left" for side, _ in found])
        poses = np.where(left[:, None, None], poses * _MIRROR, poses) + mean
        yield MocapPoses.from_clip(poses, f"interhand/{capture}", f"{path.stem}/{capture}")


def _read_npz(path: Path, folder: Path, mean: np.ndarray) -> MocapPoses:
    try:
        with open_npz(path) as file:
            poses, flat = file["poses"], bool(file["flat_hand_mean"]) if "flat_hand_mean" in file else True
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BadData(f"{path} is no npz file with `poses` (N, 48) of MANO ({error}).") from None
    subject = path.parent.relative_to(folder).as_posix()
    checked = _checked(poses, path)
    return MocapPoses.from_clip(checked if flat else checked + mean, f"mano/{subject}", path.stem)


def _checked(poses: object, path: Path) -> np.ndarray:
    """(N, 16, 3) float32."""
    try:
        array = np.asarray(poses, dtype=np.float32).reshape(len(poses), 16, 3)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise BadData(f"{path}: poses must be 48 numbers each, 16 joints as axis-angle.") from None
    if not np.isfinite(array).all():
        raise BadData(f"{path}: a pose holds NaN or infinity.")
    return array
