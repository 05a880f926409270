"""From a film to its people's motions as files: followed, chosen, smoothed, written, drawn over the film."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from model.body.motion import SkeletonMotion
from model.files import atomic_write
from model.formats.endings import OVERLAY_VIDEO
from model.video.bodies import motion_of
from model.video.bridging import fill
from model.video.drawing import draw
from model.video.following import FAST, USUAL, Follower, film_lens
from model.video.motion_files import MovingPerson
from model.video.reading import VideoReader
from model.video.shots import Shots
from model.video.shown import shown_in
from model.video.sides import put_right
from model.video.smoothing import steady
from model.video.timing import frame_rate
from model.video.tracks import Track, Tracks
from model.video.world import FilmWorld
from model.video.writing import Recording

if TYPE_CHECKING:
    from model.body.rig import Rig
    from model.reconstructor import Colors, HandsMode, MeshKind, Reconstructor

_OVERLAY_SIDE = 960  # pixels of an overlay's longer side: drawing and encoding take time, and grow with them


Frame = Literal["world", "camera"]


@dataclass(frozen=True)
class FilmAnswer:
    """What came of one film."""

    people: int
    nobody: str | None
    """Why there is nobody, if so."""
    missing: str | None
    """What could not be read, if the file is not whole."""
    camera_moves: bool
    """Whether the camera went somewhere, so that how far people walked is by their feet alone."""


@dataclass(frozen=True)
class FilmMotion:
    """What was found in a film, to be described as JSON."""

    name: str
    model: Reconstructor
    size: tuple[int, int]
    """Width and height, pixels."""
    rate: float
    """Frames a second."""
    frame: Frame
    """Of the files that move."""
    people: list[MovingPerson]
    worlds: list[FilmWorld]
    """Of each person: that of the shot that she is in."""
    files: list[dict[str, str]]
    """Of each person, by format."""


@dataclass(frozen=True)
class FilmJob:
    """What to make of a film, and with which network."""

    model: Reconstructor
    formats: frozenset[str]
    """Of glb, npz, rigged, bvh, trc, c3d and smpl-npz."""
    describe: Callable[[FilmMotion], bytes] | None = None
    """Makes the JSON; None for none."""
    overlay: bool = False
    """Whether to draw the people over the film."""
    max_people: int | None = None
    focal_length: float | None = None
    """Pixels; None for what the file says, else for what the film tells, see `Shots.find_lenses`, or a phone's."""
    person_height: float | None = None
    """Metres that who is there for longest is tall, if it is known: all sizes follow."""
    max_pixels: int = 50_000_000
    frame_rate: float = 60.0
    """Frames a second, at most."""
    fast: bool = False
    """Whether networks see fewer of them, see `FAST`; in those between, people are on the way from one to the next."""
    colors: Colors = "plain"
    max_frames: int | None = None
    """Frames that are gone through, at most; what is longer is refused."""
    rig: Rig | None = None
    """Of what needs a skeleton; None if nothing does."""
    mesh: MeshKind = "body"
    hands: HandsMode = "auto"
    """Whether hands that are seen pose those of bodies, or all hang relaxed."""
    skeleton: str = "smpl"
    """Whose joints' names and resting pose BVH has, of `SKELETONS`."""
    frame: Frame = "world"
    """Where files that move stand: on the floor of the film's world, or before its camera."""


def reconstruct_film(
    source: Path | int,
    stem: Path,
    job: FilmJob,
    tick: Callable[[float | None], None],
    written: Callable[[Path], None] = lambda path: None,
    opened: Callable[[], None] = lambda: None,
) -> FilmAnswer:
    """Reconstruct the people of a film; files' names begin with `stem`, and each appears once it is whole.

    A webcam goes on until it is interrupted.

    Args:
        source: The file, or the webcam's number.
        stem: Folder and beginning of the files' names.
        job: What to write.
        tick: Called after each frame with how many there are in all, as far as anybody knows.
        written: Called with each file.
        opened: Called once the film can be read, or the webcam is on.

    Raises:
        BadInput: The film cannot be read, or has too many frames.
        OSError: A file cannot be written.
    """
    with ExitStack() as stack:
        film = VideoReader(source, job.frame_rate, job.max_pixels, job.max_frames)
        stack.callback(film.close)
        opened()
        tracks = stack.enter_context(Tracks())
        # Bars are cut off: nobody is in them, they hide cuts of the film, and do not move when the camera does.
        left, top, width, height = shown_in(film)
        picture = slice(top, top + height), slice(left, left + width)
        lens = film_lens(job.focal_length, width, height, film.lens_35mm)
        shots = Shots(tracks, lens)
        recording = None
        if job.overlay:  # small frames are kept rather than read again: nor can a webcam film the same twice
            scale = min(1.0, _OVERLAY_SIDE / max(film.width, film.height))
            size = max(1, round(film.width * scale)), max(1, round(film.height * scale))
            recording = Recording(*size)
            stack.callback(recording.close)
        follow = Follower(job.model, lens, job.mesh, FAST if job.fast else USUAL, job.hands)
        try:
            for time, frame in film:
                shots.add(follow(time, frame[picture]))
                if recording is not None:
                    recording.add(frame)
                tick(_total(film, job))
        except KeyboardInterrupt:
            if not isinstance(source, int):
                raise
        shots.add(follow.finish())
        missing = film.missing()
        rate = frame_rate(tracks.times, film.told_rate, job.frame_rate)
        chosen = choose(tracks, shots, rate, job, film.lens_35mm is not None)
        worlds, motions = place(chosen, shots, job)
        for track in chosen:
            track.people = [person.shifted(left, top) for person in track.people]
        about = _About(stem, (film.width, film.height), rate, tracks.times[-1])
        _write(chosen, motions, worlds, about, job, written)
        if recording is not None:
            path = stem.with_name(stem.name + OVERLAY_VIDEO)
            scale = recording.width / film.width
            if draw(
                path, recording, scale, tracks.times, chosen, rate, job.model.faces, lambda: tick(_total(film, job))
            ):
                written(path)
        nobody = None if chosen else _why_nobody(tracks, rate)
        return FilmAnswer(len(chosen), nobody, missing, any(world.camera_moves for world in worlds))


def choose(tracks: Tracks, shots: Shots, rate: float, job: FilmJob, lens_known: bool = False) -> list[Track]:
    """Of all who were followed those who count, put right, before the lens and the turns of the film's camera.

    Args:
        tracks: As networks saw them; shots: likewise.
        rate: Frames a second.
        job: What to make of the film.
        lens_known: Whether the film's file tells the lens.
    """
    lasting = tracks.lasting(rate)
    for track in lasting:
        put_right(track, job.model, job.mesh, shots.places(track))
        fill(track, tracks.times, tracks.skipped)
    if job.focal_length is None and not lens_known:
        shots.find_lenses(lasting)
    chosen = tracks.chosen(rate, job.max_people)
    shots.turn_back(chosen)
    return chosen


def place(chosen: Sequence[Track], shots: Shots, job: FilmJob) -> tuple[list[FilmWorld], list[SkeletonMotion | None]]:
    """Each one's world, and her motion in it, which is in the track, too; None of who has no body."""
    motions = []
    for number, track in enumerate(chosen):
        motions.append(motion_of(track, job.model.rig) if job.model.rig is not None else None)
        if motions[-1] is None:
            steady(track)
        if job.colors == "person":  # one colour all the way, whatever her place in a frame's order
            colors = job.model.garment.colors(number)
            track.people = [dataclasses.replace(person, colors=colors) for person in track.people]
    return shots.find_worlds(chosen, motions, job.person_height)


def _total(film: VideoReader, job: FilmJob) -> float | None:
    """How many frames there are to go through: for the overlay all of them are drawn once more."""
    return film.count and film.count * (2 if job.overlay else 1)


def _why_nobody(tracks: Tracks, rate: float) -> str | None:
    """Why a film with people in some frames has none that count."""
    longest = max(map(tracks.presence, tracks), default=0)
    if not longest:
        return None
    frames = f"{longest} of {len(tracks.times)} frames"
    return f"somebody was seen, but in no more than {frames}; whoever is followed must be in {tracks.least(rate)}"


@dataclass(frozen=True)
class _About:
    """What there is to know of a film once it was gone through."""

    stem: Path
    size: tuple[int, int]
    rate: float
    end: float


def _write(
    tracks: Sequence[Track],
    motions: Sequence[SkeletonMotion | None],
    worlds: Sequence[FilmWorld],
    film: _About,
    job: FilmJob,
    written: Callable[[Path], None],
) -> None:
    """Write each person's motion, and one JSON for all."""

    def write(name: str, fill: Callable[[IO[bytes]], object]) -> None:
        with atomic_write(film.stem.with_name(name)) as partial, open(partial, "wb") as file:
            fill(file)
        written(film.stem.with_name(name))

    people, files = [], []
    for number, (track, motion, world) in enumerate(zip(tracks, motions, worlds, strict=True), start=1):
        person = MovingPerson(
            f"{film.stem.name}-{number}",
            track,
            job.model.faces,
            motion,
            film.size,
            film.rate,
            film.end,
            job.skeleton,
            world if job.frame == "world" else None,
            job.rig,
        )
        names = {}
        for kind, file, put in person.files(job.formats):
            names[kind] = file
            write(file, put)
        people.append(person)
        files.append(names)
    if job.describe is not None:
        told = FilmMotion(film.stem.name, job.model, film.size, film.rate, job.frame, people, list(worlds), files)
        description = job.describe(told)
        write(f"{film.stem.name}.json", lambda file: file.write(description))
