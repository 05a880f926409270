"""Threads that read and fetch photos are shared fairly among clients."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading

import pytest

from service.inference.batcher import Overloaded, TooManyOfOne
from service.shared_threads import SharedThreads


def test_a_client_whose_servers_are_slow_holds_up_no_other():
    pool, slow = SharedThreads(threads=4, waiting=4), threading.Event()

    async def main() -> None:
        held = [asyncio.create_task(pool.run("a", slow.wait)) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyOfOne, match="4 of your photos"):
            await pool.run("a", slow.wait)
        assert await asyncio.wait_for(pool.run("b", lambda: 7), 5) == 7
        held += [asyncio.create_task(pool.run(name, slow.wait)) for name in "cdef"]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await pool.run("b", lambda: 7)
        slow.set()
        await asyncio.gather(*held)
        assert await pool.run("b", lambda: 7) == 7

    asyncio.run(main())


def test_who_leaves_keeps_the_threads_that_still_work_for_her_and_no_more():
    """Or one client had all threads by asking and leaving."""
    pool, slow = SharedThreads(threads=4, waiting=4), threading.Event()

    async def main() -> None:
        for _ in range(6):  # two threads, and then four whose turn does not come
            task = asyncio.create_task(pool.run("a", slow.wait))
            await asyncio.sleep(0.01)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert await asyncio.wait_for(pool.run("b", lambda: 7), 5) == 7
        slow.set()
        assert await asyncio.wait_for(pool.run("a", lambda: 8), 5) == 8

    asyncio.run(main())


def test_what_waits_for_who_has_left_is_never_begun():
    pool, slow, begun = SharedThreads(threads=2, waiting=6), threading.Event(), []

    async def main() -> None:
        held = [asyncio.create_task(pool.run(name, slow.wait)) for name in "ab"]
        await asyncio.sleep(0)
        left = asyncio.create_task(pool.run("c", lambda: begun.append("c")))
        await asyncio.sleep(0.01)
        left.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await left
        slow.set()
        await asyncio.gather(*held)
        assert await pool.run("c", lambda: 8) == 8

    asyncio.run(main())
    assert begun == []


def test_a_few_who_ask_for_all_leave_places():
    pool, slow = SharedThreads(threads=4, waiting=8), threading.Event()

    async def asks(client: str) -> int:
        """How much is taken of a client who asks for more than there is."""
        asked = [asyncio.ensure_future(pool.run(client, slow.wait)) for _ in range(20)]
        refused, taken = await asyncio.wait(asked, timeout=0.01)
        assert all(isinstance(task.exception(), TooManyOfOne) for task in refused)
        return len(taken)

    async def main() -> None:
        taken = [await asks(client) for client in "abc"]
        slow.set()
        assert taken == [6, 3, 2]  # of twelve

    asyncio.run(main())


def test_work_that_fails_once_its_client_has_left_is_no_error_of_the_service():
    pool, slow, errors = SharedThreads(threads=2, waiting=2), threading.Event(), list[dict]()

    def fail() -> None:
        slow.wait()
        raise OSError("the server hung up")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        task = asyncio.create_task(pool.run("a", fail))
        await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        slow.set()
        assert await asyncio.wait_for(pool.run("a", lambda: 8), 5) == 8  # in its turn, after the one that failed
        gc.collect()

    asyncio.run(main())
    assert not errors
