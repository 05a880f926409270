"""Threads for work that is not the networks', shared among clients: none may have them all, or keep others out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from service.inference.batcher import Overloaded, TooManyOfOne

Result = TypeVar("Result")


class SharedThreads:
    """One client has half of the threads at most, and of the places of what works or waits as many as are still free.

    So one alone has half of these, two in time a third each, and who comes next finds a place.

    Args:
        threads: How many there are.
        waiting: How much may wait for one.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, "intake")
        self._of_one, self._places = max(1, threads // 2), threads + waiting
        self._shares: dict[str, _Share] = {}

    async def run(self, client: str, work: Callable[[], Result]) -> Result:
        """Do a client's work in its turn.

        Raises:
            TooManyOfOne: The client has as much under way as one may have.
            Overloaded: There is as much as there may be.
        """
        free = self._places - sum(share.taken for share in self._shares.values())
        if free <= 0:
            raise Overloaded("The service is busy: too many photos are being read. Try again in a moment.")
        share = self._shares.setdefault(client, _Share(self._of_one))
        if share.taken >= free:
            raise TooManyOfOne(
                f"You ask for too much at once: {share.taken} of your photos by URL or in JSON are being read already. "
                "Send the next when one of them was answered."
            )
        share.taken += 1
        try:
            await share.turns.acquire()
        except BaseException:
            self._leave(client)
            raise

        def done(work: asyncio.Future[Result]) -> None:
            share.turns.release()
            self._leave(client)
            if not work.cancelled():
                work.exception()  # heard, though its client may have left

        submitted = self._threads.submit(work)
        working = asyncio.ensure_future(asyncio.wrap_future(submitted))
        working.add_done_callback(done)
        try:
            return await asyncio.shield(working)  # a thread is taken until its work is done, though nobody waits for it
        except asyncio.CancelledError:
            submitted.cancel()  # what no thread has begun yet is not done
            raise

    def _leave(self, client: str) -> None:
        self._shares[client].taken -= 1
        if not self._shares[client].taken:
            del self._shares[client]


class _Share:
    """What one client has."""

    def __init__(self, threads: int) -> None:
        self.taken, self.turns = 0, asyncio.Semaphore(threads)
