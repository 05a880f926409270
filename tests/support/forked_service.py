"""A service as a process of its own that forks from one which has imported it: it starts at once.

For tests that start several. Where the worker's server that forks runs already, for other modules, it imports as ever.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection

from benchmarks.served import Served, started
from tests.support import fake_service


class Forked:
    """Behaves as the `subprocess.Popen` of `python -m` of `main`'s module, as far as `Served` knows one."""

    def __init__(self, main: Callable[[], object], environment: Mapping[str, str]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([main.__module__])
        said, writes = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve, args=(main, writes, dict(environment)))
        self._process.start()
        writes.close()
        self.pid = self._process.pid
        self.stdout = os.fdopen(os.dup(said.fileno()))
        said.close()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> None:
        self._process.join(timeout)
        if self.poll() is None:
            raise subprocess.TimeoutExpired("the service", timeout or 0)

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, signal: int) -> None:
        os.kill(self.pid or 0, signal)


def _serve(main: Callable[[], object], writes: Connection, environment: dict[str, str]) -> None:
    for stream in (1, 2):
        os.dup2(writes.fileno(), stream)
    writes.close()
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__  # not where pytest listens
    os.environ.clear()
    os.environ.update(environment)
    main()


@contextmanager
def served_at_once(environment: Mapping[str, str], main: Callable[[], object] = fake_service.main) -> Iterator[Served]:
    """As `benchmarks.served.served` of the stand-in, or of another service's `main`."""
    with started(partial(Forked, main), environment) as service:
        yield service
