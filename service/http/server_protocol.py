"""HTTP/1.1 by uvicorn, with time limits for heads and for reading answers, and problems for what is no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, cast

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

    Who is answered before all of a body is there may go on sending for a while, to nobody: most clients read only once
    they have sent all, and were the connection closed, the system would throw away the answer that they have not read.
    """

    head_seconds, reading_seconds, rest_seconds = 10.0, 120.0, 30.0
    most_connections = 512
    """Beyond it those give way of which nothing is wanted but that they go on, the longest silent first."""
    _head_end: asyncio.TimerHandle | None = None
    _reading_end: asyncio.TimerHandle | None = None
    _rest_end: asyncio.TimerHandle | None = None
    _given_up = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._lingering = _Lingering(transport, lambda: self.conn.their_state in (h11.SEND_BODY, h11.ERROR))
        super().connection_made(cast(asyncio.Transport, self._lingering))
        self._heard = self.loop.time()
        self._make_room()
        transport.set_write_buffer_limits(0)  # else the last 16 KiB of an answer, or all of a small one, have no limit
        self._bound_head()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._heard = self.loop.time()
        super().data_received(data)
        self._bound_head()
        self._bound_rest()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._bound_rest()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._bound_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unbind_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unbind_reading()
        self._unbind_rest()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        self.app_state[ENDING].set()
        if self.transport.is_closing():
            self.transport.close()
        else:
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
        self._bound_rest()
        if self.cycle is not None and not self.cycle.response_complete:  # who waits for the rest of the body
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _make_room(self) -> None:
        if len(self.connections) > self.most_connections:
            others = (other for other in self.connections if isinstance(other, Protocol) and other is not self)
            idle = [other for other in others if other._gives_way()]
            if idle:
                longest = min(idle, key=lambda other: other._heard)
                longest._given_up = True  # it counts until the loop's next round, and several come in one
                longest.transport.abort()

    def _gives_way(self) -> bool:
        return not self._given_up and bool(self._head_end or self._rest_end or self._reading_end)

    def _bound_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            if self._head_end is not None:
                self._head_end.cancel()
                self._head_end = None
        elif self._head_end is None:
            self._head_end = self.loop.call_later(self.head_seconds, self.transport.close)

    def _bound_rest(self) -> None:
        answered = self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
        if not (answered or self._lingering.lingers):
            self._unbind_rest()
        elif self._rest_end is None:
            self._rest_end = self.loop.call_later(self.rest_seconds, self.transport.abort)

    def _unbind_rest(self) -> None:
        if self._rest_end is not None:
            self._rest_end.cancel()
            self._rest_end = None

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


class _Lingering:
    """A transport that stops to write, but goes on reading, where it is to be closed while something still comes."""

    def __init__(self, transport: asyncio.Transport, comes: Callable[[], bool]) -> None:
        self._transport, self._comes, self.lingers = transport, comes, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing() or not self._comes():
            self._transport.close()
        else:
            self.lingers = True
            with contextlib.suppress(OSError):  # whoever was there has just gone
                self._transport.write_eof()
            self._transport.resume_reading()  # which stops where a body is not taken
