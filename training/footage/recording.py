"""A recording in Pose2Sim's layout: `videos/`, `calibration/`, and true joints in `pose-3d/` or beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from model.errors import BadData
from model.video.timing import Clock
from training.footage.cameras import CalibratedCamera, check_camera, natural, read_cameras
from training.footage.truth import ENDINGS, TrueJoints, read_truth
from training.images.datasets.plausible import LEGS
from training.npz import open_npz

_FILMS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")
_ASSUMED_RATE = 25.0  # frames a second, where a film says neither that nor its frames' times
_SIZES_APART = 0.02  # codecs cut or pad a picture's edge to whole blocks
_LEAST_IN_VIEW = 0.3  # of all joints in all cameras: else cameras and joints are of two worlds


@dataclass(frozen=True)
class View:
    """What one camera filmed."""

    camera: CalibratedCamera
    film: Path


@dataclass(frozen=True)
class Recording:
    """One person before several cameras that film in step."""

    name: str
    views: Sequence[View]
    truth: TrueJoints

    @property
    def up(self) -> np.ndarray:
        """(3,) which way is up in the cameras' world: the axis along which their pictures stand."""
        stands = -np.mean([view.camera.rotation[1] for view in self.views], axis=0)
        axis = int(np.abs(stands).argmax())
        up: np.ndarray = np.sign(stands[axis]) * np.eye(3)[axis]
        return up


def read_recording(folder: Path, truth: Path | None = None) -> Recording:
    """Finds what belongs together in a folder.

    Args:
        folder: with `videos/`, and `calibration/` or cameras (`K`, `dist`, `R`, `t`) in the truth's npz.
        truth: the file of true joints; None for the one that lies in `pose-3d/` or in the folder itself.

    Raises:
        BadData: something is missing, there twice, or does not fit together; the message says what.
    """
    if not folder.is_dir():
        raise BadData(f"{folder} is not a folder: give one in Pose2Sim's layout, with videos/ and calibration/.")
    truth = truth or _only(_files(folder / "pose-3d", ENDINGS) or _files(folder, ENDINGS), "true joints", "--truth")
    films = _files(folder / "videos", _FILMS)
    if not films:
        raise BadData(f"{folder / 'videos'} holds no film ({', '.join(_FILMS)}).")
    joints = read_truth(truth)
    calibrations = [
        path
        for path in _files(folder / "calibration", (".toml", ".txt"))
        if path.name.lower().endswith(".qca.txt") or path.name.lower().startswith("calib")
    ]
    if calibrations:
        tomls = [path for path in calibrations if path.suffix.lower() == ".toml"]
        cameras = read_cameras(_only(tomls or calibrations, "calibrations", "all but one"))
    else:
        cameras = _cameras_of(truth, films)
    views = [View(camera, film) for camera, film in zip(cameras, _matched(cameras, films), strict=True)]
    return Recording(folder.resolve().name, views, _in_the_cameras_world(joints, cameras, truth))


def read_frames(film: Path, every: int = 1) -> Iterator[tuple[int, float, np.ndarray]]:
    """Frames of a film, one in `every`: the number, the time in seconds and (H, W, 3) uint8 RGB.

    Raises:
        BadData: nothing can be decoded.
    """
    capture = cv2.VideoCapture(str(film))
    try:
        frame, clock = 0, Clock(1 / (capture.get(cv2.CAP_PROP_FPS) or _ASSUMED_RATE))
        while capture.grab():
            time = clock(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)  # when the frame that was grabbed is shown
            if frame % every == 0:
                there, picture = capture.retrieve()
                if there and picture is not None and picture.ndim == 3:
                    yield frame, time, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            frame += 1
    finally:
        capture.release()
    if not frame:
        raise BadData(f"No frame of {film} can be decoded. Convert it to MP4 (H.264) and try again.")


def check_size(view: View, picture: np.ndarray) -> None:
    """Sees to it that a film is of the size that its camera was calibrated for, but for a codec's padding.

    Raises:
        BadData: it is not.
    """
    height, width = picture.shape[:2]
    size = view.camera.size
    if size and max(abs(width / size[0] - 1), abs(height / size[1] - 1)) > _SIZES_APART:
        raise BadData(
            f"{view.film} has {width} x {height} pixels, but {view.camera.name} was calibrated with "
            f"{size[0]:g} x {size[1]:g}."
        )


def _files(folder: Path, endings: Sequence[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.suffix.lower() in endings and path.is_file())
    return sorted(found, key=lambda path: natural(path.name))


def _only(paths: Sequence[Path], what: str, way_out: str) -> Path:
    if len(paths) != 1:
        names = ", ".join(str(path) for path in paths) or "none"
        raise BadData(f"One file of {what} is needed, but there are {len(paths)} ({names}): see {way_out}.")
    return paths[0]


def _cameras_of(path: Path, films: Sequence[Path]) -> list[CalibratedCamera]:
    """Cameras that an npz brings along, in the order of the films."""
    try:
        with open_npz(path) as file:
            fields = [np.array(file[key], np.float64) for key in ("K", "dist", "R", "t")]
        cameras = [CalibratedCamera(film.stem, *each) for film, *each in zip(films, *fields, strict=True)]
        for camera in cameras:
            check_camera(camera)
    except (OSError, KeyError, ValueError) as error:
        raise BadData(
            f"There is no calibration for {path.parent} ({error}): put Calib*.toml or *.qca.txt into calibration/, or "
            "K, dist, R and t of one camera a film into the npz."
        ) from None
    return cameras


def _matched(cameras: Sequence[CalibratedCamera], films: Sequence[Path]) -> list[Path]:
    """Each camera's film: by name, or, as Pose2Sim does it, in order."""
    by_name = {film.stem.lower(): film for film in films}
    if all(camera.name.lower() in by_name for camera in cameras):
        return [by_name[camera.name.lower()] for camera in cameras]
    if len(cameras) != len(films):
        raise BadData(
            f"{len(cameras)} cameras ({', '.join(camera.name for camera in cameras)}) and {len(films)} films: name the "
            "films after the cameras."
        )
    return list(films)


def _in_the_cameras_world(truth: TrueJoints, cameras: Sequence[CalibratedCamera], path: Path) -> TrueJoints:
    """The joints with the axes of the world in which the cameras stand.

    Points of OpenSim's kind, y up, are turned: where that makes the person stand the way up that cameras are held.
    """
    if path.suffix.lower() != ".npz":
        up = -np.mean([camera.rotation[1] for camera in cameras], axis=0)
        truth = max(truth.turned(), truth, key=lambda reading: float(_upwards(reading.joints) @ up))
    share = float(np.mean([_in_view(camera, truth.joints) for camera in cameras]))
    if share < _LEAST_IN_VIEW:
        raise BadData(
            f"{path} does not belong to these cameras: {100 * share:.0f} % of its joints are in their pictures. "
            "Is the calibration of another world, or in other units?"
        )
    legs = np.linalg.norm(np.diff(truth.joints[:, [[6, 8, 10], [7, 9, 11]]], axis=2), axis=-1).sum(axis=-1)
    known = legs[np.isfinite(legs)]
    if len(known) and not LEGS[0] <= np.median(known) <= LEGS[1]:
        raise BadData(
            f"{path}: legs are {np.median(known):.3g} m long in the median, which no people's are: are calibration and "
            "joints in metres?"
        )
    return truth


def _upwards(joints: np.ndarray) -> np.ndarray:
    """(3,) from a person's ankles to the shoulders, in the mean over time; zeros if nobody knows."""
    middles = [joints[:, which].reshape(-1, 3) for which in ([0, 1], [10, 11])]
    known = [points[np.isfinite(points).all(axis=1)] for points in middles]
    up: np.ndarray = known[0].mean(axis=0) - known[1].mean(axis=0) if all(map(len, known)) else np.zeros(3)
    return up


def _in_view(camera: CalibratedCamera, joints: np.ndarray) -> float:
    """Which share of the known joints lies in the picture."""
    pixels = camera.project(joints[np.isfinite(joints).all(axis=-1)])
    size = np.array(camera.size or 2 * camera.intrinsics[:2, 2])
    return float(((pixels >= 0) & (pixels <= size)).all(axis=-1).mean())
