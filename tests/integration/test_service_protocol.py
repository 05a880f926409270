"""Requests whose heads never end, and answers that nobody reads, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from service.http.server_protocol import Protocol, _Lingering
from tests.support.waiting import wait_for

HEAD = b"GET / HTTP/1.1\r\nHost: test\r\n"
ANSWER = HEAD.replace(b"/ ", b"/answer ") + b"Connection: close\r\n\r\n"
ANSWER_SIZE = 60_000  # bytes: less than a transport's usual buffer
SYSTEM_BUFFER = 4096  # bytes that the system takes in, about; usually some millions
app = FastAPI()


@app.get("/answer")
def answer() -> Response:
    return Response(bytes(ANSWER_SIZE))


gone = threading.Event()


@app.post("/body")
async def body(request: Request) -> Response:
    try:
        await request.body()
    finally:
        gone.set()
    return Response()


@app.get("/stall")
async def stall() -> None:
    time.sleep(0.3)


class Hasty(Protocol):
    head_seconds = reading_seconds = rest_seconds = 0.5


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_BUFFER)
    server = uvicorn.Server(uvicorn.Config(app, http=Hasty, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    wait_for(lambda: server.started)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(30)


def connect(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SYSTEM_BUFFER)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    return connection


@pytest.mark.parametrize("sent", [b"", b"GET", HEAD])
def test_who_never_ends_a_head_is_cut_off(port, sent):
    with connect(port) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def trickle(port: int, head: bytes, piece: bytes) -> float:
    """Sends a head, and a piece again and again, until it is cut off; after how many seconds, or 20."""
    start = time.monotonic()
    with connect(port) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(head)
        while time.monotonic() < start + 20:
            connection.sendall(piece)
            time.sleep(0.05)
    return time.monotonic() - start


def test_who_trickles_a_head_is_cut_off(port):
    assert trickle(port, HEAD, b"X: y\r\n") < 10


def test_a_second_head_on_the_same_connection_has_its_own_time(port):
    with connect(port) as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += (part := connection.recv(2**16))
                assert part, "cut off"
            assert answer.startswith(b"HTTP/1.1 404")
            time.sleep(0.7)  # idle, which is not cut off as soon
        connection.sendall(HEAD)
        assert connection.recv(100) == b""


def asking(port: int) -> socket.socket:
    connection = connect(port)
    connection.sendall(ANSWER)
    return connection


def read_all(connection: socket.socket, pause: float = 0.0) -> int:
    read = 0
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(2048):
            read += len(part)
            time.sleep(pause)
    return read


def test_who_takes_nothing_of_an_answer_is_cut_off(port):
    with connect(port) as connection:
        connection.sendall(ANSWER)
        time.sleep(1.2)  # what the system takes in at first counts as read
        assert read_all(connection) < ANSWER_SIZE


def test_who_reads_an_answer_slowly_has_all_of_it(port):
    start = time.monotonic()
    with connect(port) as connection:
        connection.sendall(ANSWER)
        assert read_all(connection, 0.04) > ANSWER_SIZE
    assert time.monotonic() > start + 2 * Hasty.reading_seconds


@pytest.mark.parametrize("manner", [b"close", b"keep-alive"])
def test_who_is_refused_before_all_of_a_body_is_there_may_send_the_rest(port, manner):
    body = bytes(4 * 2**20)
    head = b"POST /nothing HTTP/1.1\r\nHost: test\r\nConnection: %s\r\nContent-Length: %d\r\n\r\n" % (manner, len(body))
    with connect(port) as connection:
        connection.sendall(head + body)  # more than the system takes in by itself
        assert connection.recv(100).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("manner", [b"close", b"keep-alive"])
def test_who_goes_on_sending_long_after_an_answer_is_cut_off(port, manner):
    head = b"POST /nothing HTTP/1.1\r\nHost: test\r\nConnection: %s\r\nContent-Length: 100000\r\n\r\n" % manner
    assert trickle(port, head, b"x") < 10


def test_a_body_that_becomes_no_http_is_nobodys_from_then_on(port):
    with connect(port) as connection:
        connection.sendall(
            b"POST /body HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nno number\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
        assert gone.wait(30)


def test_where_connections_run_out_the_longest_idle_one_gives_way(port, monkeypatch):
    monkeypatch.setattr(Hasty, "head_seconds", 60.0)
    monkeypatch.setattr(Hasty, "most_connections", 3)
    with contextlib.ExitStack() as stack:
        first, second, *_ = (stack.enter_context(connect(port)) for _ in range(3))
        time.sleep(0.05)
        first.sendall(HEAD)
        assert read_all(stack.enter_context(asking(port))) > ANSWER_SIZE
        assert second.recv(100) == b""
        first.sendall(b"\r\n")
        assert first.recv(100).startswith(b"HTTP/1.1 404")


def test_however_many_come_at_once_as_many_give_way(port, monkeypatch):
    monkeypatch.setattr(Hasty, "head_seconds", 60.0)
    monkeypatch.setattr(Hasty, "most_connections", 3)
    with contextlib.ExitStack() as stack:
        stack.enter_context(connect(port)).sendall(HEAD.replace(b"/ ", b"/stall ") + b"\r\n")
        time.sleep(0.1)  # the server's loop stands still; they all wait for it
        others = [stack.enter_context(connect(port)) for _ in range(12)]
        wait_for(lambda: sum(is_closed(other) for other in others) >= 8)
        assert not any(is_closed(other) for other in others[-2:])


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_who_goes_while_her_answer_is_closed_is_no_error():
    class Gone(asyncio.Transport):
        reads = False

        def is_closing(self) -> bool:
            return False

        def write_eof(self) -> None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

        def resume_reading(self) -> None:
            self.reads = True

    transport = Gone()
    lingering = _Lingering(transport, lambda: True)
    lingering.close()
    assert lingering.lingers and transport.reads
