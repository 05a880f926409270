"""Where a person's limb joints truly were: out of TRC, C3D or npz files."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from model.errors import BadData, BadInput
from model.joints import COCO_JOINTS
from training.mocap.text import read_lines
from training.npz import open_npz

LIMB_JOINTS = COCO_JOINTS[5:]
"""Shoulders to ankles, the joints that all skeletons share; in COCO's order."""
ENDINGS = (".trc", ".c3d", ".npz")
_LARGEST = 1 << 28  # bytes of a file
_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_BROKEN = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, IndexError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class TrueJoints:
    """A person's limb joints in the world's frame."""

    joints: np.ndarray
    """(F, 12, 3) metres; NaN where a joint is not known."""
    times: np.ndarray | None = None
    """(F,) seconds since the films began; None where frames are the films' frames, one by one."""

    def row(self, frame: int, time: float) -> int | None:
        """Which row belongs to a film's frame, by its number and time in seconds; None if none does."""
        if self.times is None:
            return frame if frame < len(self.joints) else None
        nearest = int(np.abs(self.times - time).argmin())
        apart = np.median(np.diff(self.times)) if len(self.times) > 1 else 0.02
        return nearest if abs(self.times[nearest] - time) <= 0.51 * apart else None

    def turned(self) -> TrueJoints:
        """With z up, if y was: Pose2Sim and OpenSim write (y, z, x) of the cameras' world."""
        return replace(self, joints=self.joints[..., [2, 0, 1]])


def read_truth(path: Path) -> TrueJoints:
    """Reads a file of true joints.

    TRC and C3D name their points: `LShoulder`, `left_shoulder`, `l_shoulder` and the like are found. An npz has
    `joints` (F, 12, 3) in metres, COCO's shoulders to ankles, and may have `ok` (F, 12) bool and `times` (F,), seconds.

    Raises:
        BadData: the file is not there, broken, or lacks a joint; the message names it.
        BadInput: C3D, and ezc3d is not installed.
    """
    reader = {".trc": _of_trc, ".c3d": _of_c3d, ".npz": _of_npz}.get(path.suffix.lower())
    if reader is None:
        raise BadData(f"{path} is no file of true joints: {', '.join(ENDINGS)} are read.")
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST >> 20} MB")
        truth = reader(path)
        if truth.joints.ndim != 3 or truth.joints.shape[1:] != (len(LIMB_JOINTS), 3) or not len(truth.joints):
            raise ValueError(f"joints of shape {truth.joints.shape}, not (frames, 12, 3)")
        if truth.times is not None and (
            truth.times.shape != truth.joints.shape[:1] or not (np.diff(truth.times) > 0).all()
        ):
            raise ValueError("times that do not rise, one a frame")
        known = truth.joints[np.isfinite(truth.joints)]
        if not len(known):
            raise ValueError("not one joint is known")
        if np.abs(known).max() > 1000:
            raise ValueError("joints that are kilometres off: are these millimetres?")
    except _BROKEN as error:
        raise BadData(f"{path} cannot be used as true joints ({type(error).__name__}: {error}).") from None
    return truth


def _of_npz(path: Path) -> TrueJoints:
    with open_npz(path) as file:
        joints = np.array(file["joints"], np.float64)
        if "ok" in file:
            known = file["ok"].astype(bool)
            if known.shape != joints.shape[:2]:
                raise ValueError(f"ok of shape {known.shape} for joints of shape {joints.shape}")
            joints[~known] = np.nan
        return TrueJoints(joints, np.array(file["times"], np.float64) if "times" in file else None)


def _of_trc(path: Path) -> TrueJoints:
    lines = read_lines(path)
    if len(lines) < 6:
        raise ValueError("no frame in it")
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t")))
    columns = _columns([name for name in lines[3].split("\t")[2:] if name.strip()])
    rows = [line.split("\t") for line in lines[5:] if line.strip()]
    numbers = np.array([[_number(row, 2 + 3 * c + axis) for c in columns for axis in range(3)] for row in rows])
    times = np.array([_number(row, 1) for row in rows])
    return TrueJoints(numbers.reshape(len(rows), -1, 3) * _metres(header["Units"]), times)


def _of_c3d(path: Path) -> TrueJoints:
    try:
        import ezc3d
    except ImportError:
        raise BadInput("C3D needs the package ezc3d, which is not installed: pip install ezc3d.") from None
    file = ezc3d.c3d(str(path))
    about = file["parameters"]["POINT"]
    labels = [label.rpartition(":")[2] for label in about["LABELS"]["value"]]  # after the subject's name
    points = file["data"]["points"][:3, _columns(labels)]  # (3, 12, F)
    first, rate = file["header"]["points"]["first_frame"], float(about["RATE"]["value"][0])
    joints = np.moveaxis(points, (0, 1, 2), (2, 1, 0)) * _metres(about["UNITS"]["value"][0])
    return TrueJoints(joints, (first + np.arange(len(joints))) / rate)


def _columns(names: Sequence[str]) -> list[int]:
    """Where the limb joints are among named points."""
    there = {_plain(name): index for index, name in reversed(list(enumerate(names)))}
    lacking = [joint for joint in LIMB_JOINTS if _plain(joint) not in there]
    if lacking:
        raise ValueError(f"it lacks {', '.join(lacking)} and has {', '.join(names[:40])}")
    return [there[_plain(joint)] for joint in LIMB_JOINTS]


def _plain(name: str) -> str:
    """One spelling of a joint's name: "lshoulder" of LShoulder, left_shoulder, l.shoulder, Shoulder_L."""
    letters = re.sub(r"[^a-z]", "", name.lower().replace("left", "l").replace("right", "r"))
    turned = re.fullmatch(r"(shoulder|elbow|wrist|hip|knee|ankle)([lr])", letters)
    return turned[2] + turned[1] if turned else letters


def _number(row: Sequence[str], column: int) -> float:
    """A cell as a number; NaN where it is empty or the row ends before it."""
    text = row[column].strip() if column < len(row) else ""
    return float(text) if text else np.nan


def _metres(unit: str) -> float:
    factor = _METRES.get(unit.strip().lower())
    if factor is None:
        raise ValueError(f"points in {unit!r}, not in m, cm or mm")
    return factor
