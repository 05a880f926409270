"""What bodies on their way in may cost: their size, their time, and how many there are at once.

uvicorn waits for ever for a client that sends slowly. Here the time from a request's head to its body's last byte is
bounded, and who is slow gives way (`service.http.uploads`); `service.http.server_protocol` bounds that of the head.
"""

from __future__ import annotations

import anyio
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.auth import client_of
from service.http.uploads import Uploads
from service.inference.batcher import Overloaded, TooManyOfOne
from service.problems import body_too_large, refusal


class BodyTime:
    """Answers 408 when a body takes too long to arrive, or gives way to another; 429 and 503 when there are too many.

    Args:
        app: What is within.
        uploads: Those under way.
        seconds: From the request's head to its body's last byte.
        video_seconds: The same for videos.
        retry_after: Seconds that a 429 or 503 asks the client to wait.
    """

    def __init__(self, app: ASGIApp, uploads: Uploads, seconds: float, video_seconds: float, retry_after: int) -> None:
        self.app, self._uploads, self._retry_after = app, uploads, retry_after
        self._seconds, self._video_seconds = seconds, video_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        video = is_video(scope)
        try:
            upload = self._uploads.begin(client_of(Request(scope)), video)
        except (TooManyOfOne, Overloaded) as error:
            await refusal(error, self._retry_after)(scope, receive, send)
            return
        seconds = self._video_seconds if video else self._seconds
        end = anyio.current_time() + seconds
        arriving = True

        async def receive_in_time() -> Message:
            nonlocal arriving
            if not arriving:
                return await receive()
            message: Message | None = None
            if not upload.given_up:
                with upload.wait(end):
                    message = await receive()
            if message is None:
                raise HTTPException(408, _late(upload.given_up, seconds), headers={"Connection": "close"})
            upload.note(len(message.get("body", b"")))
            if not message.get("more_body", False):
                arriving = False
                self._uploads.arrived(upload)
            return message

        try:
            await self.app(scope, receive_in_time, send)
        finally:
            self._uploads.arrived(upload)
            upload.ended.set()


def _late(given_up: bool, seconds: float) -> str:
    if given_up:
        return "The request came so slowly that its place went to others, who waited. Send it again over a faster line."
    again = "Send it again over a faster line, or a smaller file."
    return f"The request took more than {seconds:g} seconds to arrive. {again}"


class BodySize:
    """Refuses bodies over the limit: by their declared length before a byte is read, else by counting.

    Starlette's middleware, which counts, answers an over-long declared length in plain text; this one answers it with a
    problem, as everything else.

    Args:
        app: What is within.
        photos: Most bytes of a request's body.
        videos: The same where a video is sent.
    """

    def __init__(self, app: ASGIApp, photos: int, videos: int) -> None:
        self._photos = RequestBodyLimitMiddleware(app, photos)
        self._videos = RequestBodyLimitMiddleware(app, videos)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limited = self._photos
        if scope["type"] == "http":
            limited = self._videos if is_video(scope) else self._photos
            scope.setdefault("state", {})["max_body_size"] = limited.max_body_size  # for whoever answers to its error
            declared = Headers(scope=scope).get("content-length", "")
            if declared.isdecimal() and (len(declared) > 18 or int(declared) > limited.max_body_size):
                await body_too_large(limited.max_body_size)(scope, receive, send)
                return
        await limited(scope, receive, send)


def is_video(scope: Scope) -> bool:
    """Whether a request's body is a video."""
    path: str = scope.get("path", "")
    return path.endswith("/videos") and scope["method"] == "POST"


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
