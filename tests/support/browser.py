"""The browser that the page's tests use: Chromium as it is found on the machine, without a screen."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# The first has no window to draw, not even a hidden one: a page takes a third of the time.
NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"
)  # fmt: skip
HOW = (
    "The page is NOT tested: there is no Chromium on this machine. `apt-get install chromium-headless-shell` brings "
    "one, or `playwright install chromium`, or MPT_CHROMIUM=path names one."
)
ARGUMENTS = [
    "--use-gl=angle",
    "--use-angle=swiftshader",  # WebGL on the processor: machines that test have no graphics card
    "--enable-unsafe-swiftshader",
    # Debian's launcher asks for both; without a card they are the dearer way.
    "--disable-gpu-rasterization",
    "--disable-gpu-compositing",
    "--webgl-antialiasing-mode=none",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator:
    """Starts Chromium, a `playwright.sync_api.Browser`; skips the test, with a warning, where there is none.

    MPT_REQUIRE_BROWSER=1 turns the skip into a failure.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _do_without("The page is NOT tested: Playwright is missing. `pip install playwright` brings it.")
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        path = os.environ.get("MPT_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
        if path is None and not own.exists():
            _do_without(HOW)
        sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium refuses to have one as root
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS + sandbox)
        yield browser
        browser.close()


def _do_without(reason: str) -> None:
    if os.environ.get("MPT_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    warnings.warn(reason, pytest.PytestWarning, stacklevel=2)  # a skip alone is easily overlooked
    pytest.skip(reason)
