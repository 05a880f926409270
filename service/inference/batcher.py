"""Gathers what many threads ask for into batches: while the network is busy others come, and go together next."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar, cast

from model.errors import MPTError
from service.inference.cancellation import Cancelled, current_token

Item = TypeVar("Item")
Result = TypeVar("Result")


class Overloaded(MPTError):
    """As many photos wait as may wait."""


class TooManyOfOne(MPTError):
    """One client has as much under way as one may have."""


class _Ticket(Generic[Item, Result]):
    """One call's place in the queue."""

    def __init__(self, item: Item, size: int, kind: Hashable) -> None:
        self.item, self.size, self.kind = item, size, kind
        self.token = current_token.get()
        self.done = False
        self.result: Result | None = None
        self.error: Exception | None = None

    def finish(self, result: Result | None = None, error: Exception | None = None) -> None:
        self.result, self.error, self.done = result, error, True


class Batcher(Generic[Item, Result]):
    """Makes batches of calls from many threads, each of which blocks until its own result is there.

    One batch runs at a time, in the thread of one of those who wait for it: a lone caller pays nothing for the batcher.
    A batch that fails is tried again item by item, so that only those fail who do so alone.

    Args:
        run: Answers a list of items with as many results; called by one thread at a time.
        max_size: Largest sum of sizes in a batch; an item that is larger goes alone.
        max_wait: Seconds that a batch may wait to become full. Nobody waits who is alone: only if the batch before
            had company.
        max_waiting: How many items may wait.
        on_batch: Told each batch's size.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Sequence[Result]],
        max_size: int,
        max_wait: float = 0.0,
        max_waiting: int = 1024,
        on_batch: Callable[[int], object] = lambda size: None,
    ) -> None:
        self._run, self._max_size, self._max_wait, self._max_waiting = run, max_size, max_wait, max_waiting
        self._on_batch = on_batch
        self._queue: deque[_Ticket[Item, Result]] = deque()
        self._changed = threading.Condition()
        self._busy = self._crowded = False

    def __call__(self, item: Item, size: int = 1, kind: Hashable = None) -> Result:
        """Answer one item, as part of a batch.

        Args:
            item: What `run` takes.
            size: How much of a batch it fills.
            kind: Only items of one kind share a batch.

        Raises:
            Overloaded: As many items wait as may wait.
            Cancelled: Nobody waits for this item any more; it was not run.
            Exception: What `run` raised for this item.
        """
        ticket: _Ticket[Item, Result] = _Ticket(item, size, kind)
        with self._changed:
            if len(self._queue) >= self._max_waiting:
                raise Overloaded("The service is busy: too many photos wait already. Try again in a moment.")
            self._queue.append(ticket)
            self._changed.notify_all()  # a batch may wait to become full
        while self._must_run(ticket):
            with self._changed:
                batch = self._next_batch()
            try:
                self._answer(batch)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
        if ticket.error is not None:
            raise ticket.error
        return cast(Result, ticket.result)

    def _must_run(self, ticket: _Ticket[Item, Result]) -> bool:
        """Waits until the ticket is done, or nobody is at work: then this thread is the one that runs a batch."""
        with self._changed:
            self._changed.wait_for(lambda: ticket.done or not self._busy)
            if ticket.done:
                return False
            self._busy = True
            return True

    def _next_batch(self) -> list[_Ticket[Item, Result]]:
        """Takes the first item and those of its kind that fit beside it; holds the lock but while it waits."""
        end = time.monotonic() + (self._max_wait if self._crowded else 0.0)
        while sum(ticket.size for ticket in self._queue) < self._max_size:
            if not self._changed.wait(max(0.0, end - time.monotonic())):
                break
        batch: list[_Ticket[Item, Result]] = []
        left: deque[_Ticket[Item, Result]] = deque()
        for ticket in self._queue:
            if ticket.token.cancelled:
                ticket.finish(error=Cancelled())
            elif not batch or (
                ticket.kind == batch[0].kind and ticket.size + sum(t.size for t in batch) <= self._max_size
            ):
                batch.append(ticket)
            else:
                left.append(ticket)
        self._queue, self._crowded = left, len(batch) > 1
        return batch

    def _answer(self, batch: list[_Ticket[Item, Result]]) -> None:
        if not batch:
            return
        self._on_batch(sum(ticket.size for ticket in batch))
        try:
            results = self._run([ticket.item for ticket in batch])
            for ticket, result in zip(batch, results, strict=True):
                ticket.finish(result)
        except Exception as error:
            if len(batch) == 1:
                batch[0].finish(error=error)
            else:
                for ticket in batch:
                    self._answer([ticket])
        finally:  # whatever ended this thread shall not keep the others waiting for ever
            for ticket in batch:
                if not ticket.done:
                    ticket.finish(error=RuntimeError("The batch was given up."))
