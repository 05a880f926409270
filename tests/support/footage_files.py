"""A small calibrated recording, made by formula, in the formats of Pose2Sim and Qualisys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from training.footage.cameras import CalibratedCamera

SIZE = (120, 160)
"""Width and height of the films."""
NAMES = (
    "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist", "LHip", "RHip", "LKnee", "RKnee", "LAnkle",
    "RAnkle",
)  # fmt: skip
FACTORS = {"m": 1, "mm": 1000}


def standing() -> np.ndarray:
    """(12, 3) someone in a world with z up, facing +x, one arm ahead; metres."""
    left = [(0.0, 0.2, 1.4), (0.25, 0.25, 1.3), (0.5, 0.25, 1.4), (0.0, 0.1, 0.9), (0.1, 0.1, 0.5), (0.0, 0.1, 0.1)]
    right = [(0.0, 0.2, 1.4), (0.0, 0.25, 1.1), (0.1, 0.25, 0.9), (0.0, 0.1, 0.9), (0.0, 0.1, 0.5), (-0.1, 0.1, 0.1)]
    return np.array([point for one, (x, y, z) in zip(left, right) for point in (one, (x, -y, z))])


_STRAIGHT = (0.0, 0.0, 0.0, 0.0)


def camera_at(angle: float, name: str = "cam01", distortion: Sequence[float] = _STRAIGHT) -> CalibratedCamera:
    """A camera four metres from the origin, one metre up, that looks at it level from an angle (radians) around z."""
    back = np.array([np.cos(angle), np.sin(angle), 0.0])
    right = np.array([-np.sin(angle), np.cos(angle), 0.0])
    rotation = np.stack([right, [0.0, 0.0, -1.0], -back])
    intrinsics = np.array([[150.0, 0, 60.0], [0, 150.0, 80.0], [0, 0, 1]])
    place = 4 * back + [0.0, 0.0, 1.0]
    size = (float(SIZE[0]), float(SIZE[1]))
    return CalibratedCamera(name, intrinsics, np.array(distortion), rotation, -rotation @ place, size)


def write_toml(path: Path, cameras: Sequence[CalibratedCamera], **more: str) -> Path:
    """As Pose2Sim's `toml_write` does it."""
    text = ""
    for camera in cameras:
        turn = cv2.Rodrigues(camera.rotation)[0].ravel().tolist()
        text += f'[{camera.name}]\nname = "{camera.name}"\nsize = [ {SIZE[0]}.0, {SIZE[1]}.0]\n'
        text += f"matrix = {camera.intrinsics.tolist()}\ndistortions = {camera.distortion.tolist()}\n"
        text += f"rotation = {turn}\ntranslation = {camera.translation.tolist()}\n"
        text += f"fisheye = {more.get('fisheye', 'false')}\n\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "[metadata]\nadjusted = false\nerror = 0.0\n")
    return path


def write_qualisys(path: Path, cameras: Sequence[CalibratedCamera], corner: int = 0) -> Path:
    """As Qualisys' Track Manager does it: 64ths of pixels, millimetres, y up and z backwards, the sensor's pixels."""
    text = '<?xml version="1.0" encoding="utf-8"?>\n<calibration source="x"><cameras>'
    text += '<camera serial="0" model="Miqus M3"/>'  # sees markers
    for camera in cameras:
        turn, place = np.diag([1, -1, -1]) @ camera.rotation, -camera.rotation.T @ camera.translation * 1000
        axes = " ".join(f'r{i + 1}{j + 1}="{float(turn[i, j])!r}"' for i in range(3) for j in range(3))
        lens, d = camera.intrinsics * 64, camera.distortion
        text += f'<camera serial="{camera.name}" model="Miqus Video">'
        text += f'<fov_video left="{corner}" top="0" right="{SIZE[0] - 1 + corner}" bottom="{SIZE[1] - 1}"/>'
        text += f'<transform {axes} x="{place[0]}" y="{place[1]}" z="{place[2]}"/>'
        text += f'<intrinsic focalLengthU="{lens[0, 0]}" focalLengthV="{lens[1, 1]}" skew="0" '
        text += f'centerPointU="{lens[0, 2] + 64 * corner}" centerPointV="{lens[1, 2]}" radialDistortion1="{d[0]}" '
        text += f'radialDistortion2="{d[1]}" tangentalDistortion1="{d[2]}" tangentalDistortion2="{d[3]}"/></camera>'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "</cameras></calibration>")
    return path


def write_trc(path: Path, joints: np.ndarray, rate: float = 10.0, first: int = 0, unit: str = "m") -> Path:
    """As Pose2Sim does it: (y, z, x) of the world's (F, 12, 3), cells of what is missing empty, a point more."""
    points = np.concatenate([np.zeros((len(joints), 1, 3)), joints[..., [1, 2, 0]] * FACTORS[unit]], axis=1)
    names = ["Nose", *NAMES]
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate}\t{rate}\t{len(joints)}\t{len(names)}\t{unit}\t{rate}\t{first}\t{len(joints)}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t\t",
        "\t\t" + "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, len(names) + 1)) + "\t",
    ]
    for index, row in enumerate(points, start=first):
        cells = ["" if np.isnan(value) else repr(float(value)) for value in row.ravel()]
        lines.append("\t".join([str(index), repr(index / rate), *cells]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def write_film(path: Path, frames: int, size: tuple[int, int] = SIZE, rate: float = 10.0) -> Path:
    """Grey frames of rising brightness."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    for index in range(frames):
        writer.write(np.full((size[1], size[0], 3), 40 + 20 * index, np.uint8))
    writer.release()
    return path
