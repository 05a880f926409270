"""What bodies on their way in may cost: their size, their time, and how many there are at once.

uvicorn waits for ever for a client that sends slowly. Here the time from a request's head to its body's last byte is
bounded; `service.http.server_protocol` bounds that of the head.
"""

from __future__ import annotations

import anyio
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.inference.engine import Overloaded
from service.problems import body_too_large, refusal

# Each holds a megabyte of memory, the rest of its body on the disk.
MAX_UPLOADS = 64


class BodyTime:
    """Answers 408 when a body takes too long to arrive, and 503 when too many arrive at once.

    Args:
        app: What is within.
        seconds: From the request's head to its body's last byte.
        retry_after: Seconds that a 503 asks the client to wait.
        max_uploads: Bodies under way at the same time.
        video_seconds: The same for videos; as for photos if None.
    """

    def __init__(
        self,
        app: ASGIApp,
        seconds: float,
        retry_after: int,
        max_uploads: int = MAX_UPLOADS,
        video_seconds: float | None = None,
    ) -> None:
        self.app, self._retry_after, self._max = app, retry_after, max_uploads
        self._seconds, self._video_seconds = seconds, video_seconds or seconds
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        if self._under_way >= self._max:
            error = Overloaded("The service is busy: too many photos are being sent at once. Try again in a moment.")
            await refusal(error, self._retry_after)(scope, receive, send)
            return
        seconds = self._video_seconds if is_video(scope) else self._seconds
        end = anyio.current_time() + seconds
        arriving = True
        self._under_way += 1

        def arrived() -> None:
            nonlocal arriving
            if arriving:
                arriving = False
                self._under_way -= 1

        async def receive_in_time() -> Message:
            if not arriving:
                return await receive()
            try:
                with anyio.fail_after(end - anyio.current_time()):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    408,
                    f"The request took more than {seconds:g} seconds to arrive. "
                    "Send it again over a faster line, or a smaller file.",
                    headers={"Connection": "close"},
                ) from None
            if not message.get("more_body", False):
                arrived()
            return message

        try:
            await self.app(scope, receive_in_time, send)
        finally:
            arrived()


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
