"""What a library reads from the environment once, before any test imports it."""

from __future__ import annotations

import gc
import os

# One thread a process: two of PyTorch's that wait for each other cost twice the time, and round in another order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Films that tests write are opened by FFmpeg before `model.video.reading` asks it not to grumble.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


# What is imported and collected stays to the end: the garbage collector need not look at it, now or later.
gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
