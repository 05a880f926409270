"""What a film's world is worth: `python -m benchmarks.motion FOLDER`, calibrated footage in Pose2Sim's layout.

With `--mocap` the folder holds AMASS clips instead, and films are rendered of people of CMU's held-out subjects who go
somewhere, before a camera that stands still, pans by hand, is carried along or goes round them (`--camera`). Each film
is seen at 30 frames a second, its focal length not given. What networks say of the frames that they see, and what the
motion on its floor says of all, are compared with the true joints: one rigid alignment a film, since nobody knows where
the camera stood. The way is that of the hips from the first frame to the last. MPJPE is before each frame's camera, the
middle of the hips at the origin; PA-MPJPE aligns each frame; the lag is the delay by which joints' velocities agree
best with the true ones.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from benchmarks.walks import film_people, goers
from model.body.alignment import nearest_rotation
from model.body.skeleton import TURN_UP
from model.joints import COCO_JOINTS
from model.reconstructor import Reconstructor
from model.video.film import FilmJob, choose, place
from model.video.following import FAST, USUAL, Follower, Pace, film_lens
from model.video.reading import VideoReader
from model.video.shots import Shots
from model.video.tracks import Track, Tracks
from training.evaluation.metrics import pa_mpjpe
from training.footage.recording import View, read_recording
from training.images.rendered.camera_ways import CAMERA_WAYS, CameraWay
from training.images.rendered.film import render_film
from training.mocap.split import CMU_HELD_OUT

_RATE = 30.0
_SIDE, _SECONDS = 640, 2.0  # pixels of a rendered film's side, and its length
_FAR = 0.8  # metres from its beginning to its end
_STANDS = 0.2  # metres a second of a true ankle that stands
_LIMBS = slice(5, 17)  # of COCO's joints
_ANKLES = [COCO_JOINTS[_LIMBS].index(f"{side}_ankle") for side in ("left", "right")]
_FIGURES = ("slowest tenth of ankle speeds, m/s", "speed of standing ankles, m/s", "acceleration error, m/s^2",
            "way, m", "distance of joints, mm", "MPJPE, mm", "PA-MPJPE, mm", "lag, ms")  # fmt: skip
_HIPS = [COCO_JOINTS[_LIMBS].index(f"{side}_hip") for side in ("left", "right")]
_MOST_LAG = 4  # frames, ahead or behind


@dataclass(frozen=True)
class Film:
    """One film, and the truth about it."""

    frames: Iterable[tuple[float, np.ndarray]]
    """Seconds, and (H, W, 3) uint8 RGB."""
    truth: Callable[[float], np.ndarray]
    """The limb joints (2, 12, 3) at a time at which a frame was given, NaN where nobody knows: before the camera, and
    before the camera as it was in the first frame."""


def main(arguments: list[str] | None = None) -> None:
    """Prints a table of all films' means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="videos/, calibration/ and true joints")
    parser.add_argument("--mocap", action="store_true", help="the folder holds motion capture: films are rendered")
    parser.add_argument("--films", type=int, default=8, help="how many are rendered (default: 8)")
    parser.add_argument("--camera", choices=CAMERA_WAYS, help="before which (default: still)")
    parser.add_argument("--subjects", nargs="+", help="of whom (default: the held-out ones)")
    parser.add_argument("--fast", action="store_true", help="networks see fewer frames")
    options = parser.parse_args(arguments)
    if options.mocap:
        films = _rendered(options.folder, options.films, options.camera or "still", options.subjects or CMU_HELD_OUT)
    elif options.camera or options.subjects:
        parser.error("--camera and --subjects are of films that are rendered: give --mocap, too.")
    else:
        films = _filmed(options.folder)
    model = Reconstructor.load()
    rows = [_of_film(model, film, FAST if options.fast else USUAL) for film in films]
    seconds = np.mean([row[1] for row in rows])
    print(
        f"{options.folder.name}, {len(rows)} films at {_RATE:g} frames a second; {seconds:.2f} s of processor a frame"
    )
    for index, figure in enumerate(_FIGURES):
        frames, world, true = (np.mean([row[0][which, index] for row in rows]) for which in range(3))
        print(f"{figure:36s} single frames {frames:7.2f}   world {world:7.2f}   truth {true:7.2f}")


def _filmed(folder: Path) -> Iterator[Film]:
    recording = read_recording(folder)
    for view in recording.views:
        film = VideoReader(view.film, _RATE, 50_000_000)

        def truth(when: float, view: View = view, rate: float = film.told_rate) -> np.ndarray:
            row = recording.truth.row(round(when * rate), when)
            if row is None:
                return np.full((2, 12, 3), np.nan)
            return np.stack([view.camera.to_camera(recording.truth.joints[row])] * 2)

        yield Film(film, truth)


def _rendered(folder: Path, count: int, way: CameraWay, subjects: Sequence[str]) -> Iterator[Film]:
    people, walks = film_people(_SIDE), goers(folder, subjects, _RATE, _SECONDS, _FAR)
    for index in np.linspace(0, len(walks) - 1, min(count, len(walks))).round().astype(int).tolist():
        frames = list(render_film(people, walks[index], index, way))
        joints = {
            number / _RATE: np.stack([frame.joints[0, _LIMBS], frame.still[0, _LIMBS]])
            for number, frame in enumerate(frames)
        }
        yield Film(list(zip(joints, (frame.picture for frame in frames))), joints.__getitem__)


def look(tracks: Tracks, model: Reconstructor, frames: Iterable[tuple[float, np.ndarray]], pace: Pace = USUAL) -> Shots:
    """What is seen in a film's frames, each with its time, to the end, by a lens that nobody knows."""
    frames = iter(frames)
    first = next(frames)
    lens = film_lens(None, first[1].shape[1], first[1].shape[0])
    follow, shots = Follower(model, lens, pace=pace), Shots(tracks, lens)
    for when, frame in chain([first], frames):
        shots.add(follow(when, frame))
    shots.add(follow.finish())
    return shots


def _of_film(model: Reconstructor, film: Film, pace: Pace) -> tuple[np.ndarray, float]:
    """Figures (3, 8) of what networks say, of the world and of the truth; and seconds a frame."""
    assert model.rig is not None
    start, job = time.process_time(), FilmJob(model, frozenset(), max_people=1)
    with Tracks() as tracks:
        shots = look(tracks, model, film.frames, pace)
        chosen = choose(tracks, shots, _RATE, job)
        (track,) = chosen
        single, seen = _before_cameras(track), ~np.array(track.bridged)
        _, (motion,) = place(chosen, shots, job)
        assert motion is not None and motion.keypoints is not None
        seconds = (time.process_time() - start) / len(tracks.times)
        times = np.array(track.times)
        truth = np.stack([film.truth(when) for when in track.times], axis=1)
        turned = single if track.views is None else single @ np.swapaxes(track.views, 1, 2)
    known = np.isfinite(truth[0]).any(axis=(1, 2))
    moved = np.stack([_before_cameras(track), (motion.keypoints * TURN_UP)[:, _LIMBS]])
    pairs = ((np.stack([single, turned]), known & seen), (moved, known), (truth, known))
    return np.array([_figures(joints[:, which], truth[:, which], times[which]) for joints, which in pairs]), seconds


def _before_cameras(track: Track) -> np.ndarray:
    """(N, 12, 3) the limb joints of somebody before the camera of each frame."""
    return np.stack([person.camera.to_camera(person.joints)[_LIMBS] for person in track.people])


def _figures(joints: np.ndarray, true: np.ndarray, times: np.ndarray) -> list[float]:
    """Of joints (2, N, 12, 3) against the truth at times (N,), as `Film.truth` has it; in the order of `_FIGURES`."""
    (before, joints), (true_before, true) = joints, true
    known = np.isfinite(true).all(axis=2)
    one, other = joints[known], true[known]
    turn = nearest_rotation((one - one.mean(axis=0)).T @ (other - other.mean(axis=0)))
    aligned = (joints - one.mean(axis=0)) @ turn + other.mean(axis=0)
    steps = np.diff(times)[:, None]
    speed, true_speed = (
        np.linalg.norm(np.diff(points[:, _ANKLES], axis=0), axis=2) / steps for points in (joints, true)
    )
    acceleration, true_acceleration = (
        np.diff(np.diff(points, axis=0) / steps[..., None], axis=0) / steps[1:, :, None] for points in (aligned, true)
    )
    hips = joints[:, _HIPS].mean(axis=1)
    return [
        float(np.nanpercentile(speed, 10)),
        float(np.nanmean(speed[true_speed < _STANDS])),
        float(np.nanmean(np.linalg.norm(acceleration - true_acceleration, axis=2))),
        float(np.linalg.norm(hips[-1] - hips[0])),
        1000 * float(np.nanmean(np.linalg.norm(aligned - true, axis=2))),
        1000 * float(np.nanmean(np.linalg.norm(_about_hips(before) - _about_hips(true_before), axis=2))),
        1000 * float(np.mean([_aligned_error(*pair) for pair in zip(before, true_before, strict=True)])),
        1000 * _lag(_about_hips(joints), _about_hips(true), float(np.median(steps))),
    ]


def _about_hips(joints: np.ndarray) -> np.ndarray:
    return joints - joints[:, _HIPS].mean(axis=1, keepdims=True)


def _aligned_error(joints: np.ndarray, true: np.ndarray) -> float:
    """PA-MPJPE of one frame's joints (12, 3), in metres, over those that are known."""
    known = np.isfinite(true).all(axis=1)
    return float(pa_mpjpe(torch.from_numpy(joints[known])[None].double(), torch.from_numpy(true[known])[None])[0])


def _lag(joints: np.ndarray, true: np.ndarray, step: float) -> float:
    """Seconds by which joints (N, 12, 3) come late: where velocities correlate most, between frames by a parabola.

    The true frames are the same ones at each lag: a fast one at the film's end would otherwise tell lags apart by
    whether it counts.
    """
    velocities, true_velocities = np.gradient(joints, step, axis=0), np.gradient(true, step, axis=0)
    likeness, count = [], len(joints) - 2 * _MOST_LAG
    for late in range(-_MOST_LAG, _MOST_LAG + 1):
        one, other = velocities[_MOST_LAG + late :][:count], true_velocities[_MOST_LAG:][:count]
        known = np.isfinite(one) & np.isfinite(other)
        likeness.append(np.corrcoef(one[known], other[known])[0, 1])
    best = int(np.clip(np.argmax(likeness), 1, 2 * _MOST_LAG - 1))
    before, at, after = likeness[best - 1 : best + 2]
    return step * (best - _MOST_LAG + 0.5 * (before - after) / (before - 2 * at + after))


if __name__ == "__main__":
    main()
