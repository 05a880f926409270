"""HEAD wherever there is GET: the same status and headers, such as a mesh's length, without the body."""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Answers HEAD by what is within answers to GET."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        with anyio.CancelScope() as rest:

            async def send_head(message: Message) -> None:
                if message["type"] == "http.response.start":
                    await send(message)
                    await send({"type": "http.response.body", "body": b""})
                    rest.cancel()  # a body is not made for nobody: events go on for as long as a job does

            scope["method"] = "GET"
            try:
                await self.app(scope, receive, send_head)
            finally:
                scope["method"] = "HEAD"  # for the log
