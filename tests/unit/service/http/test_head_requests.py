"""HEAD ends with its head."""

from __future__ import annotations

import anyio
from starlette.types import Message, Receive, Scope, Send

from service.http.head_requests import Head


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers GET as a job's events do."""
    assert scope["method"] == "GET"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]})
    while True:
        await send({"type": "http.response.body", "body": b"more", "more_body": True})
        await anyio.sleep(0.01)


def test_a_body_without_end_is_not_waited_for():
    sent: list[Message] = []
    scope = {"type": "http", "method": "HEAD"}

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def ask() -> None:
        with anyio.fail_after(1):
            await Head(endless)(scope, receive, send)

    anyio.run(ask)
    start, body = sent
    assert start["status"] == 200 and start["headers"] == [(b"x-a", b"1")]
    assert body == {"type": "http.response.body", "body": b""}
    assert scope["method"] == "HEAD"
