"""A web server of the test's own, with manners good and bad."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Visit:
    """What a client asked for."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.method, self.path, self.headers = handler.command, handler.path, dict(handler.headers)
        self.body = handler.rfile.read(int(self.headers.get("Content-Length", 0)))


class Server(ThreadingHTTPServer):
    """Answers by `pages`: a path's bytes, or a function of the handler, which writes what it likes."""

    daemon_threads = True

    def __init__(self, pages: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages = pages
        self.visits: list[Visit] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.visits.append(Visit(self))
        page = self.server.pages.get(self.path)
        with contextlib.suppress(OSError):
            if callable(page):
                page(self)
            elif page is None:
                self.send_error(404)
            else:
                whole(self, page)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


def whole(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def redirect(to: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return page


def trickle(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then, for ever."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


def trickle_head(handler: BaseHTTPRequestHandler) -> None:
    """A head that never ends."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X: y\r\n")
        time.sleep(0.05)


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(2**16))


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Less than it announces."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x" * 10)
    handler.close_connection = True


@contextlib.contextmanager
def web_server(pages: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]]) -> Iterator[Server]:
    server = Server(pages)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
