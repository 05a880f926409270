"""How the networks' threads wait, and what becomes of results that nobody gets."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from service.inference.engine import Engine
from tests.support.waiting import wait_for

SERVE = """
from pathlib import Path
from model.errors import MPTError
from service.inference.engine import load_reconstructors
from service.settings import Settings
try:
    load_reconstructors(Settings(engine="torch", checkpoint=Path("missing.safetensors")))
except MPTError:
    import torch
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch brings GNU's library on Linux alone")
def test_threads_of_a_service_sleep_while_they_wait(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("OMP_DISPLAY_ENV", "verbose")  # GNU's library says what it works by
    told = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, check=True).stderr
    assert "GOMP_SPINCOUNT = '0'" in told


def test_a_result_that_comes_too_late_is_undone() -> None:
    engine, begun, go, undone = Engine(list, 1, 1), threading.Event(), threading.Event(), []

    def work() -> str:
        begun.set()
        assert go.wait(60)
        return "late"

    async def give_up() -> None:
        running = asyncio.ensure_future(engine.run(work, undone.append))
        await asyncio.to_thread(begun.wait, 60)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert not undone
        go.set()
        await engine.stop()

    asyncio.run(give_up())
    wait_for(lambda: undone == ["late"])


class SlowHands:
    """A model whose first run lasts as long as it is told."""

    subject, modes, model_name = "hand", ("zero-shot",), "slow"

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def info(self) -> dict[str, str]:
        return {"engine": "none"}

    def reconstruct(self, *_: object, **__: object) -> None:
        self.begun.set()
        assert self.go.wait(60)


def test_stopping_waits_for_a_network_that_warms_up() -> None:
    """An interpreter that ends while a library's threads run its network aborts."""
    hands = SlowHands()
    engine = Engine(lambda: [hands], 1, 1)  # type: ignore[list-item]
    engine.start()
    assert hands.begun.wait(60)

    async def stop() -> bool:
        stopping = asyncio.ensure_future(engine.stop())
        done, _ = await asyncio.wait([stopping], timeout=0.2)
        hands.go.set()
        await stopping
        return bool(done)

    assert not asyncio.run(stop())
