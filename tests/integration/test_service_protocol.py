"""Requests whose heads never end, and answers that nobody reads, on real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI, Response

from service.http.server_protocol import Protocol
from tests.support.waiting import wait_for

HEAD = b"GET / HTTP/1.1\r\nHost: test\r\n"


LARGE = 2**24  # bytes; systems take some millions of them in
app = FastAPI()


@app.get("/large")
def large() -> Response:
    return Response(bytes(LARGE))


class Hasty(Protocol):
    head_seconds, reading_seconds = 1.0, 1.0


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=Hasty, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(30)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


@pytest.mark.parametrize("sent", [b"", b"GET", HEAD])
def test_who_never_ends_a_head_is_cut_off(port, sent):
    with connect(port) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_who_trickles_a_head_is_cut_off(port):
    start = time.monotonic()
    with connect(port) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(HEAD)
        while time.monotonic() < start + 20:
            connection.sendall(b"X: y\r\n")
            time.sleep(0.05)
    assert time.monotonic() < start + 10


def test_a_second_head_on_the_same_connection_has_its_own_time(port):
    with connect(port) as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += (part := connection.recv(2**16))
                assert part, "cut off"
            assert answer.startswith(b"HTTP/1.1 404")
            time.sleep(1.2)  # idle, which is not cut off as soon
        connection.sendall(HEAD)
        assert connection.recv(100) == b""


def read_all(connection: socket.socket, pause: float = 0.0) -> int:
    read = 0
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(2**19):
            read += len(part)
            time.sleep(pause)
    return read


def test_who_takes_nothing_of_an_answer_is_cut_off(port):
    with connect(port) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        time.sleep(1.5)
        assert read_all(connection) < LARGE


def test_who_reads_an_answer_slowly_has_all_of_it(port):
    with connect(port) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        assert read_all(connection, 0.04) > LARGE
