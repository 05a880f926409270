"""One job's work: from the film to its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from model.body.rig_file import require_rig
from service.responses import encode_film

if TYPE_CHECKING:
    from model.body.rig import Rig
    from model.reconstructor import Reconstructor
    from model.video.film import FilmAnswer
    from service.inference.engine import Engine
    from service.jobs.schemas import VideoQuery
    from service.settings import Settings

_OF_SKELETONS = frozenset(("rigged", "bvh", "trc", "smpl-npz"))


def rig_for(query: VideoQuery, model: Reconstructor) -> Rig | None:
    """The rig that the formats need; None if they need none.

    Raises:
        BadInput: There is none for the network's mesh.
    """
    return require_rig(model.rig, model.info()["vertices"]) if _OF_SKELETONS & set(query.format) else None


def run(
    query: VideoQuery,
    film: Path,
    results: Path,
    engine: Engine,
    settings: Settings,
    tick: Callable[[float | None], None],
    written: Callable[[Path], None],
) -> FilmAnswer:
    """Reconstruct the people of a film; see `model.video.film.reconstruct_film`.

    Raises:
        BadInput: The film cannot be used.
        OSError: A file cannot be written.
    """
    from model.video.film import FilmJob, reconstruct_film  # OpenCV's video part; the health endpoints do not wait

    _, model = engine.model("body", query.mode)
    job = FilmJob(
        model=model,
        formats=frozenset(query.format),
        describe=encode_film if "json" in query.format else None,
        overlay=query.overlay,
        max_people=min(query.max_people or settings.max_people, settings.max_people),
        focal_length=query.focal_length,
        person_height=query.person_height,
        colors=query.colors,
        max_pixels=settings.max_pixels,
        frame_rate=query.frame_rate,
        fast=query.fast,
        hands=query.hands,
        max_frames=settings.max_video_frames,
        rig=rig_for(query, model),
        skeleton=query.skeleton,
    )
    return reconstruct_film(film, results / "video", job, tick, written)
