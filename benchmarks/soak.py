"""A soak: photos for minutes on end, while the service's memory is watched. Ends with status 1 if it grows.

`python -m benchmarks.soak --minutes 5`. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence

import httpx2
import numpy as np

from benchmarks.photo import BBOX, a_photo
from benchmarks.served import Served, served

MIB = 2**20


async def soak(service: Served, photo: bytes, clients: int, seconds: float) -> tuple[list[int], Counter[int]]:
    """Let so many clients send photos one after the other, and fetch each mesh.

    Returns:
        The service's memory in bytes, sampled a hundred times, and how often each HTTP status was met.
    """
    statuses: Counter[int] = Counter()
    memory: list[int] = []
    end = time.monotonic() + seconds

    async def send(client: httpx2.AsyncClient) -> None:
        while time.monotonic() < end:
            files = {"image": ("photo.jpg", photo)}
            response = await client.post(f"/reconstruct?bbox={BBOX}&vertices=true", files=files)
            statuses[response.status_code] += 1
            for person in response.json().get("people", []):
                for kind in ("glb", "obj"):
                    statuses[(await client.get(person["mesh"][kind])).status_code] += 1
            if response.status_code == 503:
                await asyncio.sleep(0.5)
            # Files that are no photos, and clients that leave, must not leak either.
            statuses[(await client.post("/reconstruct", files={"image": ("x", photo[:5000])})).status_code] += 1

    async with httpx2.AsyncClient(base_url=service.url, timeout=120) as client:
        sending = [asyncio.create_task(send(client)) for _ in range(clients)]
        while time.monotonic() < end:
            await asyncio.sleep(seconds / 100)
            memory.append(service.memory())
        await asyncio.gather(*sending)
    return memory, statuses


def growth(memory: Sequence[int]) -> float:
    """How much memory grew over the second half, in bytes, by a straight line: the first half warms caches up."""
    half = np.asarray(memory[len(memory) // 2 :], np.float64)
    return float(np.polyfit(np.arange(len(half)), half, 1)[0] * len(half))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a soak and print its memory; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--bound", type=float, default=16, help="MiB that the second half may add")
    parser.add_argument("--module", default="service", help="what to run, by python -m")
    options = parser.parse_args(arguments)
    with served(options.module, {"MPT_STORE_QUOTA_BYTES": str(64 * MIB)}) as service:
        memory, statuses = asyncio.run(soak(service, a_photo(), options.clients, 60 * options.minutes))
        for share in range(0, 101, 10):
            print(f"{share:3d} %  {memory[min(share, len(memory) - 1)] / MIB:7.1f} MiB")
        grown = growth(memory) / MIB
        counts = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
        print(f"{counts}; the second half added {grown:.1f} MiB, the bound is {options.bound:g}")
        return int(grown > options.bound or any(status >= 500 and status != 503 for status in statuses))


if __name__ == "__main__":
    sys.exit(main())
