"""What fitting and refining bodies costs: `python -m benchmarks.bodies`.

The people of the page's sample photo, alone and as a crowd of ten, on one thread, with and without their bodies in
turns, so that both see the same machine; times are CPU time of this thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from model.formats.photo import decode
from model.reconstructor import MeshKind, Reconstructor

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
    kinds: tuple[MeshKind, ...] = ("raw", "body")
    work = [partial(model.reconstruct, photo, boxes=boxes, mesh=kind) for kind in kinds]
    times = np.array([[milliseconds(each) for each in work] for _ in range(_ROUNDS + 1)])[1:]  # the first warms up
    raw, body = np.median(times, axis=0) / people
    more = np.median(times[:, 1] - times[:, 0]) / people
    return f"| {people} | {raw:.1f} | {body:.1f} | {more:.1f} | {body / raw:.2f} |"


def main() -> None:
    """Print the table."""
    model = Reconstructor.load(device="cpu", threads=1)
    photo = decode(_SAMPLE.read_bytes(), _MAX_PIXELS).pixels
    print(f"{model.network.runtime}, milliseconds of one thread a person, without finding people\n")
    print("| people | raw | body | the body alone | body / raw |")
    print("|---|---|---|---|---|")
    for people in (1, _CROWD):
        print(row(model, photo, people), flush=True)


if __name__ == "__main__":
    main()
