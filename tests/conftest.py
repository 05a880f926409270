"""One thread a process: two of PyTorch's that wait for each other cost twice the time, and round in another order."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before PyTorch is imported, here and in processes that tests start


def pytest_collection_finish() -> None:
    """Thousands of tests and the libraries' modules stay to the end: the garbage collector need not look at them."""
    gc.collect()
    gc.freeze()
