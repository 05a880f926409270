"""A browser, and the real service with both modes, for the tests of the page."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tests.support import remembering
from tests.support.boxed_hand import save_boxed_hand
from tests.support.browser import chromium
from tests.support.forked_service import served_at_once
from tests.support.tab import PEOPLE, SAMPLE, WINDOW, WITHOUT_WEBGL, Tab, drop, opened

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="package")  # not longer: while Playwright's loop runs, no other may
def browser() -> Iterator:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def both_modes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A running service that offers both modes and hands; the second mode is the first with another label.

    On a free port, and with MoveNet alone, which is quick: people here need no millimetres. Ends with a check that it
    shuts down cleanly.
    """
    folder = tmp_path_factory.mktemp("page")
    environment = {
        "MPT_DEADLINE": "120",
        "MPT_LANDMARKS": "false",
        "MPT_HAND_CHECKPOINT": str(save_boxed_hand(folder)),
        "MPT_FINE_TUNED_CHECKPOINT": str(relabelled(folder / "fine-tuned.safetensors")),
    }
    with served_at_once(environment, remembering.main) as service:
        with httpx2.Client(base_url=service.url, timeout=60) as client:
            yield client
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(20)  # uvicorn reports the signal that ended it
        assert "Application shutdown complete" in service.log, service.log


def relabelled(path: Path) -> Path:
    """The shipped checkpoint, called fine-tuned."""
    source = ROOT / "weights" / "anny-tiny.safetensors"
    with safe_open(source, "np") as file:
        description = json.loads(file.metadata()["mpt"])
    description["card"] |= {"mode": "fine-tuned", "name": "relabelled"}
    save_file(load_file(source), path, metadata={"mpt": json.dumps(description)})
    return path


SMALL = {"viewport": {"width": 480, "height": 360}, "reduced_motion": "reduce"}  # the processor draws each pixel


@pytest.fixture(scope="package")
def blank(browser) -> Iterator:
    """A browser's page in which nothing is."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture(scope="package")
def page(browser) -> Iterator:
    """A browser's page, for one tab after the other."""
    page = browser.new_page(**SMALL)
    yield page
    page.close()


@pytest.fixture(scope="package")
def page_without_webgl(browser) -> Iterator:
    page = browser.new_page(**SMALL)
    page.add_init_script(WITHOUT_WEBGL)
    yield page
    page.close()


@pytest.fixture
def tab(page, both_modes) -> Iterator[Tab]:
    tab = Tab(page, both_modes)
    yield tab
    tab.close()


@pytest.fixture
def flat(page_without_webgl, both_modes) -> Iterator[Tab]:
    """A tab without WebGL, which is quick, for what has nothing to do with bodies in 3D."""
    tab = Tab(page_without_webgl, both_modes, webgl=False)
    yield tab
    tab.close()


@pytest.fixture(scope="package")
def shared(browser, both_modes) -> Iterator[tuple[Tab, dict]]:
    with opened(browser, both_modes, **WINDOW) as tab:
        answer = tab.answer(lambda: drop(tab, SAMPLE.read_bytes(), "dancers.jpg"))
        assert len(answer["people"]) == PEOPLE
        yield tab, answer


@pytest.fixture
def shown(shared) -> tuple[Tab, dict]:
    """A tab with a photo's people, seen as at the beginning, and the service's answer."""
    tab, answer = shared
    tab.choose('[name=person][value="all"]')
    tab.choose("#views [value=photo]")
    for switch in ("#joints-2d", "#joints-3d"):
        if tab.checked(switch):
            tab.choose(switch)
    tab.blend(45)
    return tab, answer
