"""What the routes share: the services they work with, and the shape of their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.convertors import StringConvertor, register_url_convertor

from service.http.rate_limit import RateLimit
from service.http.uploads import Uploads
from service.inference.engine import Engine
from service.intake import Intake
from service.jobs.runner import Jobs
from service.problems import parameters_of
from service.schemas import Problem
from service.settings import Settings
from service.store import Store

VERSION = "/v1"
"""Before every path that programs rely on; each is there without it, too."""


class BareConvertor(StringConvertor):
    """In a path, `{name:bare}`: a part without a dot, so that an id is not taken for a file's name."""

    regex = "[^/.]+"


register_url_convertor("bare", BareConvertor())


@dataclass(frozen=True)
class Services:
    """What the routes work with; `create_app` keeps one in `app.state.services`."""

    settings: Settings
    engine: Engine
    store: Store
    intake: Intake
    jobs: Jobs
    rate: RateLimit
    uploads: Uploads


async def _services(request: Request) -> Services:  # not def: FastAPI would run it in a thread
    services: Services = request.app.state.services
    return services


Context = Annotated[Services, Depends(_services)]


async def known_parameters(request: Request) -> None:
    """Refuse a query with a name that the route does not know, or that it wants once, so that no error passes.

    Raises:
        RequestValidationError: It has one.
    """
    known, query = parameters_of(request), request.query_params
    unknown = [
        {"type": "extra_forbidden", "loc": ("query", name), "msg": ""} for name in sorted(query.keys() - known.keys())
    ]
    repeated = [
        {"type": "repeated", "loc": ("query", name), "msg": "it is there more than once: give it one value"}
        for name, many in known.items()
        if not many and len(query.getlist(name)) > 1
    ]
    if unknown or repeated:
        raise RequestValidationError(unknown + repeated)


_PROBLEMS: dict[int, str] = {
    400: "The request is no well-formed multipart form.",
    401: "A key is needed.",
    404: "Nothing is there, or no longer.",
    408: "The request took too long to arrive.",
    413: "The request has too many bytes, or the photo too many pixels.",
    415: "The file is no JPEG, PNG, WebP, HEIC, AVIF or still GIF image, or the service cannot read HEIC.",
    416: "The file has no such bytes as `Range` asks for.",
    422: "A parameter is unknown or cannot be used, or the photo or video is missing or broken.",
    429: "Too many requests; `Retry-After` says when to try again.",
    500: "The service failed.",
    503: "The model is not ready, or too many requests wait; `Retry-After` says when to try again.",
    504: "The photo could not be answered in time.",
    507: "The service's disk is full.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for the API's description."""
    return {status: {"model": Problem, "description": _PROBLEMS[status]} for status in statuses}


def files(media_type: str, description: str, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route that gives a file, for the API's description."""
    return {200: {"content": {media_type: {}}, "description": description}, **problems(*statuses)}


def base_path(request: Request) -> str:
    """What links begin with: the proxy's path, and the API's version if it was asked by its version."""
    root: str = request.scope.get("root_path", "")
    return root + (VERSION if request.scope["path"].removeprefix(root).startswith(f"{VERSION}/") else "")


def kept(
    content: bytes,
    media_type: str,
    name: str,
    services: Services,
    disposition: str = "attachment",
    headers: dict[str, str] | None = None,
) -> Response:
    """A file of the store, or made of what it keeps.

    Args:
        content: The file.
        media_type: Its kind.
        name: For whoever saves it.
        services: Know how long it is kept.
        disposition: "inline" for what browsers shall show.
        headers: More of them.
    """
    return Response(
        content, media_type=media_type, headers={**kept_headers(name, services, disposition), **(headers or {})}
    )


def kept_headers(name: str, services: Services, disposition: str = "attachment") -> dict[str, str]:
    """The headers of `kept`."""
    return {
        "Content-Disposition": f'{disposition}; filename="{name}"',
        # What has an id never changes under its id; it shows a person, so that shared caches shall not keep it.
        "Cache-Control": f"private, max-age={services.settings.store_lifetime}, immutable",
    }


def gone(what: str, services: Services) -> HTTPException:
    """The answer for what is not in the store, or no longer."""
    minutes = services.settings.store_lifetime / 60
    return HTTPException(
        404,
        f"There is no {what} with this id, or no longer: it is kept for {minutes:.0f} minutes at most. "
        "Send the photo again to get a new one.",
    )
