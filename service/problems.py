"""Errors over HTTP: every failure becomes an RFC 9457 problem with a sentence that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import get_origin

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic.fields import FieldInfo
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.staticfiles import StaticFiles

from model.errors import BadInput, MPTError
from model.formats.photo import BrokenImage, TooManyPixels, UnsupportedFormat
from service.inference.batcher import TooManyOfOne
from service.inference.engine import DeadlineExceeded, ModeMissing, NotReady, Overloaded, SubjectMissing
from service.schemas import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"

# The first class that fits counts: status, name, title.
_KINDS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (UnsupportedFormat, 415, "unsupported-format", "Unsupported format"),
    (TooManyPixels, 413, "too-many-pixels", "Image too large"),
    (BrokenImage, 422, "broken-image", "Broken image"),
    (SubjectMissing, 422, "subject-missing", "Subject not offered"),
    (ModeMissing, 422, "mode-missing", "Mode not offered"),
    (BadInput, 422, "bad-input", "Input cannot be used"),
    (NotReady, 503, "not-ready", "Not ready"),
    (TooManyOfOne, 429, "too-many-requests", "Too Many Requests"),
    (Overloaded, 503, "overloaded", "Too many requests at once"),
    (DeadlineExceeded, 504, "deadline", "Not answered in time"),
)

_MOST_ERRORS = 10  # are told of one request
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_HOW_TO_SEND = {
    "/videos": "Send one video as multipart/form-data in a field named video, with a file name: "
    "curl -F video=@dance.mp4 http://localhost:8000/videos. Or send its bytes alone as video/mp4.",
    "/reconstruct/batch": "Send photos as multipart/form-data, each in a field named image, with a file name: "
    "curl -F image=@one.jpg -F image=@two.jpg http://localhost:8000/reconstruct/batch. "
    "Or send JSON with images, each with image in base64.",
    "/reconstruct": "Send one photo as multipart/form-data in a field named image, with a file name: "
    "curl -F image=@photo.jpg http://localhost:8000/reconstruct. "
    "Or send its bytes alone as image/jpeg, or JSON with image in base64.",
}


def how_to_send(request: Request) -> str:
    """What a request to this address is told if it is without a photo, or a video."""
    path = request.url.path.rstrip("/")
    return next((how for ending, how in _HOW_TO_SEND.items() if path.endswith(ending)), _HOW_TO_SEND["/reconstruct"])


def problem_of(error: Exception) -> Problem:
    """An error of ours as a problem; one of another kind is raised again."""
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            return Problem(type=f"urn:mpt:problem:{name}", title=title, status=status, detail=str(error))
    raise error


def problem(
    status: int,
    detail: str,
    name: str | None = None,
    title: str | None = None,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build a problem response; without a name and a title it has those of its HTTP status."""
    phrase = HTTPStatus(status).phrase
    body = Problem(
        type=f"urn:mpt:problem:{name or phrase.lower().replace(' ', '-')}",
        title=title or phrase,
        status=status,
        detail=detail,
        errors=errors,
    )
    return _respond(body, headers)


def body_too_large(max_body_bytes: int) -> Response:
    """The answer to a request body over the limit."""
    return problem(
        413,
        f"The request is too large: at most {max_body_bytes / 2**20:.0f} MiB are accepted. "
        "Send a smaller file: a photo scaled down or saved as JPEG, a video cut or compressed.",
        "body-too-large",
        "Request too large",
    )


def refusal(error: MPTError, retry_after: int) -> Response:
    """The answer to an error of ours; one of another kind is raised again."""
    body = problem_of(error)
    headers = {"Retry-After": str(retry_after)} if body.status in (429, 503) else None
    return _respond(body, headers)


def accident(error: Exception) -> Problem:
    """An accident within the service."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return Problem(
            type="urn:mpt:problem:insufficient-storage",
            title="Insufficient Storage",
            status=507,
            detail="The service's disk is full, so that nothing new can be kept. Its operator must make room; "
            "the request itself may be fine.",
        )
    detail = "The service failed at this request; its log says why. The request itself may be fine."
    return Problem(
        type="urn:mpt:problem:internal-server-error", title="Internal Server Error", status=500, detail=detail
    )


def failed(error: Exception) -> Response:
    """The answer to an accident within the service."""
    return _respond(accident(error), None)


def install(app: FastAPI, retry_after: int) -> None:
    """Make every error of `app` a problem; accidents are `service.http.request_log`'s, which answers from outside.

    Args:
        app: The application.
        retry_after: Seconds that a 429 or 503 asks its client to wait.
    """

    async def on_mpt_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, MPTError)
        return refusal(error, retry_after)

    async def on_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 413:
            return body_too_large(request.scope["state"]["max_body_size"])
        if "Allow" in (error.headers or {}) and not _is_of_the_page(request):
            error.headers = {**(error.headers or {}), "Allow": _allowed(request)}
        return problem(error.status_code, _sentence(request, error), headers=error.headers)

    async def on_invalid_request(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [_field_problem(item, parameters_of(request)) for item in error.errors()[:_MOST_ERRORS]]
        detail = " ".join(dict.fromkeys(f"{item.field}: {item.message}." for item in errors))
        return problem(422, detail, "invalid-request", "Invalid request", errors)

    app.add_exception_handler(MPTError, on_mpt_error)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_invalid_request)


def _respond(body: Problem, headers: Mapping[str, str] | None) -> Response:
    return Response(
        body.model_dump_json(exclude_none=True),
        body.status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def _allowed(request: Request) -> str:
    """All methods of an address, HEAD beside GET; the router knows those of the first route alone that has it."""
    routes, scope = request.app.router.routes, request.scope
    methods = ("GET", "POST", "DELETE")
    has = {
        method: any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
        for method in methods
    }
    return ", ".join(method.replace("GET", "GET, HEAD") for method in methods if has[method])


def _is_of_the_page(request: Request) -> bool:
    """Whether one of its files was asked for, which are no routes; below them addresses are counted from there."""
    return isinstance(request.scope.get("endpoint"), StaticFiles)


def _has_one_slash_too_many(request: Request) -> bool:
    """Whether there is something at an address without the slash at its end."""
    routes, path = request.app.router.routes, request.scope["path"]
    without = {**request.scope, "path": path.rstrip("/")}
    ends = path.endswith("/") and not _is_of_the_page(request)
    return ends and any(route.matches(without)[0] is not Match.NONE for route in routes)


def _sentence(request: Request, error: HTTPException) -> str:
    if error.status_code == 400:  # the multipart parser's words
        return f"{error.detail.rstrip('.')}. {how_to_send(request)}"
    if error.detail != HTTPStatus(error.status_code).phrase:
        return str(error.detail)
    if error.status_code == 404 and _has_one_slash_too_many(request):
        return "There is nothing at this address: leave out the slash at its end."
    if error.status_code == 404:
        return "There is nothing at this address. The page is at /, the API's description at /docs."
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        return f"This address does not answer {request.method}; use {allowed}."
    return f"{error.detail}."


def parameters_of(request: Request) -> dict[str, bool]:
    """The names of what the query of this route may have, and whether each may come more than once."""
    infos: dict[str, FieldInfo] = {}
    for field in request.scope["route"].dependant.query_params:
        infos |= getattr(field.field_info.annotation, "model_fields", None) or {field.alias: field.field_info}
    return {name: get_origin(info.annotation) is list for name, info in infos.items()}


def _field_problem(error: Mapping[str, object], parameters: Iterable[str]) -> FieldProblem:
    location = error["loc"]
    assert isinstance(location, tuple)
    field = str(location[1]) if len(location) > 1 else str(location[0])
    if error["type"] == "extra_forbidden":
        names = ", ".join(parameters)
        message = f"there is no such parameter; there {f'are {names}' if names else 'is none'}"
    else:
        message = str(error["msg"]).removeprefix("Value error, ")
    return FieldProblem(field=field[:100], message=message)
