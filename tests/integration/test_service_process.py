"""The service as a process, on a real socket: what signals, slow clients and clients that leave do to it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest

from benchmarks.served import Served
from model.reconstructor import Reconstructor
from service import __main__ as service_main
from service.__main__ import main
from service.app import create_app
from service.settings import Settings
from tests.support.film_files import film
from tests.support.forked_service import served_at_once
from tests.support.service_client import form, photo
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def service() -> Iterator[Served]:
    """One photo a second, four places, two seconds for an upload."""
    settings = {"MPT_CONCURRENCY": "1", "MPT_QUEUE_SIZE": "3", "MPT_UPLOAD_SECONDS": "2", "MPT_LOG_FORMAT": "json"}
    with served_at_once({"FAKE_SECONDS": "1", **settings}) as service:
        yield service


def connect(service: Served) -> socket.socket:
    address = urlsplit(service.url)
    return socket.create_connection((address.hostname, address.port), timeout=60)


def request(length: int | None = None) -> bytes:
    """A whole POST of a photo; with `length`, one that announces a body of so many bytes and sends none."""
    post = httpx2.Request("POST", "http://test/reconstruct", files=form(photo()))
    body = post.read()
    head = f"POST /reconstruct HTTP/1.1\r\nHost: test\r\nContent-Type: {post.headers['content-type']}\r\n"
    head += f"Content-Length: {length or len(body)}\r\n\r\n"
    return head.encode() + (b"" if length else body)


def post(service: Served) -> httpx2.Response:
    return httpx2.post(f"{service.url}/reconstruct", files=form(photo()), timeout=120)


def metric(service: Served, name: str) -> float:
    text = httpx2.get(f"{service.url}/metrics", timeout=60).text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def test_a_client_that_sends_too_slowly_is_cut_off(service):
    with connect(service) as connection:
        connection.sendall(request(length=1000))
        answer = b""
        while chunk := connection.recv(4096):  # until the service closes
            answer += chunk
    assert b"HTTP/1.1 408" in answer
    assert b"application/problem+json" in answer
    assert b"took more than 2 seconds to arrive" in answer


@pytest.mark.parametrize(
    "sent",
    [
        b"no HTTP at all\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nContent-Length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nX-Long: " + b"x" * 2**17,
        b"POST /reconstruct HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\nmany\r\n",
    ],
    ids=["text", "TLS", "length", "long head", "chunk"],
)
def test_what_is_no_http_is_a_problem_like_any_other(service, sent):
    with connect(service) as connection:
        connection.sendall(sent)
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # it did not read on
            while chunk := connection.recv(4096):
                answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"content-type: application/problem+json" in head.lower()
    assert json.loads(body)["detail"].startswith("This is no well-formed HTTP/1.1 request")
    assert "Traceback" not in service.log


def test_head_over_a_socket_has_the_length_and_no_body(service):
    with connect(service) as connection:
        for method in (b"HEAD", b"GET"):  # one after the other on one connection: no stray byte between
            connection.sendall(method + b" / HTTP/1.1\r\nHost: test\r\n\r\n")
            answer = connection.recv(2**16)
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(2**16)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK")
            length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
            while method == b"GET" and len(body) < length:
                body += connection.recv(2**16)
            assert len(body) == (length if method == b"GET" else 0)


def test_a_client_that_goes_away_frees_its_place(service):
    gone = '"route": "/reconstruct", "status": 499'
    before = service.log.count(gone)  # who left while sending, in the tests before
    leavers = [connect(service) for _ in range(4)]  # all places: one at work, three waiting
    for leaver in leavers:
        leaver.sendall(request())
    wait_for(lambda: metric(service, "mpt_requests_in_flight ") == 5)  # with the one that asks
    for leaver in leavers:
        leaver.close()
    wait_for(lambda: service.log.count(gone) >= before + 4)
    with ThreadPoolExecutor(3) as pool:  # beside the one that may still be worked on
        assert [answer.status_code for answer in pool.map(post, [service] * 3)] == [200] * 3
    assert '"exception"' not in service.log


def test_of_a_client_that_goes_away_nothing_is_kept(tmp_path: Path):
    several = httpx2.Request("POST", "http://test", files=[("image", ("photo", photo()))] * 3)
    head = f"POST /reconstruct/batch HTTP/1.1\r\nHost: test\r\nContent-Type: {several.headers['content-type']}\r\n"
    body = several.read()
    settings = {"MPT_CONCURRENCY": "1", "FAKE_SECONDS": "0.5", "MPT_STORE_DIR": str(tmp_path)}
    with served_at_once(settings) as service:
        with connect(service) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            wait_for(lambda: list(tmp_path.glob("*.answer")))  # the first is answered, the second at work
        wait_for(lambda: "/reconstruct/batch 499" in service.log)
        answer = post(service)  # only one is worked on at a time: the second has ended by then
        assert answer.status_code == 200
        wait_for(lambda: [path.stem for path in tmp_path.glob("*.answer")] == [answer.json()["id"]])
        assert {path.stem for path in tmp_path.glob("*.person")} == {answer.json()["people"][0]["id"]}


def test_json_log_lines_carry_the_request_id(service):
    response = httpx2.get(f"{service.url}/nothing%0aforged", headers={"X-Request-ID": "trace-7"}, timeout=60)
    assert response.headers["x-request-id"] == "trace-7"
    wait_for(lambda: "trace-7" in service.log)
    lines = [json.loads(line) for line in service.log.splitlines()]
    (line,) = [line for line in lines if line["request_id"] == "trace-7"]
    assert (line["status"], line["method"], line["path"]) == (404, "GET", "/nothing%0aforged")


def test_sigterm_finishes_what_was_begun_and_refuses_what_is_new():
    with served_at_once({"FAKE_SECONDS": "2"}) as service:
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(post, [service] * 4)  # two at work, two waiting
            wait_for(lambda: metric(service, "mpt_requests_in_flight ") == 5)
            service.process.send_signal(signal.SIGTERM)
            wait_for(lambda: "Shutting down" in service.log)
            with pytest.raises(httpx2.ConnectError):
                httpx2.get(f"{service.url}/v2/health/live")
            assert [answer.status_code for answer in answers] == [200] * 4
        service.process.wait(60)
        assert "Application shutdown complete" in service.log
        assert "ERROR" not in service.log


def test_sigterm_does_not_wait_for_those_who_follow_a_film(tmp_path: Path):
    frames = [np.full((48, 64, 3), index, np.uint8) for index in range(100)]
    clip = film(tmp_path / "clip.mp4", frames).read_bytes()
    with served_at_once({"MPT_JOBS_DIR": str(tmp_path / "jobs"), "FAKE_SECONDS": "0.5"}) as service:
        job = httpx2.post(f"{service.url}/videos", content=clip, headers={"Content-Type": "video/mp4"}).json()
        with httpx2.stream("GET", f"{service.url}/jobs/{job['id']}/events", timeout=60) as events:
            lines = events.iter_lines()
            assert next(lines) == "event: job"
            service.process.send_signal(signal.SIGTERM)
            start = time.monotonic()
            told = [json.loads(line[6:])["status"] for line in lines if line.startswith("data: ")]  # to their end
        service.process.wait(30)
        assert time.monotonic() - start < 15  # all frames take fifty seconds
        assert told[-1] in ("queued", "running") and "ERROR" not in service.log


@pytest.mark.parametrize(("loads", "ended"), [(True, [0]), (False, [])])
def test_stopped_while_networks_load_it_does_not_wait_for_the_interpreters_end(loads, ended, tmp_path, monkeypatch):
    """In which ONNX Runtime would abort, whose sessions a thread still makes."""
    loaded, ends = threading.Event(), []

    def load(settings: Settings) -> list[Reconstructor]:
        loaded.wait()
        return []

    monkeypatch.setenv("MPT_PORT", "0")
    monkeypatch.setenv("MPT_STORE_DIR", str(tmp_path / "meshes"))
    monkeypatch.setattr(service_main, "create_app", lambda settings: create_app(settings, load))
    monkeypatch.setattr(service_main, "serve", lambda app, _: app.state.services.engine.start() if loads else None)
    monkeypatch.setattr(service_main.logging_setup, "set_up", lambda *_: None)
    monkeypatch.setattr(service_main.logging, "shutdown", lambda: None)
    monkeypatch.setattr(service_main.os, "_exit", ends.append)
    main()
    loaded.set()
    assert ends == ended


@pytest.mark.slow
def test_killed_in_the_middle_of_writes_it_never_serves_a_broken_mesh(tmp_path: Path):
    """Kill -9 while eight clients post, three times; whatever lies in the folder then is served whole or not at all."""
    for turn in range(3):
        with served_at_once({"MPT_STORE_DIR": str(tmp_path), "MPT_CONCURRENCY": "8"}) as service:
            stop = threading.Event()

            def post_on(service: Served = service, stop: threading.Event = stop) -> None:
                with contextlib.suppress(httpx2.TransportError):
                    while not stop.is_set():
                        post(service)

            clients = [threading.Thread(target=post_on) for _ in range(8)]
            for client in clients:
                client.start()
            count = len(list(tmp_path.glob("*.person")))
            wait_for(lambda count=count: len(list(tmp_path.glob("*.person"))) > count + 20)
            time.sleep(0.013 * turn)
            service.process.kill()
            stop.set()
            for client in clients:
                client.join()
    with served_at_once({"MPT_STORE_DIR": str(tmp_path)}) as service:
        names = [path.stem for path in tmp_path.glob("*.person")]
        assert len(names) > 60
        for name in names:
            response = httpx2.get(f"{service.url}/mesh/{name}.glb")
            assert response.status_code == 200
            assert int.from_bytes(response.content[8:12], "little") == len(response.content)  # as its header says


def test_killed_in_the_middle_of_a_video_it_begins_anew(tmp_path: Path):
    frames = [np.full((48, 64, 3), 60 + 10 * index, np.uint8) for index in range(12)]
    clip = film(tmp_path / "clip.mp4", frames).read_bytes()
    settings = {"MPT_JOBS_DIR": str(tmp_path / "jobs"), "FAKE_SECONDS": "0.1"}
    with served_at_once(settings) as service:
        job = httpx2.post(f"{service.url}/videos", content=clip, headers={"Content-Type": "video/mp4"}).json()
        wait_for(lambda: httpx2.get(f"{service.url}/jobs/{job['id']}").json()["frames"] > 2)
        service.process.kill()
    with served_at_once(settings) as service:
        wait_for(lambda: httpx2.get(f"{service.url}/jobs/{job['id']}").json()["status"] == "succeeded")
        (glb, _) = httpx2.get(f"{service.url}/jobs/{job['id']}").json()["files"]
        assert len(httpx2.get(service.url + glb["url"]).content) == glb["bytes"]


@pytest.mark.parametrize(("host", "words"), [("127.0.0.1", "port {port} of 127.0.0.1"), ("192.0.2.1", "MPT_HOST")])
def test_a_place_that_cannot_be_had_is_said_at_once(host, words, monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("MPT_HOST", host)
        monkeypatch.setenv("MPT_PORT", str(port))
        monkeypatch.setattr("service.__main__.create_app", lambda _: pytest.fail("began to load"))
        assert main() == 2
    assert words.format(port=port) in capsys.readouterr().err
