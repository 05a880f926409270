"""HTTP/1.1 by uvicorn, whose refusals of what is no HTTP are problems as well."""

from __future__ import annotations

import contextlib

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.problems import problem

_DETAIL = "This is no well-formed HTTP/1.1 request, or its head has more than 64 KiB."


class Protocol(H11Protocol):
    """Reads requests by h11, which bounds a request's head; httptools does not."""

    def send_400_response(self, msg: str) -> None:
        response = problem(400, _DETAIL, headers={"Connection": "close"})
        with contextlib.suppress(h11.LocalProtocolError):  # an answer is under way, which ends here
            for event in (
                h11.Response(status_code=400, headers=response.raw_headers, reason=b"Bad Request"),
                h11.Data(data=bytes(response.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
        self.transport.close()
