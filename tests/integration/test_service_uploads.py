"""Bodies that arrive slowly, or too many at once."""

from __future__ import annotations

import json

import anyio
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from service.http.upload_limits import BodyTime
from service.http.uploads import SILENT_SECONDS, SLOWEST, Uploads
from service.inference.batcher import TooManyOfOne
from service.inference.engine import Overloaded
from service.routes.common import Services
from service.settings import Settings
from tests.support.service_client import serving, wait_until_ready

PIECE = {"type": "http.request", "body": b"x", "more_body": True}
LAST = {"type": "http.request", "body": b"x", "more_body": False}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def scope(*headers: tuple[bytes, bytes], client: str = "192.0.2.1") -> Scope:
    app = FastAPI()
    app.state.services = Services(Settings(), *[None] * 6)
    head = list(headers or [(b"content-length", b"2")])
    return {"type": "http", "method": "POST", "headers": head, "client": (client, 1), "app": app}


def body_time(uploads: Uploads, seconds: float = 30) -> BodyTime:
    return BodyTime(read, uploads, seconds, seconds, retry_after=7)


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
            await body_time(Uploads(8, 8), 0.3)(scope(), trickle, None)

    with pytest.raises(HTTPException) as caught:
        anyio.run(main)
    assert caught.value.status_code == 408
    assert caught.value.headers == {"Connection": "close"}


@pytest.mark.parametrize("header", [(b"content-length", b"2"), (b"transfer-encoding", b"chunked")])
def test_too_many_bodies_at_once_are_refused_until_one_has_arrived(header):
    sent: list[Message] = []

    async def main() -> None:
        app = body_time(Uploads(of_one=3, most=2))
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


def test_one_client_has_a_part_of_the_places():
    uploads = Uploads(of_one=2, most=4, clock=Clock())
    first, _ = uploads.begin("a", False), uploads.begin("a", False)
    with pytest.raises(TooManyOfOne, match="2 uploads under way"):
        uploads.begin("a", False)
    uploads.begin("b", False)
    uploads.arrived(first)
    uploads.begin("a", False)
    uploads.begin("b", False)
    with pytest.raises(Overloaded):
        uploads.begin("c", False)


def test_who_is_silent_for_longest_gives_way_and_who_sends_does_not():
    clock = Clock()
    uploads = Uploads(of_one=2, most=4, clock=clock)
    trickling, silent, steady, late = (uploads.begin(client, False) for client in "aabb")
    for _ in range(3):
        clock.now += 0.8 * SILENT_SECONDS
        trickling.note(1)
        steady.note(2 * int(SILENT_SECONDS * SLOWEST))
    late.note(1)
    uploads.begin("c", False)
    assert [each.given_up for each in (trickling, silent, steady, late)] == [False, True, False, False]
    uploads.begin("a", False)  # whose own one it is that goes, though all places are taken
    uploads.begin("c", False)
    assert [each.given_up for each in (trickling, steady, late)] == [True, False, True]
    with pytest.raises(Overloaded):
        uploads.begin("d", False)


def test_who_gives_way_is_told_so_at_once():
    async def never() -> Message:
        await anyio.sleep_forever()

    async def main() -> None:
        clock, told = Clock(), []
        uploads = Uploads(of_one=1, most=1, clock=clock)

        async def idle() -> None:
            with pytest.raises(HTTPException) as caught:
                await body_time(uploads)(scope(), never, None)
            told.append(caught.value)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                group.start_soon(idle)
                await anyio.wait_all_tasks_blocked()
                clock.now += SILENT_SECONDS
                uploads.begin("192.0.2.2", False)
        assert (told[0].status_code, told[0].headers) == (408, {"Connection": "close"})
        assert "place went to others" in told[0].detail

    anyio.run(main)


def test_all_addresses_of_one_subscriber_are_one_client():
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        app, arrive = body_time(Uploads(of_one=1, most=9)), anyio.Event()

        async def slow() -> Message:
            await arrive.wait()
            return LAST

        async with anyio.create_task_group() as group:
            group.start_soon(app, scope(client="2001:db8:0:1::1"), slow, send)
            await anyio.wait_all_tasks_blocked()
            await app(scope(client="2001:db8:0:1:ffff::2"), slow, send)
            assert sent[0]["status"] == 429
            assert dict(sent[0]["headers"])[b"retry-after"] == b"7"
            assert json.loads(sent[1]["body"])["detail"].startswith("You send too much at once")
            arrive.set()
            await app(scope(client="2001:db8:0:2::1"), slow, send)
            await app(scope(client="::ffff:192.0.2.1"), slow, send)
            await app(scope(client="::ffff:192.0.2.2"), slow, send)

    anyio.run(main)
    assert [message["status"] for message in sent if "status" in message][1:].count(200) == 4


def test_a_video_that_does_not_come_gives_its_place_in_the_queue_to_one_that_does(settings):
    with serving(settings.model_copy(update={"video_queue": 1})) as client:
        wait_until_ready(client)
        clock, told = Clock(), []
        client.app.state.services.uploads._clock = clock

        async def send(message: Message) -> None:
            told.append(message.get("status"))

        async def never() -> Message:
            await anyio.sleep_forever()

        async def post(receive: Receive) -> None:
            head = [(b"content-length", b"2"), (b"content-type", b"video/mp4")]
            address = {"path": "/videos", "raw_path": b"/videos", "query_string": b"", "root_path": ""}
            await client.app({**scope(*head), **address, "http_version": "1.1", "state": {}}, receive, send)

        async def at_once() -> Message:
            return LAST

        async def main() -> None:
            with anyio.fail_after(30):
                async with anyio.create_task_group() as group:
                    group.start_soon(post, never)
                    await anyio.wait_all_tasks_blocked()
                    await post(at_once)
                    clock.now += SILENT_SECONDS
                    await post(at_once)

        client.portal.call(main)
    # The second was looked at, since there was room: it holds no film.
    assert [status for status in told if status] == [503, 408, 415]


def test_a_video_makes_no_room_for_itself():
    async def main() -> None:
        clock = Clock()
        uploads = Uploads(of_one=2, most=2, clock=clock)
        uploads.begin("a", True)
        clock.now += 2 * SILENT_SECONDS  # of the service's own: a full disk that it clears
        with anyio.fail_after(1):
            assert not await uploads.make_room_for_video()

    anyio.run(main)
