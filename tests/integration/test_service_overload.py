"""Four times as many photos as the service can take: it answers as many as before, and refuses the rest at once."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.load import Outcome, open_loop
from benchmarks.served import served
from benchmarks.soak import growth
from tests.support.service_client import photo

SECONDS = 0.4
CAPACITY = 2 / SECONDS
"""Two photos at a time."""


@pytest.mark.slow
def test_at_four_times_its_capacity_goodput_stays_and_nothing_is_lost():
    settings = {"FAKE_SECONDS": str(SECONDS), "MPT_CONCURRENCY": "2", "MPT_QUEUE_SIZE": "8"}
    with served("tests.support.fake_service", settings) as service:
        alone = asyncio.run(open_loop(service.url, photo(), "", CAPACITY, 8))
        crowded = asyncio.run(open_loop(service.url, photo(), "", 4 * CAPACITY, 12))
    print(f"{alone.goodput:.1f} answers a second, {crowded.goodput:.1f} at four times the capacity", crowded.statuses)
    assert crowded.statuses.keys() == {"200", "503"}
    assert crowded.statuses.total() == round(4 * CAPACITY * 12)
    # What was asked beyond the capacity cost little of it. The margin is for a machine that does other things, too.
    assert crowded.goodput > 0.7 * min(alone.goodput, CAPACITY)
    # Who was answered did not wait longer than the queue is long.
    assert crowded.percentile(95) < 4 * (2 + 8) * SECONDS


def test_percentiles_and_goodput():
    outcome = Outcome(seconds=10, latencies=[float(value) for value in range(100, 0, -1)])
    assert [outcome.percentile(percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert outcome.goodput == 10


def test_growth_is_that_of_the_second_half():
    assert growth([1000 * index for index in range(10)] + [5000] * 10) == pytest.approx(0, abs=1e-6)
    assert growth([0] * 50 + [100 * index for index in range(50)]) == pytest.approx(5000)
    under_way = [90_000 * (index % 5 > 0) for index in range(50)]  # which is gone now and then
    assert growth([0] * 50 + [100 * index + more for index, more in enumerate(under_way)]) == pytest.approx(5000)
