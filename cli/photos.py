"""Many photos one after the other: on past those that cannot be used, and in the end what came of it."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from cli import outputs
from cli.console import progress_bar
from cli.errors import describe
from cli.inputs import Source, Unusable, answer_name, output_names
from cli.job import Job, Outcome
from model.arrays import to_npz
from model.body.motion import SkeletonMotion
from model.errors import BadInput, printable
from model.formats.photo import decode
from model.video.skeleton_files import MovingSkeleton
from service.responses import encode_parameters

if TYPE_CHECKING:
    from model.results import Reconstruction
    from model.video.film import FilmAnswer

_MAX_BYTES = 2**30  # of a file: more is no photo
_LONGEST = 255 - 32  # bytes of a file's name that systems allow, without what is put behind it
_FULL = (errno.ENOSPC, errno.EDQUOT)  # no room for what comes of further inputs either


def work_through(sources: Sequence[Source], job: Job) -> Outcome:
    """Reconstruct the people of each photo and video and write their files."""
    outcome = Outcome(hands=job.model.subject == "hand", wanted_still=bool(job.formats & {"obj", "scene"}))
    with progress_bar(MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("Inputs", total=len(sources))
        for number, (source, name) in enumerate(zip(sources, output_names(sources)), start=1):
            shown = str(source.path)
            kind = "video" if source.is_video and source.webcam is None else job.model.subject
            stem = job.output / answer_name(name, kind)
            try:
                if len(os.fsencode(stem.name)) > _LONGEST:
                    raise BadInput("The name is too long: files that are made of it have longer ones. Shorten it.")
                if source.is_video:
                    video = _with_bar(progress, source, stem, job)
                    people, nobody = video.people, video.nobody or ""
                    outcome.moving += [shown] if video.camera_moves else []
                    outcome.partial += [Unusable(shown, video.missing)] if video.missing else []
                else:
                    found, nobody = reconstruct_file(source.path, stem, job), ""
                    people = len(found)
                    if job.rig is not None:
                        raw = [number for number, person in enumerate(found, start=1) if person.body is None]
                        outcome.bare += [f"{shown}, person {number}" for number in raw]
            except KeyboardInterrupt:
                outcome.interrupted = True
                break
            except Exception as error:  # whatever is wrong with this file, the next may be fine
                outcome.unusable.append(Unusable(shown, describe(error)))
                if isinstance(error, OSError) and error.errno in _FULL:
                    outcome.untried = sources[number:]
                    break
            else:
                outcome.photos += not source.is_video
                outcome.videos += source.is_video
                outcome.people += people
                outcome.empty += [] if people else [Unusable(shown, nobody)]
            progress.advance(task)
    return outcome


def _with_bar(progress: Progress, source: Source, stem: Path, job: Job) -> FilmAnswer:
    """Reconstruct the people of a video, with a bar for its frames."""
    from cli.video import reconstruct_video

    task = progress.add_task(printable(source.place.name), total=None)
    try:
        video = source.path if source.webcam is None else source.webcam
        return reconstruct_video(video, stem, job, lambda total: progress.update(task, advance=1, total=total))
    finally:
        progress.remove_task(task)


def reconstruct_file(path: Path, stem: Path, job: Job) -> Reconstruction:
    """Reconstruct the people of one photo; files' names begin with `stem`. Who came out as no body gets no skeleton.

    Raises:
        BadInput: The photo or a box cannot be used.
        OSError: A file cannot be read or written.
    """
    start = time.perf_counter()
    if path.stat().st_size > _MAX_BYTES:
        raise BadInput("The file is larger than a gigabyte, which no photo is.")
    photo = decode(path.read_bytes(), job.max_pixels)
    decoded = time.perf_counter()
    found = job.model.reconstruct(
        photo.pixels,
        boxes=job.boxes,
        max_people=job.max_people,
        focal_length=job.focal_length or photo.focal_length,
        pitch=photo.tilt if job.pitch is None else job.pitch,
        camera_height=job.camera_height,
        person_height=job.person_height,
        colors=job.colors,
        mesh=job.mesh,
        hands=job.hands,
    )
    reconstructed = time.perf_counter()
    links = outputs.write_meshes(stem, found, job.model.faces, job.formats)
    scene = outputs.write_scene(stem, found) if "scene" in job.formats else None
    bodies = [] if job.rig is None else [person.body for person in found]
    if job.rig is not None:
        for number, (person, body, names) in enumerate(zip(found.people, bodies, links), start=1):
            if body is None:
                continue
            motion = SkeletonMotion.of(job.rig, [body], keypoints=person.joints[None])
            skeleton = MovingSkeleton(
                f"{stem.name}-{number}", motion, job.model.faces, job.skeleton, colors=person.colors
            )
            for kind, name, data in skeleton.files(job.formats):
                names[kind] = name
                outputs.write(stem.with_name(name), data)
    end = time.perf_counter()
    if "json" in job.formats:
        seconds = {"decode": decoded - start, "meshes": end - reconstructed, "total": end - start}
        stages = found.timings_ms | {stage: 1000 * value for stage, value in seconds.items()}
        rig = job.rig
        parameters = [encode_parameters(rig, body) if rig is not None and body is not None else None for body in bodies]
        answer = outputs.to_json(stem, photo, found, job.model, links, stages, parameters, scene)
        outputs.write(_with_ending(stem, ".json"), answer)
    if "npz" in job.formats:
        npz = to_npz(found.people, (photo.width, photo.height), job.model.faces, job.rig, bodies)
        outputs.write(_with_ending(stem, ".npz"), npz)
    if job.overlay:
        outputs.write_pictures(stem, found)
    return found


def _with_ending(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)  # with_suffix would take "holiday.2024" for holiday
