"""MPI-INF-3DHP (Mehta et al., 3DV 2017), its training set as it unpacks, frames taken out of the videos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from model.errors import BadData
from training.images.datasets.base import DatasetPerson, SampleSet, limbs_to_coco, middle_of_hips

_CROP = 1.2  # times the longer side of the box around the 2D joints, as SPIN crops
_JOINTS = 28
_LIMBS = (25, 24, 23, 18, 19, 20, 16, 15, 14, 9, 10, 11)  # LSP's order
_CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)  # those at chest height, which the field trains on


def read_mpi_inf_3dhp(folder: Path, images: Path | None = None, every: int = 10) -> SampleSet:
    """Reads each tenth frame of the eight cameras at chest height, as SPIN does, of all subjects that are there.

    Args:
        folder: holds `S1/Seq1/annot.mat`, `S1/Seq1/camera.calibration` and so on.
        images: the folder that holds `S1/Seq1/imageFrames/video_0/frame_000001.jpg` and so on, where it is another one.
            `ffmpeg -i imageSequence/video_0.avi -q:v 2 imageFrames/video_0/frame_%06d.jpg` makes them.
        every: how many frames lie from one to the next.

    Raises:
        BadData: a file is missing or broken; the message names it.
    """
    files = sorted(folder.glob("S*/Seq*/annot.mat"))
    if not files:
        raise BadData(f"{folder} holds no S1/Seq1/annot.mat: give the folder that MPI-INF-3DHP's script downloads to.")
    samples = [person for file in files for person in _sequence(file, folder, images or folder, every)]
    if not samples:
        raise BadData(f"{folder} holds nobody who stands before a camera.")
    protocol = (
        f"Each {every}th frame of {len(files)} sequences, {len(_CAMERAS)} cameras, crops of {_CROP} times the box"
    )
    return SampleSet("MPI-INF-3DHP", f"{protocol} of the joints", samples)


def _sequence(file: Path, folder: Path, images: Path, every: int) -> Iterator[DatasetPerson]:
    try:
        content = loadmat(file, variable_names=["annot2", "annot3"])
    except Exception as error:  # broken files raise all sorts
        raise BadData(f"{file} cannot be read as a MATLAB file ({error}): download it again.") from None
    cameras = _read_calibration(file.with_name("camera.calibration"))
    for camera in _CAMERAS:
        pixels, places = (_joints(file, content, key, camera, axes) for key, axes in (("annot2", 2), ("annot3", 3)))
        if len(pixels) != len(places):
            raise BadData(f"{file}: camera {camera} has {len(pixels)} frames in 2D but {len(places)} in 3D.")
        focal, point = cameras[camera]
        frames = images / file.parent.relative_to(folder) / "imageFrames" / f"video_{camera}"
        for frame in range(0, len(pixels), every):
            limbs = (places[frame, list(_LIMBS)] / 1000).astype(np.float32)
            if limbs[:, 2].min() <= 0:
                continue
            low, high = pixels[frame].min(axis=0), pixels[frame].max(axis=0)
            x, y = ((low + high) / 2).tolist()
            yield DatasetPerson(
                image=frames / f"frame_{frame + 1:06d}.jpg",
                centre=(x, y),
                side=_CROP * max(2.0, float((high - low).max())),
                groups={"subject": file.parts[-3]},
                focal_length=focal,
                principal_point=point,
                joints=limbs,
                joints_2d=limbs_to_coco(pixels[frame, list(_LIMBS)]),
                translation=middle_of_hips(limbs),
            )


def _joints(file: Path, content: dict[str, Any], key: str, camera: int, axes: int) -> np.ndarray:
    """(T, 28, axes) of a camera."""
    try:
        cell = content[key]
        values = np.asarray(cell[camera][0], dtype=np.float64)
        joints: np.ndarray = values.reshape(len(values), _JOINTS, axes)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise BadData(
            f"{file}: `{key}` has no {_JOINTS} joints of camera {camera} ({type(error).__name__}: {error}); is it "
            "MPI-INF-3DHP's training set?"
        ) from None
    if not np.isfinite(joints).all():
        raise BadData(f"{file}: `{key}` of camera {camera} holds NaN or infinity: download it again.")
    return joints


def _read_calibration(file: Path) -> dict[int, tuple[float, tuple[float, float]]]:
    """Focal length and principal point of each camera, pixels."""
    cameras: dict[int, tuple[float, tuple[float, float]]] = {}
    try:
        camera = -1
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            word, *values = line.split() or [""]
            if word == "name":
                camera = int(values[0])
            elif word == "intrinsic":
                matrix = np.array([float(value) for value in values]).reshape(4, 4)
                if not np.isfinite(matrix).all() or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
                    raise ValueError(f"camera {camera} has no focal length")
                cameras[camera] = float(matrix[[0, 1], [0, 1]].mean()), (float(matrix[0, 2]), float(matrix[1, 2]))
    except (OSError, IndexError, ValueError) as error:
        raise BadData(f"{file} cannot be read as MPI-INF-3DHP's calibration ({error}): download it again.") from None
    missing = [str(camera) for camera in _CAMERAS if camera not in cameras]
    if missing:
        raise BadData(f"{file} lacks the cameras {', '.join(missing)}: download it again.")
    return cameras
