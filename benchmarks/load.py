"""An open-loop load test: photos arrive at fixed rates, whether or not earlier ones were answered.

`python -m benchmarks.load --rates 2 5 10` starts the service and prints a row a rate; `--url` takes one that runs.
Latency counts from when a photo was due, not from when a busy client got round to sending it.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from benchmarks.photo import BBOX, a_photo
from benchmarks.served import served


@dataclass
class Outcome:
    """What became of the photos of one run."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds, of the photos that were answered."""
    statuses: Counter[str] = field(default_factory=Counter)
    """How many photos met each HTTP status; "lost" without an answer."""

    def percentile(self, percent: float) -> float:
        """The latency in seconds that so many percent of the answers stay below; NaN without answers."""
        ordered = sorted(self.latencies)
        return ordered[math.ceil(percent / 100 * len(ordered)) - 1] if ordered else math.nan

    @property
    def goodput(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


async def open_loop(url: str, photo: bytes, query: str, rate: float, seconds: float) -> Outcome:
    """Send photos at a fixed rate and wait for every answer.

    Args:
        url: The service's address.
        photo: The file to send.
        query: The query of POST /reconstruct, without the question mark.
        rate: Photos a second.
        seconds: How long to send.
    """
    outcome = Outcome()
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
    async with httpx2.AsyncClient(base_url=url, timeout=120, limits=limits) as client:

        async def send(due: float) -> None:
            try:
                response = await client.post(f"/reconstruct?{query}", files={"image": ("photo.jpg", photo)})
            except httpx2.TransportError:
                outcome.statuses["lost"] += 1
                return
            outcome.statuses[str(response.status_code)] += 1
            if response.status_code == 200:
                outcome.latencies.append(time.perf_counter() - due)

        start = time.perf_counter()
        tasks = []
        for index in range(round(rate * seconds)):
            due = start + index / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(send(due)))
        await asyncio.gather(*tasks)
        outcome.seconds = time.perf_counter() - start
    return outcome


def main(arguments: Sequence[str] | None = None) -> None:
    """Print percentiles of the latency at each rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a service that runs; else one is started")
    parser.add_argument("--rates", type=float, nargs="+", default=[1, 2, 4, 8], help="photos a second")
    parser.add_argument("--seconds", type=float, default=20, help="how long to send at each rate")
    parser.add_argument("--photo", type=Path, help="the photo to send; else one drawn person, with her box")
    options = parser.parse_args(arguments)
    photo = options.photo.read_bytes() if options.photo else a_photo()
    query = "" if options.photo else f"bbox={BBOX}"
    with nullcontext() if options.url else served() as service:
        url = service.url if service else options.url
        asyncio.run(open_loop(url, photo, query, 1, 5))  # warm up
        print("rate/s  answers/s  p50 ms  p95 ms  p99 ms  statuses")
        for rate in options.rates:
            outcome = asyncio.run(open_loop(url, photo, query, rate, options.seconds))
            p50, p95, p99 = (1000 * outcome.percentile(percent) for percent in (50, 95, 99))
            statuses = ", ".join(f"{count} x {status}" for status, count in sorted(outcome.statuses.items()))
            print(f"{rate:6g}  {outcome.goodput:9.2f}  {p50:6.0f}  {p95:6.0f}  {p99:6.0f}  {statuses}", flush=True)


if __name__ == "__main__":
    main()
