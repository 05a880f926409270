"""The same work behind different servers: ours, plain FastAPI, LitServe, and no server at all.

`python -m benchmarks.contenders NAME` runs one. All of them call the service's own pipeline on the same models with the
same settings, so that they differ in nothing but how requests reach it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from fastapi import FastAPI, Response, UploadFile

from benchmarks.photo import a_photo
from benchmarks.work import Work
from service.inference.engine import Engine
from service.settings import Settings


def fastapi(port: int) -> None:
    """What one writes first: a route that is a function, in FastAPI's own threads."""
    import uvicorn

    work, app = Work(), FastAPI()

    @app.post("/reconstruct")
    def route(image: UploadFile) -> Response:
        return Response(work(image.file.read()), media_type="application/json")

    uvicorn.run(app, port=port, log_level="warning")


def litserve(port: int) -> None:
    """LitServe as its documentation shows it: one worker process beside the server."""
    from benchmarks.litserve_api import serve

    serve(port)


def ours(port: int) -> None:
    """The service."""
    from service.__main__ import serve
    from service.app import create_app
    from service.http import logging_setup

    folder = Path(tempfile.mkdtemp(prefix="mpt-benchmark-"))
    settings = Settings(port=port, store_dir=folder, store_quota_bytes=256 * 2**20, queue_size=64, log_level="warning")
    logging_setup.set_up(settings.log_level, settings.log_format)
    serve(create_app(settings), settings)


def engine(_: int) -> None:
    """No server: reads "clients seconds" from its input, works on the photo that long, and prints its latencies."""
    settings, photo, work = Settings(), a_photo(), Work()
    runner = Engine(lambda: [], settings.concurrency, 64)

    async def client(end: float, latencies: list[float]) -> None:
        while (start := time.perf_counter()) < end:
            await runner.run(partial(work, photo))
            latencies.append(time.perf_counter() - start)

    async def main(clients: int, seconds: float) -> list[float]:
        latencies: list[float] = []
        end = time.perf_counter() + seconds
        await asyncio.gather(*(client(end, latencies) for _ in range(clients)))
        return latencies

    print("ready", flush=True)
    for line in sys.stdin:
        clients, seconds = line.split()
        print(json.dumps(asyncio.run(main(int(clients), float(seconds)))), flush=True)


CONTENDERS = {"engine": engine, "ours": ours, "fastapi": fastapi, "litserve": litserve}


if __name__ == "__main__":
    CONTENDERS[sys.argv[1]](int(sys.argv[2]) if len(sys.argv) > 2 else 0)
