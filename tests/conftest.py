"""What a library reads from the environment once, before any test imports it."""

from __future__ import annotations

import gc
import os
import sys

import pytest

pytest_plugins = ["tests.support.processes"]

# One thread a process: two of PyTorch's that wait for each other cost twice the time, and round in another order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# OpenCV's others would not be there in processes that fork, and be waited for for ever.
os.environ["OPENCV_FOR_THREADS_NUM"] = "1"
# Films that tests write are opened by FFmpeg before `model.video.reading` asks it not to grumble.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# Images for containers forbid the cache of compiled files: each process would compile, and pytest rewrite, all anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


# What is imported and collected stays to the end: the garbage collector need not look at it, now or later.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Of Schemathesis's a second goes by in each process, though the slow tests alone want it."""
    if config.option.markexpr != "not slow":
        config.pluginmanager.import_plugin("schemathesis.pytest.plugin")
