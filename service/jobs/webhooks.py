"""Tells an address that a job has ended, signed by the rules of https://www.standardwebhooks.com.

`webhook-signature` is "v1," and the base64 of HMAC-SHA256, under the operator's secret, of
`<webhook-id>.<webhook-timestamp>.<body>`: who receives it compares, and refuses what is old.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

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


class Webhooks:
    """Calls addresses, again and again within bounds, until they answer 2xx."""

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.webhook_secret
        self._limits = outbound.Limits(settings.url_seconds, 2**16, settings.url_hosts)
        self._threads = ThreadPoolExecutor(_THREADS, "webhook")
        self._stopping = threading.Event()

    def send(self, url: str, identifier: str, body: bytes, told: Callable[[], None]) -> None:
        """Call an address soon, from another thread; `told` is called once it has answered, or was given up."""
        self._threads.submit(self._try, url, identifier, body, told)

    def stop(self) -> None:
        """Give up what waits for its next try; it is tried again when the service starts anew."""
        self._stopping.set()
        self._threads.shutdown(cancel_futures=True)

    def _try(self, url: str, identifier: str, body: bytes, told: Callable[[], None]) -> None:
        assert self._secret is not None
        for seconds in (*RETRY_SECONDS, None):
            now = int(time.time())
            headers = {
                "Content-Type": "application/json",
                "webhook-id": identifier,
                "webhook-timestamp": str(now),
                "webhook-signature": signature(self._secret.get_secret_value(), identifier, now, body),
            }
            try:
                outbound.post(url, body, headers, self._limits)
            except outbound.BadAddress as error:
                log.warning("The webhook of job %s was not heard: %s", identifier, error)
                if seconds is not None and self._stopping.wait(seconds):
                    return
            else:
                break
        told()
