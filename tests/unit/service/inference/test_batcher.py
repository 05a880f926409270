"""Calls from many threads in one batch: bounds, failures, people who went away."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from service.inference.batcher import Batcher, Overloaded
from service.inference.cancellation import Cancelled, CancelToken, current_token
from tests.support.waiting import wait_for


class Doubler:
    """Doubles numbers once it may go; notes the batches. Fails on a batch that holds a number it was told of."""

    def __init__(self) -> None:
        self.go, self.began = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []
        self.fails: set[int] = set()
        self.running = 0

    def __call__(self, numbers: list[int]) -> list[int]:
        self.running += 1
        assert self.running == 1, "one batch at a time"
        self.batches.append(list(numbers))
        self.began.set()
        try:
            assert self.go.wait(30)
            if self.fails & {*numbers}:
                raise ValueError(f"{sorted(self.fails & {*numbers})}")
            return [2 * number for number in numbers]
        finally:
            self.running -= 1


@pytest.fixture
def doubler() -> Doubler:
    return Doubler()


@pytest.fixture
def threads() -> ThreadPoolExecutor:
    with ThreadPoolExecutor(64) as pool:
        yield pool


def ask(threads: ThreadPoolExecutor, batcher: Batcher[int, int], *items: tuple) -> list[Future[int]]:
    """Calls from one thread each, which come in this order."""
    futures = []
    for item in items:
        before = len(batcher._queue)
        futures.append(threads.submit(batcher, *item))
        wait_for(lambda before=before: len(batcher._queue) > before)
    return futures


def busy(threads: ThreadPoolExecutor, batcher: Batcher[int, int], doubler: Doubler) -> Future[int]:
    """Keeps the batcher busy with the number 0."""
    first = threads.submit(batcher, 0)
    assert doubler.began.wait(30)
    return first


def test_a_lone_caller_is_answered_at_once_in_its_own_thread(doubler: Doubler) -> None:
    doubler.go.set()
    batcher = Batcher(doubler, 8, max_wait=30.0)
    ran_in = []
    batcher._run = lambda numbers: [ran_in.append(threading.get_ident()) or number for number in numbers]
    start = time.monotonic()
    assert batcher(21) == 21
    assert time.monotonic() - start < 10
    assert ran_in == [threading.get_ident()]


def test_who_comes_while_it_is_busy_goes_together_next(threads: ThreadPoolExecutor, doubler: Doubler) -> None:
    sizes: list[int] = []
    batcher = Batcher(doubler, 8, on_batch=sizes.append)
    first = busy(threads, batcher, doubler)
    others = ask(threads, batcher, (1,), (2,), (3,))
    doubler.go.set()
    assert first.result(30) == 0
    assert [future.result(30) for future in others] == [2, 4, 6]
    assert doubler.batches == [[0], [1, 2, 3]]
    assert sizes == [1, 3]


def test_no_batch_exceeds_its_size_and_all_are_answered_in_order(threads: ThreadPoolExecutor, doubler: Doubler) -> None:
    batcher = Batcher(doubler, 4)
    busy(threads, batcher, doubler)
    sizes = [2, 1, 3, 9, 1, 2]  # 9 is more than a batch takes
    futures = ask(threads, batcher, *((index + 1, size) for index, size in enumerate(sizes)))
    doubler.go.set()
    assert [future.result(30) for future in futures] == [2, 4, 6, 8, 10, 12]
    # What does not fit waits; what fits may pass it.
    assert doubler.batches == [[0], [1, 2, 5], [3], [4], [6]]


def test_kinds_do_not_mix(threads: ThreadPoolExecutor, doubler: Doubler) -> None:
    batcher = Batcher(doubler, 8)
    busy(threads, batcher, doubler)
    futures = ask(threads, batcher, (1, 1, "wide"), (2, 1, "high"), (3, 1, "wide"))
    doubler.go.set()
    assert [future.result(30) for future in futures] == [2, 4, 6]
    assert doubler.batches == [[0], [1, 3], [2]]


def test_a_failed_batch_fails_only_who_fails_alone(threads: ThreadPoolExecutor, doubler: Doubler) -> None:
    doubler.fails = {2}
    batcher = Batcher(doubler, 8)
    busy(threads, batcher, doubler)
    one, two, three = ask(threads, batcher, (1,), (2,), (3,))
    doubler.go.set()
    assert one.result(30) == 2 and three.result(30) == 6
    with pytest.raises(ValueError, match=r"\[2\]"):
        two.result(30)
    assert batcher(4) == 8  # and it goes on


def test_a_run_that_answers_too_few_is_an_error_of_each(threads: ThreadPoolExecutor) -> None:
    batcher: Batcher[int, int] = Batcher(lambda numbers: [], 8)
    with pytest.raises(ValueError, match="zip"):
        batcher(1)


def test_who_went_away_is_not_run(threads: ThreadPoolExecutor, doubler: Doubler) -> None:
    token = CancelToken()

    def call(number: int) -> int:
        current_token.set(token)
        return batcher(number)

    batcher = Batcher(doubler, 8)
    busy(threads, batcher, doubler)
    leaver = threads.submit(call, 1)
    wait_for(lambda: len(batcher._queue) == 1)
    (stayer,) = ask(threads, batcher, (2,))
    token.cancel()
    doubler.go.set()
    assert stayer.result(30) == 4
    with pytest.raises(Cancelled):
        leaver.result(30)
    assert doubler.batches == [[0], [2]]


def test_the_queue_is_bounded(threads: ThreadPoolExecutor, doubler: Doubler) -> None:
    batcher = Batcher(doubler, 1, max_waiting=2)
    busy(threads, batcher, doubler)
    waiting = ask(threads, batcher, (1,), (2,))
    with pytest.raises(Overloaded, match="busy"):
        batcher(3)
    doubler.go.set()
    assert [future.result(30) for future in waiting] == [2, 4]
    assert batcher(3) == 6


def test_a_batch_waits_for_company_only_after_one_that_had_some(threads: ThreadPoolExecutor, doubler: Doubler) -> None:
    doubler.go.set()
    batcher = Batcher(doubler, 2, max_wait=30.0)
    start = time.monotonic()
    assert batcher(1) == 2
    assert time.monotonic() - start < 10  # alone: no wait
    batcher._crowded = True
    first = threads.submit(batcher, 2)
    wait_for(lambda: len(batcher._queue) == 1)
    time.sleep(0.05)
    assert not first.done()
    assert batcher(3) == 6  # it fills the batch, which then goes at once
    assert first.result(10) == 4
    assert doubler.batches == [[1], [2, 3]]


def test_the_wait_is_bounded(doubler: Doubler) -> None:
    doubler.go.set()
    batcher = Batcher(doubler, 8, max_wait=0.2)
    batcher._crowded = True
    start = time.monotonic()
    assert batcher(1) == 2
    assert 0.2 <= time.monotonic() - start < 10


def test_many_threads_each_get_their_own_answer(threads: ThreadPoolExecutor) -> None:
    sizes: list[int] = []

    def run(numbers: list[int]) -> list[int]:
        time.sleep(0.001)
        return [number + 1 for number in numbers]

    batcher = Batcher(run, 16, max_wait=0.002, on_batch=sizes.append)
    assert list(threads.map(batcher, range(500))) == list(range(1, 501))
    assert sum(sizes) == 500 and max(sizes) <= 16
    assert len(sizes) < 250  # they did go together
