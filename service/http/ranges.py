"""Parts of files: a `Range` that is not there is a problem as everywhere else; Starlette answers in plain text."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import problem

_UNREADABLE = "Range cannot be read: write it as bytes=0-499, bytes=500- or bytes=-500 (the last 500), or leave it out."
_NO_RANGE = "The file has no such bytes as Range asks for: leave it out, or see Content-Range for how many there are."


class Ranges:
    """Answers what is within refuses of a range; a range in another unit than bytes is no range (RFC 9110)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope).get("range") if scope["type"] == "http" else None
        if asked is None:
            await self.app(scope, receive, send)
            return
        if not asked.lower().startswith("bytes="):
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"range"]}
        refused = False

        async def send_or_refuse(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in (400, 416):
                headers = Headers(raw=message["headers"])
                if headers.get("content-type", "").startswith("text/plain"):
                    refused = True
                    known = {"Content-Range": headers["content-range"]} if "content-range" in headers else {}
                    why = _NO_RANGE if known else _UNREADABLE
                    await problem(message["status"], why, headers=known)(scope, receive, send)
            if not refused:
                await send(message)

        await self.app(scope, receive, send_or_refuse)
