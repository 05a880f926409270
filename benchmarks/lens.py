"""What people who walk tell of a film's lens: `python -m benchmarks.lens MOCAP`, AMASS clips.

Films of three seconds are drawn of four people who walk on one floor, before a camera that stands still: seven of
eight look down at them, one along the floor. None tells its lens, which is from 0.67 to 2.2 times what is assumed. How
far off everybody's distance and the camera's pitch (degrees) are, and how far feet that stand are from the floor, is
printed for the lens that people tell, beside the assumed one, and for the assumed one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.motion import look
from benchmarks.walks import film_people, goers
from model.body.limbs import LEGS
from model.joints import COCO_ROOT
from model.reconstructor import Reconstructor
from model.scene.balance import unit
from model.video.film import FilmJob, choose, place
from model.video.following import FAST, film_lens
from model.video.tracks import Tracks
from model.video.world import sole_heights
from training.images.rendered.square import Square, render_square

_RATE, _SECONDS, _SIDE = 15.0, 3.0, 640
_FAR = 1.2  # metres from a walk's beginning to its end
_LENSES = np.exp([-0.4, 0.0, 0.3, 0.6, 0.0, 0.5, -0.2, 0.8])
"""Times what is assumed."""
_ALONG = 4  # of them, the one that looks along the floor
_SUBJECTS = (
    "02", "05", "06", "07", "08", "10", "12", "16", "35", "36", "37", "38", "39", "43", "49", "69", "91", "104",
)  # fmt: skip
"""CMU's, held out or not."""
_SLOW = 0.5  # metres a second of feet that stand


def main(arguments: list[str] | None = None) -> None:
    """Prints a row a film."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="AMASS clips, such as CMU's")
    parser.add_argument("--films", type=int, default=len(_LENSES), help="how many (default: %(default)s)")
    options = parser.parse_args(arguments)
    model, usual = Reconstructor.load(), film_lens(None, _SIDE, _SIDE)
    print("      truth    |          told by people           |          as assumed")
    print(" lens   pitch  |  lens   distances  pitch   feet   |  lens   distances  pitch   feet")
    for square in _squares(options.folder, options.films, usual):
        told = " | ".join(_told(model, square, usual, lens) for lens in (None, usual))
        print(f"{square.focal_length / usual:5.2f}  {square.pitch:5.1f}   | {told}", flush=True)


def _told(model: Reconstructor, square: Square, usual: float, lens: float | None) -> str:
    """How far off a film's world is, by a lens in pixels, or by the one that people tell."""
    job, times = FilmJob(model, frozenset(), focal_length=lens), np.arange(len(square.pictures)) / _RATE
    with Tracks() as tracks:
        shots = look(tracks, model, zip(times.tolist(), square.pictures, strict=True), FAST)
        chosen = choose(tracks, shots, _RATE, job)
        worlds, motions = place(chosen, shots, job)
        hips = square.joints[:, :, list(COCO_ROOT)].mean(axis=2)  # (P, T, 3)
        distances, feet = [], []
        for track, world, motion in zip(chosen, worlds, motions, strict=True):
            assert motion is not None
            seen, true = np.array([track.place(index) for index in range(len(track))]), hips[:, track.frames]
            off = np.linalg.norm(unit(seen) - unit(true), axis=2).mean(axis=1)
            whose = int(off.argmin())
            away = [np.median(np.linalg.norm(places, axis=1)) for places in (seen, true[whose])]
            distances.append(abs(np.log(away[0] / away[1])))
            ankles = square.joints[whose, track.frames][:, [15, 16]]
            standing = np.linalg.norm(np.gradient(ankles, 1 / _RATE, axis=0), axis=2) < _SLOW
            placed = world.place(motion)
            soles = placed.joints[:, [leg[2] for leg in LEGS], 1] - sole_heights(placed)
            feet.append(np.abs(soles[standing]))
        up, camera = worlds[0].scene.up, chosen[0].people[0].camera
    return (
        f"{camera.focal_length / usual:5.2f} {np.mean(distances):9.0%} {up.pitch - square.pitch:+9.1f}"
        f"  {1000 * np.concatenate(feet).mean():4.0f} mm"
    )


def _squares(folder: Path, count: int, usual: float) -> Iterator[Square]:
    people, walks = film_people(_SIDE), goers(folder, _SUBJECTS, _RATE, _SECONDS, _FAR)
    for seed in range(count):
        which = seed % len(_LENSES)
        yield render_square(people, walks, seed, usual * float(_LENSES[which]), level=which == _ALONG)


if __name__ == "__main__":
    main()
