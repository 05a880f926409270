"""Buckets of tokens, worked by hand."""

from __future__ import annotations

from service.http import rate_limit
from service.http.rate_limit import RateLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_and_then_one_after_the_other():
    clock = Clock()
    limit = RateLimit(per_minute=6, burst=3, clock=clock)
    assert [limit.take("a") for _ in range(5)] == [0, 0, 0, 10, 10]
    assert limit.take("b") == 0  # has a bucket of its own
    clock.now += 4
    assert limit.take("a") == 6
    clock.now += 6
    assert [limit.take("a"), limit.take("a")] == [0, 10]
    clock.now += 1e6  # never more than a bucket
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 10]


def test_what_was_more_work_is_owed():
    clock = Clock()
    limit = RateLimit(per_minute=60, burst=2, clock=clock)
    assert limit.take("a") == 0
    limit.charge("a", 4)
    assert limit.take("a") == 4
    clock.now += 4
    assert limit.take("a") == 0


def test_without_a_limit_there_is_none():
    limit = RateLimit(None, 1)
    assert not any(limit.take("a") for _ in range(1000))


def test_buckets_are_bounded(monkeypatch):
    monkeypatch.setattr(rate_limit, "MAX_CLIENTS", 2)
    limit = RateLimit(per_minute=1, burst=1, clock=Clock())
    for client in "abc":
        assert limit.take(client) == 0
    assert (limit.take("c") > 0, limit.take("a")) == (True, 0)
