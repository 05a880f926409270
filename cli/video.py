"""People in a video: who is who, smoothed over time, each one's motion as a GLB, and the meshes over the video."""

from __future__ import annotations

import dataclasses
import io
import json
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from cli import outputs
from cli.body_fits import Bodies, fit_moving
from cli.console import notes
from cli.inputs import OVERLAY_VIDEO
from cli.video_io import Film, FilmWriter
from model.errors import BadInput
from model.formats.motion_glb import find_motion, to_glb
from model.rendering.overlay import PALETTE, Figure, overlay
from model.video.smoothing import PersonSmoother
from model.video.tracking import Tracker
from service.responses import described

if TYPE_CHECKING:
    from cli.job import Wishes
    from model.reconstructor import Reconstructor
    from model.results import Person

_SHORTEST = 0.5  # seconds: who is seen for less was hardly there
_FEWEST = 5  # frames


@dataclass
class _Track:
    """One person's frames. Meshes lie on disk: ten minutes of them are gigabytes."""

    meshes: IO[bytes]
    smooth: PersonSmoother = field(default_factory=PersonSmoother)
    times: list[float] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    """Without vertices."""

    def add(self, time: float, person: Person) -> Person:
        """Returns the person smoothed."""
        smoothed = self.smooth(person, time)
        self.meshes.write(np.ascontiguousarray(smoothed.vertices, "<f4").tobytes())
        self.times.append(time)
        self.people.append(dataclasses.replace(smoothed, vertices=smoothed.vertices[:0]))
        return smoothed

    def vertices(self) -> np.ndarray:
        """(N, V, 3), read from the disk as it is used."""
        self.meshes.flush()
        return np.memmap(self.meshes, "<f4", "r").reshape(len(self.times), -1, 3)

    def counts(self) -> bool:
        """Whether the person was there for long enough."""
        return len(self.times) >= _FEWEST and self.times[-1] - self.times[0] >= _SHORTEST


def reconstruct_video(
    source: Path | int, stem: Path, model: Reconstructor, wishes: Wishes, tick: Callable[[float | None], None]
) -> int:
    """Reconstruct the people of a video; files' names begin with `stem`. Returns how many people there are.

    A webcam goes on until it is interrupted.

    Args:
        source: The file, or the webcam's number.
        stem: Folder and beginning of the files' names.
        model: The network.
        wishes: What to write.
        tick: Called after each frame with how many there are in all, as far as anybody knows.

    Raises:
        BadInput: The video cannot be read.
        OSError: A file cannot be written.
    """
    with ExitStack() as stack:
        film = Film(source, wishes.rate, wishes.max_pixels)
        stack.callback(film.close)
        if isinstance(source, int):
            notes.print("The webcam is on until you press Ctrl-C; then the files are written.")
        writer = None
        if wishes.overlay:
            path = stem.with_name(stem.name + OVERLAY_VIDEO)
            writer = FilmWriter(path, (film.width, film.height), film.rate)
            stack.callback(writer.abandon)
        tracks: dict[int, _Track] = {}
        try:
            _follow(film, model, wishes, tracks, stack, writer, tick)
        except KeyboardInterrupt:
            if not isinstance(source, int):
                raise
        kept = [track for track in tracks.values() if track.counts()]
        if writer is not None:
            writer.finish()
        _write(kept, stem, film, model, wishes)
    return len(kept)


def _follow(
    film: Film,
    model: Reconstructor,
    wishes: Wishes,
    tracks: dict[int, _Track],
    stack: ExitStack,
    writer: FilmWriter | None,
    tick: Callable[[float | None], None],
) -> None:
    """Go through the film and fill the tracks."""
    tracker = Tracker()
    for time, frame in film:
        found = model.reconstruct(frame, max_people=wishes.max_people, focal_length=wishes.focal_length).people
        figures = []
        for number, person in zip(tracker.update(found, time), found):
            if number not in tracks:
                tracks[number] = _Track(stack.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115
            smoothed = tracks[number].add(time, person)
            place = smoothed.camera.place(smoothed.vertices)
            figures.append(Figure(place, model.faces, PALETTE[number % len(PALETTE)]))
        if writer is not None:
            writer.add(time, overlay(frame, figures, found[0].camera.focal_length) if found else frame)
        for number in [number for number in tracks if tracker.gone(number) and not tracks[number].counts()]:
            tracks.pop(number).meshes.close()  # of what was nobody, so that open files do not pile up
        tick(film.count)


def _write(tracks: list[_Track], stem: Path, film: Film, model: Reconstructor, wishes: Wishes) -> None:
    """Write each person's motion, and one JSON for all."""
    people, formats = [], wishes.formats
    for number, track in enumerate(tracks, start=1):
        name = f"{stem.name}-{number}"
        vertices = track.vertices()
        if not all(np.isfinite(mesh).all() for mesh in vertices):
            raise BadInput(f"Person {number} came out as no mesh. Another checkpoint may help.")
        person: dict[str, Any] = {"id": name, "mesh": {}}
        places = np.array([p.camera.translation for p in track.people])
        bodies = fit_moving(wishes.rig, vertices) if wishes.rig is not None else None
        if bodies is not None:
            one = stem.with_name(name)
            person["mesh"] = bodies.write(one, model.faces, formats, track.times, places, film.rate)
        if "glb" in formats and "rigged" not in formats:  # one GLB that moves is enough
            motion = find_motion(track.times, vertices, places, model.faces)
            outputs.write(stem.with_name(f"{name}.glb"), to_glb(motion, model.faces, name))
            person["mesh"]["glb"] = f"{name}.glb"
        if "npz" in formats:
            size = film.width, film.height
            outputs.write(stem.with_name(f"{name}.npz"), _to_npz(track, vertices, model.faces, size, bodies))
        person["frames"] = list(_frames(track, bodies))
        people.append(person)
    if "json" in formats:
        answer = {
            "id": stem.name,
            "width": film.width,
            "height": film.height,
            "frame_rate": film.rate,
            "mode": model.modes[0],
            "model": model.model_name,
            "people": people,
        }
        outputs.write(stem.with_name(f"{stem.name}.json"), json.dumps(answer, separators=(",", ":")).encode())


def _frames(track: _Track, bodies: Bodies | None) -> Iterable[dict[str, Any]]:
    """Each frame as a photo's JSON has the person, with the time in seconds."""
    parameters = bodies.parameters() if bodies else [None] * len(track.times)
    for time, person, body in zip(track.times, track.people, parameters):
        person_json = described("", person, {}, body).model_dump(exclude={"id", "mesh"}, exclude_none=True)
        yield {"time": round(time, 4), **person_json}


def _to_npz(
    track: _Track, vertices: np.ndarray, faces: np.ndarray, size: tuple[int, int], bodies: Bodies | None
) -> bytes:
    """One person's arrays as `outputs.arrays` and `Bodies.arrays` have them, a frame a row, and these.

    times (N,) seconds, vertices (N, V, 3), faces (F, 3).
    """
    file = io.BytesIO()
    times = np.array(track.times, np.float32)
    arrays = outputs.arrays(track.people, *size) | (bodies.arrays() if bodies else {})
    np.savez_compressed(file, times=times, vertices=vertices, faces=faces, **arrays)
    return file.getvalue()
