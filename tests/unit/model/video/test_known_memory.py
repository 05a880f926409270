"""Memory that holds a known byte before anybody writes it, for one thread at a time."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from model.video.known_memory import known_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="known_memory knows glibc alone")


@pytest.mark.parametrize("value", [0, 90, 170, 254])
def test_new_memory_holds_the_byte(value: int) -> None:
    with known_memory(value):
        assert (np.empty(100_000, np.uint8) == value).all()


def test_who_wants_another_byte_meanwhile_waits() -> None:
    """A film that leaves memory as it was would else pass for a picture, with what somebody had left there."""
    entered = threading.Event()

    def read_another() -> None:
        with known_memory(90):
            entered.set()

    other = threading.Thread(target=read_another)
    with known_memory(170):
        other.start()
        assert not entered.wait(0.05)
    assert entered.wait(10)
    other.join()
