"""A browser, and the real service with both modes, for the tests of the page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tests.e2e.test_service import address, wait_until_ready
from tests.support.boxed_hand import save_boxed_hand
from tests.support.browser import chromium
from tests.support.tab import Tab

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def both_modes(browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A running service that offers both modes and hands; the second mode is the first with another label."""
    folder = tmp_path_factory.mktemp("page")
    environment = {
        **os.environ,
        "MPT_PORT": "0",
        "MPT_STORE_DIR": str(folder / "meshes"),
        "MPT_HAND_CHECKPOINT": str(save_boxed_hand(folder)),
        "MPT_FINE_TUNED_CHECKPOINT": str(relabelled(folder / "fine-tuned.safetensors")),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True).start()
    try:
        with httpx2.Client(base_url=address(process, lines), timeout=60) as client:
            wait_until_ready(client, lines)
            yield client
    finally:
        process.kill()
        process.wait()


def relabelled(path: Path) -> Path:
    """The shipped checkpoint, called fine-tuned."""
    source = ROOT / "weights" / "anny-tiny.safetensors"
    with safe_open(source, "np") as file:
        description = json.loads(file.metadata()["mpt"])
    description["card"] |= {"mode": "fine-tuned", "name": "relabelled"}
    save_file(load_file(source), path, metadata={"mpt": json.dumps(description)})
    return path


@pytest.fixture
def tab(browser, both_modes) -> Iterator[Tab]:
    tab = Tab(browser, both_modes)
    yield tab
    tab.close()
