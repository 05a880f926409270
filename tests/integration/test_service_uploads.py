"""Bodies that arrive slowly, or too many at once."""

from __future__ import annotations

import json

import anyio
import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from service.http.upload_limits import BodyTime

PIECE = {"type": "http.request", "body": b"x", "more_body": True}
LAST = {"type": "http.request", "body": b"x", "more_body": False}


def scope(*headers: tuple[bytes, bytes]) -> Scope:
    return {"type": "http", "method": "POST", "headers": list(headers or [(b"content-length", b"2")])}


async def read(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_a_body_that_trickles_is_cut_off_however_often_a_piece_comes():
    async def trickle() -> Message:
        await anyio.sleep(0.05)
        return PIECE

    async def main() -> None:
        with anyio.fail_after(30):
            await BodyTime(read, seconds=0.3, retry_after=1)(scope(), trickle, None)

    with pytest.raises(HTTPException) as caught:
        anyio.run(main)
    assert caught.value.status_code == 408
    assert caught.value.headers == {"Connection": "close"}


@pytest.mark.parametrize("header", [(b"content-length", b"2"), (b"transfer-encoding", b"chunked")])
def test_too_many_bodies_at_once_are_refused_until_one_has_arrived(header):
    sent: list[Message] = []

    async def main() -> None:
        app = BodyTime(read, seconds=30, retry_after=7, max_uploads=2)
        arrive, under_way = anyio.Event(), 0

        async def slow() -> Message:
            nonlocal under_way
            under_way += 1
            await arrive.wait()
            return LAST

        async def at_once() -> Message:
            return LAST

        async def send(message: Message) -> None:
            sent.append(message)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                for _ in range(2):
                    group.start_soon(app, scope(header), slow, send)
                while under_way < 2:
                    await anyio.sleep(0)
                await app(scope(header), at_once, send)
                await app(scope((b"host", b"test")), at_once, send)  # has no body: such as a question for health
                arrive.set()
            await app(scope(header), at_once, send)

    anyio.run(main)
    starts = [message for message in sent if message["type"] == "http.response.start"]
    assert [start["status"] for start in starts] == [503, 200, 200, 200, 200]
    assert dict(starts[0]["headers"])[b"retry-after"] == b"7"
    (body,) = [json.loads(message["body"]) for message in sent if message["type"] == "http.response.body"]
    assert body["type"] == "urn:mpt:problem:overloaded"
