"""Our service against plain FastAPI and LitServe around the same model, and against the model without a server.

`python -m benchmarks.serving` starts them all, lets them take turns, and prints a table. One photo with one person a
request, from its bytes to the GLB in the store. Beside the wall clock, which other work on the machine distorts, it
gives the processor's time that a server, all its processes together, takes for a photo.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.contenders import CONTENDERS
from benchmarks.photo import a_photo

_START_SECONDS = 300.0
_BOUNDARY = "benchmark-7f1c"
_TICKS = os.sysconf("SC_CLK_TCK")


class Contender:
    """One of the servers, as a process of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contenders", name, str(self.port)],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if name == "engine" else subprocess.DEVNULL,
            start_new_session=True,  # its children are told by their session
            text=True,
        )

    def wait_until_ready(self, photo: bytes) -> None:
        """Returns once it answered a photo.

        Raises:
            RuntimeError: it ended, or took too long.
        """
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.name == "engine":
                    assert self.process.stdout is not None
                    if self.process.stdout.readline() == "ready\n":
                        return
                elif (status := post(self.connect(), photo)) == 200:
                    return
                elif status != 503:  # it will not get better
                    raise RuntimeError(f"{self.name} answers {status}.")
            except OSError:
                pass
            time.sleep(0.2)
        raise RuntimeError(f"{self.name} did not start.")

    def connect(self) -> http.client.HTTPConnection:
        """A connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def load(self, photo: bytes, clients: int, seconds: float) -> list[float]:
        """Seconds from each photo to its answer; as many clients ask again and again."""
        if self.name == "engine":
            assert self.process.stdin is not None and self.process.stdout is not None
            self.process.stdin.write(f"{clients} {seconds}\n")
            self.process.stdin.flush()
            answer: list[float] = json.loads(self.process.stdout.readline())
            return answer
        latencies: list[float] = []
        end = time.perf_counter() + seconds

        def ask() -> None:
            connection = self.connect()
            while (start := time.perf_counter()) < end:
                status = post(connection, photo)
                if status != 200:
                    raise RuntimeError(f"{self.name} answered {status}.")
                latencies.append(time.perf_counter() - start)

        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return latencies

    def cpu_seconds(self) -> float:
        """The processor's time of all its processes so far."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            if int(fields[3]) == self.process.pid:  # session
                ticks += int(fields[11]) + int(fields[12])
        return ticks / _TICKS

    def stop(self) -> None:
        """Ends all its processes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
        self.process.wait()


def post(connection: http.client.HTTPConnection, photo: bytes) -> int:
    """Sends a photo; the HTTP status. A client that costs little: it shares the machine with the servers."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="photo.jpg"\r\n\r\n'
    body = head.encode() + photo + f"\r\n--{_BOUNDARY}--\r\n".encode()
    connection.request("POST", "/reconstruct", body, {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"})
    response = connection.getresponse()
    response.read()
    return response.status


class Tally:
    """What one contender did with so many clients, over all rounds."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.rates: list[float] = []
        self.cpu = 0.0

    def add(self, latencies: list[float], seconds: float, cpu: float) -> None:
        self.latencies += latencies
        self.rates.append(len(latencies) / seconds)
        self.cpu += cpu

    def row(self, engine: Tally) -> str:
        """p50 and p95 in ms, photos a second, the share of the engine's own rate, processor's ms a photo."""
        p50, p95 = (1000 * float(np.percentile(self.latencies, percent)) for percent in (50, 95))
        # Rounds are compared one by one: the machine's other work changes from round to round.
        share = 100 * float(np.median(np.array(self.rates) / np.array(engine.rates)))
        cost, base = (1000 * tally.cpu / len(tally.latencies) for tally in (self, engine))
        return f"{p50:.0f} | {p95:.0f} | {np.mean(self.rates):.2f} | {share:.0f} % | {cost:.1f} ({cost - base:+.1f})"


def run(names: Sequence[str], photo: bytes, clients: Sequence[int], rounds: int, seconds: float) -> str:
    """The table."""
    contenders = [Contender(name) for name in names]
    tallies = {(name, count): Tally() for name in names for count in clients}
    try:
        for contender in contenders:
            contender.wait_until_ready(photo)
        for round_ in range(rounds + 1):
            for count in clients:
                for contender in contenders[round_ % len(names) :] + contenders[: round_ % len(names)]:
                    before, start = contender.cpu_seconds(), time.perf_counter()
                    latencies = contender.load(photo, count, seconds)
                    took, cpu = time.perf_counter() - start, contender.cpu_seconds() - before
                    if round_:  # the first one warms up
                        tallies[contender.name, count].add(latencies, took, cpu)
    finally:
        for contender in contenders:
            contender.stop()
    rows = ["| clients | server | p50, ms | p95, ms | photos/s | of the engine's rate | processor, ms a photo |"]
    rows.append("|---" * 7 + "|")
    for count in clients:
        for name in names:
            rows.append(f"| {count} | {name} | {tallies[name, count].row(tallies['engine', count])} |")
    return "\n".join(rows)


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--photo", type=Path, help="the photo to send; a drawn one by default")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="how long each turn takes")
    parser.add_argument("--servers", nargs="+", choices=sorted(CONTENDERS), default=list(CONTENDERS))
    arguments = parser.parse_args()
    names = ["engine", *(name for name in arguments.servers if name != "engine")]
    if "litserve" in names and importlib.util.find_spec("litserve") is None:
        print("LitServe is left out: `pip install litserve` brings it.", file=sys.stderr)
        names.remove("litserve")
    photo = arguments.photo.read_bytes() if arguments.photo else a_photo()
    print(run(names, photo, arguments.clients, arguments.rounds, arguments.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
