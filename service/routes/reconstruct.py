"""Photos in, people out: one, or several at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service import pipeline
from service.auth import Guarded, client_of
from service.downloads import forget
from service.http.deadlines import answer_in_time, late
from service.inference.batcher import Overloaded, TooManyOfOne
from service.inference.cancellation import Cancelled
from service.intake import Photo
from service.problems import accident, problem_of
from service.queries import ImageBody, ReconstructQuery
from service.routes.common import Context, Services, base_path, problems
from service.schemas import Batch, BatchResult, Reconstruction

router = APIRouter(route_class=Guarded, tags=["reconstruction"])
log = logging.getLogger(__name__)

_FILE = {
    "type": "string",
    "format": "binary",
    "description": "JPEG, PNG, WebP, AVIF, HEIC or still GIF. It is turned upright.",
}
_BUSY = {429: TooManyOfOne, 503: Overloaded}
_STATUSES = (400, 401, 408, 413, 415, 429, 503, 504, 507)


def _form(image: dict[str, Any]) -> dict[str, Any]:
    return {"schema": {"type": "object", "properties": {"image": image}, "required": ["image"]}}


_ONE = {
    "multipart/form-data": _form(_FILE),
    "image/*": {"schema": _FILE},
    "application/json": {"schema": {"$ref": "#/components/schemas/ImageBody"}},
}
_SEVERAL = {
    "multipart/form-data": _form({"type": "array", "items": _FILE, "minItems": 1}),
    "application/json": {"schema": {"$ref": "#/components/schemas/ImagesBody"}},
}


@router.post(
    "/reconstruct",
    summary="From a photo to each person's 3D joints and body mesh",
    response_model=Reconstruction,
    response_model_exclude_none=True,
    responses=problems(*_STATUSES),
    openapi_extra={"requestBody": {"content": _ONE, "required": True}},
)
async def reconstruct(request: Request, services: Context, query: Annotated[ReconstructQuery, Query()]) -> Response:
    """Find the people of a photo and reconstruct each one's 3D joints and body mesh.

    ```
    curl -F image=@photo.jpg "http://localhost:8000/v1/reconstruct?max_people=1"
    curl -H "Content-Type: image/jpeg" --data-binary @photo.jpg http://localhost:8000/v1/reconstruct
    ```

    A photo without people gives an empty list. Each person's mesh lies under the links in `mesh` for a while; who has
    the link has the mesh. Sending the same photo again is safe: it gives a new answer with new links.
    """
    photo = await services.intake.photo(request)
    async with _delivered(request, services) as made:
        try:
            working = _reconstruct(photo, query, base_path(request), services, made)
            answer = await answer_in_time(working, request, services.settings.deadline)
        finally:
            photo.close()
        return await _json(answer)


@router.post(
    "/reconstruct/batch",
    summary="Several photos at once",
    response_model=Batch,
    response_model_exclude_none=True,
    responses=problems(*_STATUSES),
    openapi_extra={"requestBody": {"content": _SEVERAL, "required": True}},
)
async def batch(request: Request, services: Context, query: Annotated[ReconstructQuery, Query()]) -> Response:
    """Answer several photos in their order, with the same parameters; one that fails has a problem in its place.

    ```
    curl -F image=@one.jpg -F image=@two.jpg http://localhost:8000/v1/reconstruct/batch
    ```

    The limits of size and time are those of one request, for all of them together. If the service is too busy for any
    of them, the answer is 503, or 429 if it is so with the client's own.
    """
    photos, base, settings = await services.intake.photos(request), base_path(request), services.settings
    services.rate.charge(client_of(request), len(photos) - 1)
    services.engine.model(query.subject, query.mode)  # what no photo could be answered for is told once
    end = asyncio.get_running_loop().time() + settings.deadline
    places = asyncio.Semaphore(settings.concurrency)  # one request does not fill the queue

    async def answer(source: Photo | ImageBody, made: list[Reconstruction]) -> BatchResult:
        async with places:
            photo = source if isinstance(source, Photo) else await services.intake.named(source, request)
            try:
                left = end - asyncio.get_running_loop().time()
                found = await asyncio.wait_for(_reconstruct(photo, query, base, services, made), left)
            finally:
                photo.close()
        return BatchResult(status=200, reconstruction=found)

    async def answer_all(made: list[Reconstruction]) -> list[BatchResult]:
        return list(await asyncio.gather(*(_result(answer(photo, made), settings.deadline) for photo in photos)))

    async with _delivered(request, services) as made:
        # A second more: who is late has a problem of her own by then.
        results = await answer_in_time(answer_all(made), request, settings.deadline + 1)
        busy = [each.problem for each in results if each.problem and each.status in _BUSY]
        if len(busy) == len(results):
            raise _BUSY[busy[0].status](busy[0].detail)
        return await _json(Batch(results=results))


@asynccontextmanager
async def _delivered(request: Request, services: Services) -> AsyncIterator[list[Reconstruction]]:
    """Takes the answers that are made; if the block fails, or their client has left by its end, they are deleted."""
    made: list[Reconstruction] = []
    try:
        yield made
        if await request.is_disconnected():
            raise Cancelled
    except Exception:
        for answer in made:
            await to_thread.run_sync(forget, services.store, answer)
        raise


async def _reconstruct(
    photo: Photo, query: ReconstructQuery, base: str, services: Services, made: list[Reconstruction]
) -> Reconstruction:
    mode, model = services.engine.model(query.subject, query.mode)

    def work() -> Reconstruction:
        data = photo.read()  # in its turn: until then a large one lies on the disk
        return pipeline.reconstruct(data, query, mode, model, services.store, services.settings, base)

    answer = await services.engine.run(work, partial(forget, services.store))
    made.append(answer)
    return answer


async def _result(answering: Coroutine[Any, Any, BatchResult], seconds: float) -> BatchResult:
    """One photo's result, whatever becomes of it."""
    try:
        return await answering
    except asyncio.TimeoutError:
        problem = problem_of(late(seconds))
    except Exception as error:
        try:
            problem = problem_of(error)
        except Exception as accidental:
            log.exception("A photo of several failed")
            problem = accident(accidental)
    return BatchResult(status=problem.status, problem=problem)


async def _json(answer: Reconstruction | Batch) -> Response:
    """Encoded off the event loop: it can be megabytes."""
    body = await to_thread.run_sync(partial(answer.model_dump_json, exclude_none=True))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
