"""HTTP/1.1 by uvicorn, with time limits for heads and for reading answers, and problems for what is no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.problems import problem

ENDING = "ending"
"""In the lifespan's state: an `asyncio.Event`, set once the service is told to stop. Uvicorn waits until all that was
begun is answered; what has no end of its own, such as server-sent events, ends by this."""

_DETAIL = "This is no well-formed HTTP/1.1 request, or its head has more than 64 KiB."


class Protocol(H11Protocol):
    """Reads requests by h11, which bounds the size of a request's head; httptools does not.

    A connection is closed whose head is not complete in time, or whose client takes nothing of an answer for long;
    uvicorn would wait for ever, with the answer in memory. Bodies are `service.http.upload_limits`' affair.
    """

    head_seconds, reading_seconds = 10.0, 120.0
    _head_end: asyncio.TimerHandle | None = None
    _reading_end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)  # else the last 16 KiB of an answer, or all of a small one, have no limit
        self._bound_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._bound_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._bound_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unbind_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unbind_reading()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        self.app_state[ENDING].set()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        response = problem(400, _DETAIL, headers={"Connection": "close"})
        events: list[Any] = [
            h11.Response(status_code=400, headers=response.raw_headers, reason=b"Bad Request"),
            h11.Data(data=bytes(response.body)),
            h11.EndOfMessage(),
        ]
        with contextlib.suppress(h11.LocalProtocolError):  # an answer is under way, which ends here
            for event in events:
                self.transport.write(self.conn.send(event))
        self.transport.close()

    def _bound_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            if self._head_end is not None:
                self._head_end.cancel()
                self._head_end = None
        elif self._head_end is None:
            self._head_end = self.loop.call_later(self.head_seconds, self.transport.close)

    def _bound_reading(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._reading_end = self.loop.call_later(self.reading_seconds, self._look_at_reading, left)

    def _look_at_reading(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._bound_reading()
        else:
            self.transport.abort()

    def _unbind_reading(self) -> None:
        if self._reading_end is not None:
            self._reading_end.cancel()
            self._reading_end = None
