"""Work that nobody waits for any more, and how it learns of that: between its stages, in whatever thread it runs."""

from __future__ import annotations

import contextvars
import threading


class Cancelled(Exception):
    """Nobody waits for the answer any more."""


class CancelToken:
    """Goes with one request's work; whoever gives the work up cancels it."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def cancel(self) -> None:
        self._event.set()


_NEVER = CancelToken()
current_token: contextvars.ContextVar[CancelToken] = contextvars.ContextVar("cancel_token", default=_NEVER)
"""Of the request that the current thread or task works for."""


def check_cancelled() -> None:
    """To be called between stages of work.

    Raises:
        Cancelled: the current request was given up.
    """
    if current_token.get().cancelled:
        raise Cancelled
