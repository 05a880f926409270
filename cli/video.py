"""People in a video: who is who, smoothed over time, each one's motion as files, and the meshes over the video."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from cli import outputs
from cli.body_fits import fit_moving
from cli.console import notes, results
from cli.inputs import OVERLAY_VIDEO
from cli.job import Job, VideoAnswer
from cli.video_io import Recording, VideoReader, VideoWriter
from cli.video_outputs import MovingPerson
from model.rendering.overlay import overlay
from model.rendering.shading import PALETTE, Figure
from model.video.smoothing import steady
from model.video.timing import frame_rate
from model.video.tracks import Track, Tracks

Tick = Callable[[float | None], None]
_SLOWEST = 1.0  # frame a second in an overlay: players take slower ones for stuck


def reconstruct_video(source: Path | int, stem: Path, job: Job, tick: Tick) -> VideoAnswer:
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
    with ExitStack() as stack:
        film = VideoReader(source, job.frame_rate, job.max_pixels)
        stack.callback(film.close)
        tracks = stack.enter_context(Tracks())
        recording = None
        if isinstance(source, int):
            notes.print("The webcam is on until you press Ctrl-C; then the files are written.")
            if job.overlay:  # nobody can film the same again
                recording = Recording(Path(stack.enter_context(tempfile.TemporaryDirectory())), film.width, film.height)
                stack.callback(recording.close)
        try:
            _follow(film, job, tracks, recording, tick)
        except KeyboardInterrupt:
            if not isinstance(source, int):
                raise
        missing = film.missing()
        rate = frame_rate(tracks.times, film.told_rate, job.frame_rate)
        chosen = tracks.chosen(rate, job.max_people)
        for track in chosen:
            steady(track)
        _write(chosen, stem, (film.width, film.height), rate, tracks.times[-1], job)
        if job.overlay:
            if recording is None:
                film.close()
                film = VideoReader(source, job.frame_rate, job.max_pixels)
                stack.callback(film.close)
            frames = recording if recording is not None else (frame for _, frame in film)
            path = stem.with_name(stem.name + OVERLAY_VIDEO)
            _draw(path, frames, tracks.times, chosen, rate, job, lambda: tick(_total(film, job)))
        return VideoAnswer(len(chosen), None if chosen else _why_nobody(tracks, rate), missing)


def _follow(film: VideoReader, job: Job, tracks: Tracks, recording: Recording | None, tick: Tick) -> None:
    """Go through the film and fill the tracks."""
    for time, frame in film:
        tracks.add(time, job.model.reconstruct(frame, focal_length=job.focal_length).people)
        if recording is not None:
            recording.add(frame)
        tick(_total(film, job))


def _total(film: VideoReader, job: Job) -> float | None:
    """How many frames there are to go through: for the overlay all of them once more."""
    return film.count and film.count * (2 if job.overlay else 1)


def _why_nobody(tracks: Tracks, rate: float) -> str | None:
    """Why a film with people in some frames has none that count."""
    longest = max(map(len, tracks), default=0)
    if not longest:
        return None
    frames = f"{longest} of {len(tracks.times)} frames"
    return f"somebody was seen, but in no more than {frames}; whoever is followed must be in {tracks.least(rate)}"


def _write(tracks: Sequence[Track], stem: Path, size: tuple[int, int], rate: float, end: float, job: Job) -> None:
    """Write each person's motion, and one JSON for all."""
    people = []
    for number, track in enumerate(tracks, start=1):
        bodies = fit_moving(job.rig, track.meshes) if job.rig is not None else None
        name = f"{stem.name}-{number}"
        person = MovingPerson(name, track, job.model.faces, bodies, size, rate, end, job.skeleton)
        links = person.write(stem.parent, job.formats)
        if "json" in job.formats:
            people.append({"id": person.name, "mesh": links, "frames": list(person.frames())})
    if "json" in job.formats:
        answer = {
            "id": stem.name,
            "width": size[0],
            "height": size[1],
            "frame_rate": round(rate, 4),
            "mode": job.model.modes[0],
            "model": job.model.model_name,
            "people": people,
        }
        outputs.write(stem.with_name(f"{stem.name}.json"), json.dumps(answer, separators=(",", ":")).encode())


def _draw(
    path: Path,
    frames: Iterable[np.ndarray],
    times: Sequence[float],
    tracks: Sequence[Track],
    rate: float,
    job: Job,
    tick: Callable[[], None],
) -> None:
    """Write the film with each frame's bodies over it.

    Args:
        path: The file.
        frames: (H, W, 3) uint8 RGB, as many as times.
        times: Seconds, rising.
        tracks: The people.
        rate: Frames a second; frames that come late stand for longer.
        job: Whose network's faces are drawn.
        tick: Called after each frame.
    """
    where = [{frame: index for index, frame in enumerate(track.frames)} for track in tracks]
    writer: VideoWriter | None = None
    try:
        for number, (time, frame) in enumerate(zip(times, frames)):
            if writer is None:
                writer = VideoWriter(path, (frame.shape[1], frame.shape[0]), max(rate, _SLOWEST))
            people = {i: tracks[i].person(index[number]) for i, index in enumerate(where) if number in index}
            figures = [
                Figure(person.camera.to_camera(person.vertices), job.model.faces, PALETTE[i % len(PALETTE)])
                for i, person in people.items()
            ]
            camera = next(iter(people.values())).camera if people else None
            writer.add(time, overlay(frame, figures, camera.focal_length) if camera else frame)
            tick()
        if writer is not None:
            writer.finish(times[-1] + 1 / rate)
            results.print(str(path))
    finally:
        if writer is not None:
            writer.abandon()
