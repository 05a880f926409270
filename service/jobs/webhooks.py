"""Tells an address that a job has ended, signed by the rules of https://www.standardwebhooks.com.

`webhook-signature` is "v1," and the base64 of HMAC-SHA256, under the operator's secret, of
`<webhook-id>.<webhook-timestamp>.<body>`: who receives it compares, and refuses what is old.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from service.http import outbound
from service.settings import Settings

log = logging.getLogger(__name__)

RETRY_SECONDS = (1.0, 5.0, 25.0, 125.0)
"""Waited between one try and the next; then it is given up."""
_THREADS = 4


def signature(secret: str, identifier: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


@dataclass(order=True)
class _Call:
    due: float
    """On the monotonic clock."""
    tries: int
    url: str = field(compare=False)
    job: str = field(compare=False)
    body: bytes = field(compare=False)
    told: Callable[[], None] = field(compare=False)


class Webhooks:
    """Calls addresses, again and again within bounds, until they answer 2xx.

    What waits for its next try holds up no other: a receiver that fails costs no more than the time of its answers.
    """

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.webhook_secret
        self._limits = outbound.Limits(settings.url_seconds, 2**16, settings.url_hosts)
        self._calls: list[_Call] = []  # a heap
        self._changed = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def send(self, url: str, identifier: str, body: bytes, told: Callable[[], None]) -> None:
        """Call an address soon, from another thread; `told` is called once it has answered, or was given up."""
        self._add(_Call(time.monotonic(), 0, url, identifier, body, told))
        if not self._threads:
            self._threads = [threading.Thread(target=self._work, name="webhook", daemon=True) for _ in range(_THREADS)]
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """Give up what waits for its next try; it is tried again when the service starts anew."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _add(self, call: _Call) -> None:
        with self._changed:
            heapq.heappush(self._calls, call)
            self._changed.notify()

    def _work(self) -> None:
        while (call := self._next()) is not None:
            try:
                self._make(call)
            except outbound.BadAddress as error:
                log.warning("The webhook of job %s was not heard: %s", call.job, error)
                if call.tries < len(RETRY_SECONDS):
                    due = time.monotonic() + RETRY_SECONDS[call.tries]
                    self._add(replace(call, due=due, tries=call.tries + 1))
                    continue
            except Exception:  # of ours; the thread is needed for others
                log.exception("The webhook of job %s failed", call.job)
            call.told()

    def _next(self) -> _Call | None:
        """The next call, once it is due; None if there is none any more."""
        with self._changed:
            while not self._stopping:
                left = self._calls[0].due - time.monotonic() if self._calls else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._calls)
                self._changed.wait(left)
        return None

    def _make(self, call: _Call) -> None:
        assert self._secret is not None
        now = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": call.job,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(self._secret.get_secret_value(), call.job, now, call.body),
        }
        outbound.post(call.url, call.body, headers, self._limits)
