"""An answer for as long as it is kept: itself, its pictures, all of it in one file, and its end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Annotated, TypeVar

from anyio import to_thread
from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from service import downloads, scene
from service.auth import Guarded
from service.http.deadlines import answer_in_time
from service.routes.common import Context, Services, files, gone, kept, kept_headers, problems
from service.schemas import Reconstruction
from service.store import is_id

router = APIRouter(prefix="/reconstructions", tags=["reconstructions"])
guarded = APIRouter(prefix="/reconstructions", tags=["reconstructions"], route_class=Guarded)

Made = TypeVar("Made")

_PICTURES: dict[scene.Picture, str] = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
_MEMORY = 8 * 2**20  # bytes of an archive; what is longer lies on the disk
_CHUNK = 2**16


@router.get(
    "/{reconstruction_id}.npz",
    summary="All people of an answer as numpy arrays",
    response_class=Response,
    responses=files("application/octet-stream", "For numpy.load.", 404, 503, 504),
)
async def npz(request: Request, reconstruction_id: str, services: Context) -> Response:
    """The same file that `mpt reconstruct --format npz` writes: everything unrounded, P people in the first axis."""

    def work() -> bytes | None:
        found = downloads.read_whole(services.store, reconstruction_id)
        return None if found is None else downloads.npz(*found, services.settings.rig)

    data = await _in_turn(work, reconstruction_id, request, services)
    return kept(data, "application/octet-stream", f"{reconstruction_id}.npz", services)


@router.get(
    "/{reconstruction_id}.zip",
    summary="All files of an answer in one",
    response_class=Response,
    responses=files("application/zip", "The archive.", 404, 503, 504, 507),
)
async def everything(request: Request, reconstruction_id: str, services: Context) -> Response:
    """The answer, its arrays, each person's meshes, and the pictures."""

    def work() -> IO[bytes] | None:
        found = downloads.read_whole(services.store, reconstruction_id)
        if found is None:
            return None
        photo = services.store.get(f"{reconstruction_id}.{downloads.SCENE}")
        file = tempfile.SpooledTemporaryFile(_MEMORY)  # noqa: SIM115 `_chunks` closes it
        downloads.write_zip(file, *found, photo, services.settings.rig)
        return file

    file = await _in_turn(work, reconstruction_id, request, services)
    length = file.tell()
    file.seek(0)
    headers = {**kept_headers(f"{reconstruction_id}.zip", services), "Content-Length": str(length)}
    return StreamingResponse(_chunks(file), media_type="application/zip", headers=headers)


@router.get(
    "/{reconstruction_id}/overlay.{ending}",
    tags=["pictures"],
    summary="The meshes over the photo, or from the side, as PNG, JPEG or WebP",
    response_class=Response,
    responses={
        **problems(404, 503, 504),
        200: {"content": {media: {} for media in _PICTURES.values()}, "description": "The picture."},
    },
)
async def overlay(
    request: Request,
    reconstruction_id: str,
    ending: Annotated[scene.Picture, Path(description="png as it was drawn, jpg the quickest, webp the smallest.")],
    services: Context,
    view: Annotated[scene.View, Query(description="From the photo's camera, or from the photo's right.")] = "photo",
) -> Response:
    """A picture of all people of one answer, drawn with the answer's camera, 1,600 pixels at most on a side."""
    if not services.settings.keep_photos:
        raise HTTPException(404, "This service keeps no photos, and so draws no pictures of them (MPT_KEEP_PHOTOS).")

    def work() -> bytes | None:
        photo = services.store.get(f"{reconstruction_id}.{downloads.SCENE}")
        return None if photo is None else scene.draw(photo, view, ending)

    picture = await _in_turn(work, reconstruction_id, request, services, "picture")
    return kept(picture, _PICTURES[ending], f"{reconstruction_id}-{view}.{ending}", services, "inline")


@router.get(
    "/{reconstruction_id}/photo.jpg",
    tags=["pictures"],
    summary="The photo, 1,600 pixels at most on a side",
    response_class=Response,
    responses=files("image/jpeg", "The photo.", 404),
)
async def photo(reconstruction_id: str, services: Context) -> Response:
    """What the pictures are drawn on, for whoever shows the answer once more."""
    data = None
    if is_id(reconstruction_id):
        kept_scene = await to_thread.run_sync(services.store.get, f"{reconstruction_id}.{downloads.SCENE}")
        data = None if kept_scene is None else scene.photo(kept_scene)
    if data is None:
        raise gone("photo", services)
    return kept(data, "image/jpeg", f"{reconstruction_id}.jpg", services, "inline")


@router.get(
    "/{reconstruction_id:bare}",
    summary="An answer once more",
    response_model=Reconstruction,
    response_model_exclude_none=True,
    responses=problems(404),
)
async def read(reconstruction_id: str, services: Context) -> Response:
    """What the photo was answered with, but for the vertices. Who has the id has the answer."""
    data = None
    if is_id(reconstruction_id):
        data = await to_thread.run_sync(services.store.get, f"{reconstruction_id}.{downloads.ANSWER}")
    if data is None:
        raise gone("answer", services)
    return Response(data, media_type="application/json", headers={"Cache-Control": "no-store"})


@guarded.delete(
    "/{reconstruction_id:bare}", status_code=204, summary="Delete an answer and its files", responses=problems(401, 404)
)
async def delete(reconstruction_id: str, services: Context) -> Response:
    """Deletes the answer, its people's meshes and the photo at once, instead of at the end of their time."""
    answer = None
    if is_id(reconstruction_id):
        answer = await to_thread.run_sync(downloads.read_answer, services.store, reconstruction_id)
    if answer is None:
        raise gone("answer", services)
    await to_thread.run_sync(downloads.forget, services.store, answer)
    return Response(status_code=204)


async def _in_turn(
    work: Callable[[], Made | None], reconstruction_id: str, request: Request, services: Services, what: str = "answer"
) -> Made:
    """What takes a photo's time to make, in its turn like a photo."""
    made = None
    if is_id(reconstruction_id):
        made = await answer_in_time(services.engine.run(work), request, services.settings.deadline)
    if made is None:
        raise gone(what, services)
    return made


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
