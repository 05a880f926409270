"""Waiting until something is so, on machines of any speed and load."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Returns as soon as it holds; fails where it does not for so long that something hangs."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not so after {seconds:.0f} seconds"
        time.sleep(0.005)
