"""What a film costs, stage by stage: `python -m benchmarks.films FILM`, processor time a frame, one thread.

All outputs but C3D, which needs an extra, are written into a folder that is deleted. The overlay is one of them.
"""

from __future__ import annotations

import argparse
import functools
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from model.body.fitter import BodyFitter
from model.reconstructor import Reconstructor
from model.runtime.onnx_runtime import OnnxNetwork
from model.runtime.torch_runtime import TorchNetwork
from model.video import drawing, film
from model.video.camera_motion import CameraMotion
from model.video.following import Follower
from model.video.reading import VideoReader
from model.video.shots import Shots
from model.video.tracks import Tracks
from model.video.writing import Recording, VideoWriter
from service.responses import encode_film

_FORMATS = frozenset(("npz", "rigged", "bvh", "trc", "smpl-npz"))
_OVERLAY = ("keeping small frames", "drawing", "encoding", "second pass")
_STAGES: list[tuple[Any, str, str]] = [
    (VideoReader, "_next", "decoding"),
    (VideoReader, "_picture", "decoding"),
    (Follower, "__call__", "crops and the rest of following"),
    (BodyFitter, "fits", "bodies"),
    (CameraMotion, "add", "whether the camera moves"),
    (Reconstructor, "see_hands", "hands"),
    (Tracks, "add", "who is who"),
    (film, "put_right", "left and right"),
    (film, "motion_of", "motion and its world"),
    (Shots, "find_worlds", "motion and its world"),
    (film, "_write", "files"),
    (Recording, "add", _OVERLAY[0]),
    (drawing, "overlay", _OVERLAY[1]),
    (VideoWriter, "_put", _OVERLAY[2]),
    (film, "draw", _OVERLAY[3]),
    *((engine, "lift", "lifting") for engine in (OnnxNetwork, TorchNetwork)),
    *((engine, "regress", "lifting") for engine in (OnnxNetwork, TorchNetwork)),
]


class Stages:
    """Processor time by stage; what a stage calls that is another one counts there."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def watch(self, owner: Any, name: str, stage: Callable[..., str]) -> None:
        """Measures a function from now on; `stage` tells the stage from its arguments."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def measured(*arguments: Any, **options: Any) -> Any:
            start = time.process_time()
            self._inner.append(0.0)
            try:
                return function(*arguments, **options)
            finally:
                taken = time.process_time() - start
                self.seconds[stage(*arguments)] += taken - self._inner.pop()
                self._inner[-1] += taken

        setattr(owner, name, measured)


def main(arguments: list[str] | None = None) -> None:
    """Prints a table, and the most memory that the process had."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", type=Path)
    parser.add_argument("--fps", type=float, default=30.0, help="frames a second, at most (default: 30)")
    parser.add_argument("--engine", default="auto", help="onnx, torch, or the faster one that is there")
    parser.add_argument("--fast", action="store_true", help="networks see fewer frames")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    model = Reconstructor.load(engine=options.engine, threads=1)
    stages, ticks = Stages(), 0
    for owner, name, title in _STAGES:
        stages.watch(owner, name, lambda *_, title=title: title)
    for engine in (OnnxNetwork, TorchNetwork):
        stages.watch(engine, "detect", lambda _, detector, images: detector)

    def tick(_: float | None) -> None:
        nonlocal ticks
        ticks += 1

    with tempfile.TemporaryDirectory() as folder:
        job = film.FilmJob(
            model, _FORMATS, encode_film, overlay=True, frame_rate=options.fps, rig=model.rig, fast=options.fast
        )
        start = time.process_time()
        film.reconstruct_film(options.film, Path(folder) / "film", job, tick)
        total = time.process_time() - start
    frames = ticks // 2  # each is gone through, and drawn
    stages.seconds["the rest"] = total - sum(stages.seconds.values())
    print(f"{options.film.name}: {frames} frames, {model.network.runtime}; milliseconds of processor time a frame")
    for title, seconds in sorted(stages.seconds.items(), key=lambda pair: -pair[1]):
        print(f"{title:34s} {1000 * seconds / frames:6.1f}")
    overlay = sum(stages.seconds[title] for title in _OVERLAY)
    print(f"{'in all':34s} {1000 * total / frames:6.1f}")
    print(f"{'in all but the overlay':34s} {1000 * (total - overlay) / frames:6.1f}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    print(f"{'most memory, MB':34s} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit:6.0f}")


if __name__ == "__main__":
    main()
