"""What a library reads from the environment once, before any test imports it, and which tests go to one worker."""

from __future__ import annotations

import gc
import os
import re
import sys

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# One thread a process: two of PyTorch's that wait for each other cost twice the time, and round in another order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What a network's layers write in a worker is memory that was used before, not fetched from the system and cleared for
# each. The programs that its tests start have the memory that they have elsewhere.
_REUSED = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in _REUSED:
        os.environ.pop(name, None)
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


def pytest_xdist_setupnodes() -> None:
    os.environ.update(_REUSED)  # which is read as a worker starts


# The page's tests have a browser and a service, those that train PyTorch's compiler, which its optimizers import, those
# of people a network and its answers, and for some a server forks services (`forked_service.py`).
_TOGETHER = {
    "page": "tests/e2e/",
    "training": "tests/.*/test_(body_hand|brought_bodies|finetune|pretrain)|.*/training/loop/",
    "people": "tests/integration/reconstruct/",
    "services": "tests/integration/test_(clients|docs_requests|service_process)",
}


class _Files(LoadFileScheduling):
    """A file's tests go to one worker, and so do all that share what takes seconds."""

    def _split_scope(self, nodeid: str) -> str:
        together = (name for name, tests in _TOGETHER.items() if re.match(tests, nodeid))
        return next(together, super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Files:
    # In the order of collection: the longest, which are the page's, first.
    config.option.loadscopereorder = False
    return _Files(config, log)
