"""People in a video or before a webcam: `model.video.film`, with files listed as they are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cli.console import notes, results
from cli.job import Job
from model.video.film import FilmAnswer, FilmJob, reconstruct_film
from service.responses import encode_film


def reconstruct_video(source: Path | int, stem: Path, job: Job, tick: Callable[[float | None], None]) -> FilmAnswer:
    """Reconstruct the people of a video; files' names begin with `stem`.

    A webcam goes on until it is interrupted.

    Args:
        source: The file, or the webcam's number.
        stem: Folder and beginning of the files' names.
        job: What to write.
        tick: Called after each frame with how many there are in all, as far as anybody knows.

    Raises:
        BadInput: The video cannot be read.
        OSError: A file cannot be written.
    """

    def opened() -> None:
        if isinstance(source, int):
            notes.print("The webcam is on until you press Ctrl-C; then the files are written.")

    film = FilmJob(
        model=job.model,
        formats=job.formats,
        describe=encode_film if "json" in job.formats else None,
        overlay=job.overlay,
        max_people=job.max_people,
        focal_length=job.focal_length,
        person_height=job.person_height,
        colors=job.colors,
        max_pixels=job.max_pixels,
        frame_rate=job.frame_rate,
        fast=job.fast,
        rig=job.rig,
        mesh=job.mesh,
        hands=job.hands,
        skeleton=job.skeleton,
        frame=job.frame,
    )
    return reconstruct_film(source, stem, film, tick, lambda path: results.print(str(path)), opened)
