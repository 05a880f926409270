"""What fitting and refining bodies costs: `python -m benchmarks.bodies`.

The people of the page's sample photo, alone and as a crowd of ten, on one thread: without their bodies, with them, and
with hands that are seen, in turns, so that all see the same machine. Times are CPU time of this thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from model.formats.photo import decode
from model.reconstructor import Reconstructor

_SAMPLE = Path(__file__).parents[1] / "service" / "static" / "sample.jpg"
_ROUNDS = 9
_CROWD = 10
_MAX_PIXELS = 10_000_000


def milliseconds(work: Callable[[], object]) -> float:
    """CPU time that this thread takes."""
    start = time.thread_time()
    work()
    return 1000 * (time.thread_time() - start)


def row(model: Reconstructor, photo: np.ndarray, people: int) -> str:
    """A line of the table: medians of milliseconds a person."""
    found = [person.bbox for person in model.reconstruct(photo, mesh="raw")]
    boxes = [found[index % len(found)] for index in range(people)]
    ask = partial(model.reconstruct, photo, boxes=boxes)
    work = [partial(ask, mesh="raw"), partial(ask, hands="off"), partial(ask, hands="auto")]
    times = np.array([[milliseconds(each) for each in work] for _ in range(_ROUNDS + 1)])[1:] / people
    raw, body, hands = np.median(times, axis=0)  # the first round warmed up
    fit, posing = np.median(np.diff(times, axis=1), axis=0)
    return f"| {people} | {raw:.1f} | {body:.1f} | {hands:.1f} | {fit:.1f} | {posing:.1f} |"


def main() -> None:
    """Print the table."""
    model = Reconstructor.load(device="cpu", threads=1)
    photo = decode(_SAMPLE.read_bytes(), _MAX_PIXELS).pixels
    print(f"{model.network.runtime}, milliseconds of one thread a person, without finding people\n")
    print("| people | raw | body | body and hands | the body alone | hands alone |")
    print("|---|---|---|---|---|---|")
    for people in (1, _CROWD):
        print(row(model, photo, people), flush=True)


if __name__ == "__main__":
    main()
