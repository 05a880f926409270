"""What a film's world is worth: `python -m benchmarks.motion FOLDER`, calibrated footage in Pose2Sim's layout.

Each camera's film is read at 30 frames a second, its focal length not given. What single frames say, and what the
motion on its floor says, are compared with the true joints: one rigid alignment a film, since nobody knows where the
camera stood. MPJPE puts the middle of the hips at the origin, PA-MPJPE aligns each frame; the lag is the delay by which
joints' velocities agree best with the true ones.
"""

from __future__ import annotations

import argparse
import time
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from model.body.alignment import nearest_rotation
from model.body.skeleton import TURN_UP
from model.joints import COCO_JOINTS
from model.reconstructor import Reconstructor
from model.video.bodies import motion_of
from model.video.bridging import fill
from model.video.following import FAST, USUAL, Follower, Pace
from model.video.reading import VideoReader
from model.video.tracks import Tracks
from model.video.world import find_world
from training.evaluation.metrics import pa_mpjpe
from training.footage.recording import Recording, View, read_recording

_RATE = 30.0
_STANDS = 0.2  # metres a second of a true ankle that stands
_LIMBS = slice(5, 17)  # of COCO's joints
_ANKLES = [COCO_JOINTS[_LIMBS].index(f"{side}_ankle") for side in ("left", "right")]
_FIGURES = ("slowest tenth of ankle speeds, m/s", "speed of standing ankles, m/s", "acceleration error, m/s^2",
            "distance of joints, mm", "MPJPE, mm", "PA-MPJPE, mm", "lag, ms")  # fmt: skip
_HIPS = [COCO_JOINTS[_LIMBS].index(f"{side}_hip") for side in ("left", "right")]
_MOST_LAG = 4  # frames, ahead or behind


def main(arguments: list[str] | None = None) -> None:
    """Prints a table of all cameras' means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="videos/, calibration/ and true joints")
    parser.add_argument("--fast", action="store_true", help="networks see fewer frames")
    options = parser.parse_args(arguments)
    recording = read_recording(options.folder)
    model = Reconstructor.load()
    rows = [_of_view(model, recording, view, FAST if options.fast else USUAL) for view in recording.views]
    seconds = np.mean([row[1] for row in rows])
    print(f"{recording.name}, {len(rows)} cameras at {_RATE:g} frames a second; {seconds:.2f} s of processor a frame")
    for index, figure in enumerate(_FIGURES):
        frames, world, true = (np.mean([row[0][which, index] for row in rows]) for which in range(3))
        print(f"{figure:36s} single frames {frames:7.2f}   world {world:7.2f}   truth {true:7.2f}")


def _of_view(model: Reconstructor, recording: Recording, view: View, pace: Pace) -> tuple[np.ndarray, float]:
    """Figures (3, 7) of single frames, of the world and of the truth; and seconds a frame."""
    assert model.rig is not None
    film, start = VideoReader(view.film, _RATE, 50_000_000), time.process_time()
    follow = Follower(model, pace=pace)
    with Tracks() as tracks:
        for sightings in chain((follow(*each) for each in film), [follow.finish()]):
            for when, _, people, _ in sightings:
                tracks.skip(when) if people is None else tracks.add(when, people)
        film.close()
        for track in tracks:
            fill(track, tracks.times, tracks.skipped)
        chosen = tracks.chosen(_RATE, 1)
        single = np.stack([person.camera.to_camera(person.joints)[_LIMBS] for person in chosen[0].people])
        _, (motion,) = find_world(chosen, [motion_of(chosen[0], model.rig)], camera_moves=False)
        assert motion is not None and motion.keypoints is not None
        seconds = (time.process_time() - start) / len(tracks.times)
        truth = recording.truth
        rows = [truth.row(round(when * film.told_rate), when) for when in chosen[0].times]
    known = [index for index, row in enumerate(rows) if row is not None]
    true = view.camera.to_camera(truth.joints[[row for row in rows if row is not None]])
    times = np.array(chosen[0].times)[known]
    moved = (motion.keypoints * TURN_UP)[known][:, _LIMBS]
    return np.array([_figures(joints, true, times) for joints in (single[known], moved, true)]), seconds


def _figures(joints: np.ndarray, true: np.ndarray, times: np.ndarray) -> list[float]:
    """Of joints (N, 12, 3) against the truth at times (N,), in the camera's axes; in the order of `_FIGURES`."""
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
    return [
        float(np.nanpercentile(speed, 10)),
        float(np.nanmean(speed[true_speed < _STANDS])),
        float(np.nanmean(np.linalg.norm(acceleration - true_acceleration, axis=2))),
        1000 * float(np.nanmean(np.linalg.norm(aligned - true, axis=2))),
        1000 * float(np.nanmean(np.linalg.norm(_about_hips(joints) - _about_hips(true), axis=2))),
        1000 * float(np.mean([_aligned_error(one, other) for one, other in zip(joints, true, strict=True)])),
        1000 * _lag(_about_hips(joints), _about_hips(true), float(np.median(steps))),
    ]


def _about_hips(joints: np.ndarray) -> np.ndarray:
    return joints - joints[:, _HIPS].mean(axis=1, keepdims=True)


def _aligned_error(joints: np.ndarray, true: np.ndarray) -> float:
    """PA-MPJPE of one frame's joints (12, 3), in metres, over those that are known."""
    known = np.isfinite(true).all(axis=1)
    return float(pa_mpjpe(torch.from_numpy(joints[known])[None].double(), torch.from_numpy(true[known])[None])[0])


def _lag(joints: np.ndarray, true: np.ndarray, step: float) -> float:
    """Seconds by which joints (N, 12, 3) come late: where velocities correlate most, between frames by a parabola."""
    velocities, true_velocities = np.gradient(joints, step, axis=0), np.gradient(true, step, axis=0)
    likeness = []
    for late in range(-_MOST_LAG, _MOST_LAG + 1):
        one, other = velocities[max(late, 0) :], true_velocities[max(-late, 0) :]
        one, other = one[: len(other)], other[: len(one)]
        known = np.isfinite(one) & np.isfinite(other)
        likeness.append(np.corrcoef(one[known], other[known])[0, 1])
    best = int(np.clip(np.argmax(likeness), 1, 2 * _MOST_LAG - 1))
    before, at, after = likeness[best - 1 : best + 2]
    return step * (best - _MOST_LAG + 0.5 * (before - after) / (before - 2 * at + after))


if __name__ == "__main__":
    main()
