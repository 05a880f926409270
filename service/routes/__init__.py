"""The service's addresses, a file for each kind of thing that they give."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, Depends, FastAPI
from fastapi.staticfiles import StaticFiles

from service import auth
from service.routes import jobs, meshes, operations, pages, reconstruct, reconstructions, videos
from service.routes.common import VERSION, known_parameters, problems
from service.routes.pages import STATIC

_OPEN = (reconstructions.router, meshes.router, jobs.router)
_GUARDED = (reconstruct.router, reconstructions.guarded, videos.router, jobs.guarded, operations.models)


def mount(app: FastAPI, with_keys: bool) -> None:
    """Give `app` all addresses: what programs rely on under its version and, as before, without; both are one.

    Args:
        app: The application.
        with_keys: Whether its description shall say that keys are needed.
    """
    app.router.routes.extend(_addresses(with_keys).routes)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")


@cache  # FastAPI takes a tenth of a second for them
def _addresses(with_keys: bool) -> APIRouter:
    every = APIRouter()
    keys = auth.OPENAPI_SECURITY if with_keys else []
    known, anywhere = Depends(known_parameters), problems(422, 500)
    for prefix, described in ((VERSION, True), ("", False)):
        for router in _GUARDED:
            every.include_router(
                router, prefix=prefix, dependencies=[known, *keys], responses=anywhere, include_in_schema=described
            )
        for router in _OPEN:
            every.include_router(
                router, prefix=prefix, dependencies=[known], responses=anywhere, include_in_schema=described
            )
    every.include_router(operations.router, dependencies=[known], responses=anywhere)
    every.include_router(operations.guarded, dependencies=[known, *keys], responses=anywhere)
    every.include_router(pages.router)
    return every
