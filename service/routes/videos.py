"""Videos in; what comes of them is a job's, since it takes minutes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from anyio import open_file, to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from model.errors import BadInput
from model.formats.file_kinds import file_kind
from model.formats.photo import UnsupportedFormat
from service.auth import Guarded
from service.http import outbound
from service.inference.engine import Overloaded
from service.intake import content_kind, refuse_parameters
from service.jobs.schemas import Job, VideoQuery
from service.jobs.state import JobState
from service.jobs.work import rig_for
from service.problems import how_to_send
from service.routes.common import Context, base_path, problems

router = APIRouter(route_class=Guarded, tags=["videos"])

_FILE = {"type": "string", "format": "binary", "description": "MP4, WebM, MOV, AVI or whatever else OpenCV reads."}
_BODY = {
    "multipart/form-data": {"schema": {"type": "object", "properties": {"video": _FILE}, "required": ["video"]}},
    "video/*": {"schema": _FILE},
}


class MissingVideo(BadInput):
    """A request without a video."""


@router.post(
    "/videos",
    status_code=202,
    summary="From a video to each person's motion",
    response_model=Job,
    response_model_exclude_none=True,
    responses=problems(400, 401, 408, 413, 415, 429, 503, 507),
    openapi_extra={"requestBody": {"content": _BODY, "required": True}},
)
async def create(request: Request, services: Context, query: Annotated[VideoQuery, Query()]) -> Response:
    """Take in a video and answer with the job that works on it: follow it at `Location`, until it has succeeded.

    ```
    curl -F video=@dance.mp4 "http://localhost:8000/v1/videos?format=glb&format=json&overlay=true"
    ```
    """
    settings, jobs = services.settings, services.jobs
    _, model = services.engine.model("body", query.mode)
    rig_for(query, model)
    if query.skeleton != "smpl" and "bvh" not in query.format:
        raise BadInput("skeleton names the joints of BVH: add format=bvh, or leave skeleton out.")
    if query.webhook is not None:
        if settings.webhook_secret is None:
            raise BadInput("This service calls no webhooks. (Its operator can allow it by MPT_WEBHOOK_SECRET.)")
        outbound.check(query.webhook, settings.url_hosts)
    declared = request.headers.get("content-length", "0")
    size = int(declared) if declared.isdecimal() else settings.largest_video
    try:
        jobs.admit(size)
    except Overloaded:
        if not await services.uploads.make_room_for_video():
            raise
        jobs.admit(size)
    identifier = None
    try:
        identifier, film = jobs.begin()
        await _receive(request, film)
        if film.stat().st_size == 0:
            raise BadInput("The video is empty: it has no bytes. Send a file such as MP4.")
        found = await to_thread.run_sync(file_kind, film)
        if found == "photo":
            raise UnsupportedFormat("This file holds a photo, no video: photos go to /reconstruct.")
        if found != "video":
            raise UnsupportedFormat("This file holds no video that is known here. Convert it to MP4 (H.264).")
        state = JobState(id=identifier, query=query, base=base_path(request))
        await to_thread.run_sync(jobs.add, state)
    except BaseException:
        jobs.discard(identifier)
        raise
    job = state.public()
    headers = {"Location": f"{state.base}/jobs/{job.id}", "Cache-Control": "no-store"}
    return Response(job.model_dump_json(exclude_none=True), 202, headers, "application/json")


async def _receive(request: Request, film: Path) -> None:
    kind = content_kind(request)
    if kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=8, max_part_size=4096) as form:
            refuse_parameters(form, request)
            video = form.get("video")
            if not isinstance(video, UploadFile):
                raise MissingVideo(how_to_send(request))
            source = video.file

            def copy() -> None:
                with open(film, "wb") as file:
                    shutil.copyfileobj(source, file)

            await to_thread.run_sync(copy)
    elif kind.startswith("video/") or kind == "application/octet-stream":
        async with await open_file(film, "wb") as file:
            async for chunk in _pieces(request):
                await file.write(chunk)
    else:
        raise MissingVideo(how_to_send(request))


async def _pieces(request: Request, least: int = 2**20) -> AsyncIterator[bytes]:
    """The body in pieces of a megabyte: each is written by a thread, and more threads than bytes help nobody."""
    piece = bytearray()
    async for chunk in request.stream():
        piece += chunk
        if len(piece) >= least:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
