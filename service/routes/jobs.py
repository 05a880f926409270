"""A job for as long as it is kept: how far it is, its files, its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from anyio import to_thread
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.staticfiles import NotModifiedResponse, StaticFiles

from service.auth import Guarded
from service.inference.engine import Overloaded
from service.jobs.runner import Jobs
from service.jobs.schemas import Job
from service.jobs.state import JobState
from service.routes.common import Context, Services, files, problems

router = APIRouter(prefix="/jobs", tags=["videos"])
guarded = APIRouter(prefix="/jobs", tags=["videos"], route_class=Guarded)

MAX_LISTENERS = 64
_SECONDS, _SILENCE = 0.25, 15.0
_MEDIA_TYPES = {
    ".glb": "model/gltf-binary",
    ".json": "application/json",
    ".webm": "video/webm",
    ".bvh": "text/plain",
    ".trc": "text/plain",
}
_STATIC = StaticFiles()  # knows what 304 answers
_listeners = 0


@router.get("/{job_id}", summary="How far a job is", response_model_exclude_none=True, responses=problems(404))
async def read(job_id: str, services: Context, response: Response) -> Job:
    """The job's state; once it has succeeded, its files. Who has the id has the job."""
    response.headers["Cache-Control"] = "no-store"
    return _job(job_id, services).public()


@router.get(
    "/{job_id}/events",
    summary="How far a job is, as it goes on",
    response_class=Response,
    responses=files(
        "text/event-stream", "Server-sent events named job, each with the job as JSON; deleted, if it is.", 404, 503
    ),
)
async def events(request: Request, job_id: str, services: Context) -> StreamingResponse:
    """The job at once and after each change, four times a second at most, until it has ended, or the service does.

    A job that is deleted before its end is told by a last event, `deleted`, with its id.
    """
    state = _job(job_id, services)
    if _listeners >= MAX_LISTENERS:
        raise Overloaded("Too many listen to jobs already: ask for the job itself now and then.")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    following = _follow(state, services.jobs, request.state.ending)
    return StreamingResponse(following, media_type="text/event-stream", headers=headers)


@router.get(
    "/{job_id}/files/{name}",
    summary="One of a job's files",
    response_class=FileResponse,
    responses=files("application/octet-stream", "The file.", 404, 416),
)
async def file(request: Request, job_id: str, name: str, services: Context) -> Response:
    """A file that the job lists; parts of it, too (`Range`), and 304 to who has it already (`If-None-Match`)."""
    path = services.jobs.file(_job(job_id, services), name)
    try:
        status = None if path is None else path.stat()
    except FileNotFoundError:  # it is being deleted
        status = None
    if path is None or status is None:
        raise _gone(services)
    kind = _MEDIA_TYPES.get(path.suffix, "application/octet-stream")
    headers = {"Cache-Control": f"private, max-age={services.settings.job_lifetime}, immutable"}
    whole = FileResponse(path, media_type=kind, filename=name, headers=headers, stat_result=status)
    if _STATIC.is_not_modified(whole.headers, request.headers):
        return NotModifiedResponse(whole.headers)
    return whole


@guarded.delete("/{job_id}", status_code=204, summary="End a job and delete its files", responses=problems(401, 404))
async def delete(job_id: str, services: Context) -> Response:
    """Deletes the job wherever it stands: waiting, at work, or done."""
    if not await to_thread.run_sync(services.jobs.delete, job_id):
        raise _gone(services)
    return Response(status_code=204)


async def _follow(state: JobState, jobs: Jobs, ending: asyncio.Event) -> AsyncIterator[str]:
    global _listeners
    _listeners += 1
    last, said = "", time.monotonic()
    try:
        while True:
            now = state.public().model_dump_json(exclude_none=True)
            if now != last:
                last, said = now, time.monotonic()
                yield f"event: job\ndata: {now}\n\n"
            if state.finished is not None or ending.is_set():
                return
            if jobs.get(state.id) is None:
                yield f'event: deleted\ndata: {{"id":"{state.id}"}}\n\n'
                return
            if time.monotonic() - said > _SILENCE:  # or a proxy would take the connection for dead
                said = time.monotonic()
                yield ": still there\n\n"
            await asyncio.sleep(_SECONDS)
    finally:
        _listeners -= 1


def _job(job_id: str, services: Services) -> JobState:
    state = services.jobs.get(job_id)
    if state is None:
        raise _gone(services)
    return state


def _gone(services: Services) -> HTTPException:
    hours = services.settings.job_lifetime / 3600
    return HTTPException(
        404, f"There is no such job or file, or no longer: jobs are kept for {hours:g} hours at most once they ended."
    )
