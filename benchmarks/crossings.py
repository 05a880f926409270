"""Who is who where people cross: `python -m benchmarks.crossings MOCAP`, a folder of AMASS clips of CMU's subjects.

Films are rendered of two held-out people who pass one another, and seen at 30 frames a second, the focal length not
given. Each film is compared with the truth: how many tracks there are of the two, how often a track goes over from one
to the other, of how many frames somebody is missing or faces the other way, how far joints are off, and how far the
distance between the two is. They go through all that `mpt reconstruct` does with a film, but for hands.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from benchmarks.walks import film_people
from model.reconstructor import Reconstructor
from model.results import Person
from model.video.film import FilmJob, FilmMotion, reconstruct_film
from training.evaluation.metrics import pa_mpjpe
from training.images.rendered.film import RenderedFrame, clips_of, read_walk, render_crossing
from training.mocap.split import CMU_HELD_OUT

_RATE, _SECONDS, _SIDE = 30.0, 2.0, 640
_GOES = 1.5  # metres that somebody goes at least
_NEAR = 0.5  # metres that joints of a person may be off across the view, in the mean, for her to be found
_LIMBS, _HIPS = slice(5, 17), [11, 12]  # of COCO's joints
FIGURES = ("tracks", "changes", "missing, %", "turned, %", "PA-MPJPE, mm", "MPJPE, mm", "distance off, mm")


def figures(people: Sequence[dict[int, np.ndarray]], truth: np.ndarray) -> list[float]:
    """In the order of `FIGURES`.

    Args:
        people: of each track by frame its joints (17, 3), metres before the camera.
        truth: (P, T, 17, 3) likewise.
    """
    count, length = truth.shape[:2]
    owner = np.full((count, length), -1)
    turned, aligned, off, apart = [], [], [], []
    for frame in range(length):
        there = [number for number, track in enumerate(people) if frame in track]
        rays = [[_rays(people[number][frame]) - _rays(true) for number in there] for true in truth[:, frame]]
        cost = np.linalg.norm(np.array(rays).reshape(count, len(there), 17, 2), axis=3).mean(axis=2)
        cost *= truth[:, frame, _HIPS, 2].mean(axis=1)[:, None]
        pairs = [(row, there[column]) for row, column in zip(*linear_sum_assignment(cost)) if cost[row, column] < _NEAR]
        for row, number in pairs:
            owner[row, frame] = number
            joints, true = people[number][frame], truth[row, frame]
            turned.append(float(_left(joints) @ _left(true) < 0))
            one, other = (torch.from_numpy(points[None, _LIMBS].astype(np.float64)) for points in (joints, true))
            aligned.append(1000 * float(pa_mpjpe(one, other)[0]))
            off.append(1000 * np.linalg.norm(_about_hips(joints) - _about_hips(true), axis=1)[_LIMBS].mean())
        if len(pairs) == count == 2:
            places = [people[number][frame][_HIPS].mean(axis=0) for _, number in sorted(pairs)]
            trues = truth[:, frame, _HIPS].mean(axis=1)
            apart.append(1000 * abs(np.linalg.norm(places[0] - places[1]) - np.linalg.norm(trues[0] - trues[1])))
    changes = sum(int((np.diff(row[row >= 0]) != 0).sum()) for row in owner)
    means = [100 * float(np.mean(turned)), *(float(np.mean(each)) for each in (aligned, off, apart))]
    return [float(len(people)), float(changes), 100 * float((owner < 0).mean()), *means]


def _rays(joints: np.ndarray) -> np.ndarray:
    return joints[:, :2] / joints[:, 2:]


def _left(joints: np.ndarray) -> np.ndarray:
    left: np.ndarray = joints[5] - joints[6] + joints[11] - joints[12]
    return left


def _about_hips(joints: np.ndarray) -> np.ndarray:
    return joints - joints[_HIPS].mean(axis=0)


def _of_film(model: Reconstructor, frames: Sequence[RenderedFrame], folder: Path) -> list[float]:
    film = folder / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), _RATE, (_SIDE, _SIDE))
    for frame in frames:
        writer.write(frame.picture[..., ::-1])
    writer.release()
    found: list[dict[int, np.ndarray]] = []

    def joints_of(person: Person) -> np.ndarray:
        return person.camera.to_camera(person.joints)

    def describe(motion: FilmMotion) -> bytes:
        tracks = [person.track for person in motion.people]
        found.extend(dict(zip(track.frames, map(joints_of, track.people), strict=True)) for track in tracks)
        return b""

    job = FilmJob(model, frozenset(), describe, frame_rate=_RATE, rig=model.rig, hands="off")
    reconstruct_film(film, folder / "film", job, lambda total: None)
    return figures(found, np.stack([frame.joints for frame in frames], axis=1))


def main(arguments: list[str] | None = None) -> None:
    """Print a table, a row a film."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="motion capture, a folder for each subject")
    parser.add_argument("--films", type=int, default=4, help="how many are rendered (default: 4)")
    parser.add_argument("--subjects", nargs="+", default=CMU_HELD_OUT, help="whose clips (default: the held-out ones)")
    options = parser.parse_args(arguments)
    people = film_people(_SIDE)
    clips = clips_of(options.folder, options.subjects)
    walks = [walk for path in clips if (walk := read_walk(path, _RATE, _SECONDS)) is not None]
    walks = [walk for walk in walks if np.linalg.norm((walk.roots[-1] - walk.roots[0])[:2]) > _GOES]
    if len(walks) < 2:
        raise SystemExit(f"{options.folder} holds no two clips of {', '.join(options.subjects)} who go somewhere.")
    chances, model, rows = np.random.default_rng(0), Reconstructor.load(), []
    print("| film | " + " | ".join(FIGURES) + " |\n" + "|---" * (len(FIGURES) + 1) + "|")
    for number in range(options.films):
        one, other = chances.choice(len(walks), 2, replace=False)
        frames = list(render_crossing(people, (walks[one], walks[other]), number))
        with tempfile.TemporaryDirectory() as folder:
            rows.append(_of_film(model, frames, Path(folder)))
        print(f"| {number} | " + " | ".join(f"{figure:.1f}" for figure in rows[-1]) + " |", flush=True)
    print("| mean | " + " | ".join(f"{figure:.1f}" for figure in np.mean(rows, axis=0)) + " |")


if __name__ == "__main__":
    main()
