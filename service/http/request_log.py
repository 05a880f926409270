"""Gives each request an id, counts it, times it, logs it, and answers for what failed within."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import metrics
from service.http.logging_setup import REQUEST_ID, request_id
from service.inference.cancellation import Cancelled
from service.problems import failed

log = logging.getLogger(__name__)

# Whoever sends other words shall not fill the metrics.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_GONE = 499  # nginx's number for a client that did not wait for the answer


class Observe:
    """Counts, times and logs every request, and returns its id as X-Request-ID."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, started = _GONE, time.perf_counter()
        identifier = request_id(Headers(scope=scope).get("x-request-id"))
        token = REQUEST_ID.set(identifier)
        metrics.IN_FLIGHT.inc()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = identifier
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except (Cancelled, ClientDisconnect):  # nobody waits for an answer
            pass
        except Exception as error:
            log.exception("The request failed")
            if status != _GONE:  # too late for another answer; the server cuts this one off
                raise
            await failed(error)(scope, receive, send_and_note)
        finally:
            metrics.IN_FLIGHT.dec()
            _note(scope, status, time.perf_counter() - started)
            REQUEST_ID.reset(token)


def _note(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "other"
    # The route's pattern, not the path: paths are without number.
    route = getattr(scope.get("route"), "path", "other")
    metrics.REQUESTS.labels(method, route, str(status)).inc()
    metrics.REQUEST_SECONDS.labels(route).observe(seconds)
    path = scope.get("raw_path", b"").decode("ascii", "backslashreplace")[:200]  # still %-encoded: no line breaks
    milliseconds = round(1000 * seconds, 1)
    asked_by_machines = status == 200 and (route == "/metrics" or route.startswith("/v2/health/"))
    log.log(
        logging.DEBUG if asked_by_machines else logging.INFO,
        "%s %s %d %.1f ms",
        method,
        path,
        status,
        milliseconds,
        extra={"fields": {"method": method, "path": path, "route": route, "status": status, "ms": milliseconds}},
    )
