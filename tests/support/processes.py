"""A plugin of pytest: `-n 4` runs the tests in four processes that fork from the one which has collected them.

So all that tests import is imported once, which takes as long as hundreds of tests. A file's tests go to one process,
which takes the next file when it is done, in the order of collection: the longest, which are the page's, first.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from warnings import WarningMessage

import pytest

# What shares things that take seconds goes to one process, too: the page's tests have a browser and a service, those
# that train PyTorch's compiler, which its optimizers import, and of some a server forks services (`forked_service.py`).
_TOGETHER = {
    "page": "tests/e2e/",
    "training": "tests/.*/test_(body_hand|brought_bodies|finetune|pretrain)|.*/training/loop/",
    "services": "tests/integration/test_(clients|docs_requests|service_process)",
}
_INDEX_BYTES = 4
_DONE = None


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("processes")
    group._addoption("-n", "--numprocesses", type=int, default=0, metavar="N", help="Run tests in N processes.")


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    config = session.config
    if not config.option.numprocesses or config.option.collectonly or session.testsfailed:
        return None  # as pytest does
    groups: dict[str, list[pytest.Item]] = {}
    for item in session.items:
        groups.setdefault(_group(item.nodeid), []).append(item)
    config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # the processes' folders lie there
    queue, fill = os.pipe()  # whoever reads a number from it has the group
    os.write(fill, b"".join(index.to_bytes(_INDEX_BYTES, "big") for index in range(len(groups))))
    os.close(fill)
    processes: dict[Connection, int] = {}
    for _ in range(min(config.option.numprocesses, len(groups))):
        hears, tells = Pipe(duplex=False)
        if process := os.fork():
            processes[hears] = process
            tells.close()
            continue
        try:
            _work(session, _items(queue, list(groups.values())), tells)
        finally:
            os._exit(0)
    os.close(queue)
    try:
        _listen(session, list(processes))
    except BaseException:
        for process in processes.values():
            os.kill(process, signal.SIGINT)  # as Ctrl-C: its services and its browser end, too
        raise
    finally:
        for process in processes.values():
            os.waitpid(process, 0)
    return True


def _group(nodeid: str) -> str:
    return next((name for name, tests in _TOGETHER.items() if re.match(tests, nodeid)), nodeid.split("::")[0])


def _items(queue: int, groups: list[list[pytest.Item]]) -> Iterator[pytest.Item]:
    while index := os.read(queue, _INDEX_BYTES):
        yield from groups[int.from_bytes(index, "big")]


class _Teller:
    """Tells the process that collected the tests what pytest says of those of this one."""

    def __init__(self, config: pytest.Config, tells: Connection) -> None:
        self._config, self._tells = config, tells

    def pytest_runtest_logstart(self, nodeid: str, location: tuple) -> None:
        self._tell("pytest_runtest_logstart", nodeid, nodeid=nodeid, location=location)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._tell("pytest_runtest_logreport", report.nodeid, report=data)

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple) -> None:
        self._tell("pytest_runtest_logfinish", nodeid, nodeid=nodeid, location=location)

    def pytest_warning_recorded(self, warning_message: WarningMessage, when: str, nodeid: str, location: None) -> None:
        if when == "runtest":  # those of before are known
            said = warning_message
            plain = WarningMessage(str(said.message), said.category, said.filename, said.lineno)
            self._tell(
                "pytest_warning_recorded", nodeid, warning_message=plain, when=when, nodeid=nodeid, location=None
            )

    def _tell(self, hook: str, test: str, **said: object) -> None:
        self._tells.send((hook, test, said))


def _work(session: pytest.Session, items: Iterator[pytest.Item], tells: Connection) -> None:
    """Run items, in a process of their own."""
    config, plugins = session.config, session.config.pluginmanager
    captured = plugins.getplugin("capturemanager")
    captured.stop_global_capturing()  # into a file that all would write
    captured.start_global_capturing()
    plugins.unregister(name="terminalreporter")
    plugins.register(_Teller(config, tells))
    _reuse_memory()
    try:
        item = next(items, None)
        while item and not (session.shouldfail or session.shouldstop):
            following = next(items, None)  # what several share goes with the last of them
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            item = following
        tells.send(_DONE)
    except KeyboardInterrupt:
        session._setupstate.teardown_exact(None)


def _reuse_memory() -> None:
    """Has layers write in memory that was used before, not fetched from the system and cleared for each.

    The programs that tests start have the memory that they have elsewhere.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # glibc's
        trim_threshold, mmap_threshold = -1, -3
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_threshold, 2**30)


def _listen(session: pytest.Session, processes: list[Connection]) -> None:
    """Has pytest hear what processes tell, until all are done."""
    config = session.config
    if terminal := config.pluginmanager.getplugin("terminalreporter"):
        terminal.showfspath = False  # whose test is next is anybody's guess
    latest = dict.fromkeys(processes, "its start")
    while latest:
        for process in wait(list(latest)):
            try:
                told = process.recv()
            except EOFError:
                pytest.exit(f"A process broke off after {latest[process]}.", returncode=1)
            if told == _DONE:
                del latest[process]
                continue
            name, latest[process], said = told
            if "report" in said:
                said["report"] = config.hook.pytest_report_from_serializable(config=config, data=said["report"])
            hook = getattr(config.hook, name)
            hook.call_historic(kwargs=said) if hook.spec.opts["historic"] else hook(**said)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
