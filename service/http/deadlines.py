"""How long an answer is worth working on: until its deadline, and while its client waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from service.inference.cancellation import Cancelled
from service.inference.engine import DeadlineExceeded

Result = TypeVar("Result")


async def answer_in_time(work: Coroutine[Any, Any, Result], request: Request, seconds: float) -> Result:
    """Await `work`, but no longer than its client does, and `seconds` at most.

    Work that is given up is cancelled: what waits in the queue frees its place at once, and what a thread has begun
    comes to its end there.

    Args:
        work: Gives the answer.
        request: The client's, whose body has arrived.
        seconds: The deadline.

    Raises:
        DeadlineExceeded: The time is over.
        Cancelled: The client closed the connection.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_until_gone(request))
    try:
        done, _ = await asyncio.wait({working, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if working in done:
            return working.result()
        if leaving in done:
            raise Cancelled
        raise late(seconds)
    finally:
        leaving.cancel()
        working.cancel()
        working.add_done_callback(_note_error)


def late(seconds: float) -> DeadlineExceeded:
    """The error of what was not answered in time."""
    return DeadlineExceeded(
        f"This photo could not be answered within {seconds:g} seconds: the service has too much to do. Try again later."
    )


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _note_error(task: asyncio.Future[Any]) -> None:
    """Take note of an error that nobody waits for, or asyncio complains."""
    if not task.cancelled():
        task.exception()
