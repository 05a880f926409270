"""The page in one tab of a browser, and what people do with it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import httpx2
import numpy as np

SAMPLE = Path(__file__).parents[2] / "service" / "static" / "sample.jpg"
PEOPLE = 3  # in it
INSIDE = np.s_[20:-20, 20:-20]  # a stage's corners are round, and its border shows the focus
WINDOW = {"viewport": {"width": 1010, "height": 800}, "reduced_motion": "reduce"}  # the processor draws each pixel
WAIT = 60_000  # milliseconds, on a slow, busy machine
WITHOUT_WEBGL = """
    const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
        return kind.startsWith("webgl") ? null : get.call(this, kind, ...more);
    };
"""


class Tab:
    """The page in one tab. Fails at the end if something came from elsewhere or the browser complained.

    `page` is a browser's, one with WebGL or without; it may have been another tab's, for to open one costs more than to
    load ours.
    """

    def __init__(self, page, service: httpx2.Client, webgl: bool = True) -> None:
        self.page = page
        self.webgl = webgl
        self.page.set_default_timeout(WAIT)
        self.base = str(service.base_url).rstrip("/")
        self.complaints: list[str] = []
        self.listeners = {"pageerror": self._error, "console": self._console, "request": self._request}
        for event, listener in self.listeners.items():
            self.page.on(event, listener)
        self.page.goto(self.base)

    def _error(self, error) -> None:
        self.complaints.append(str(error))

    def _console(self, message) -> None:
        # Answers with an error status are part of some tests, and a browser without a graphics card reads each picture
        # back from what draws it; all else, such as a blocked style, is not expected.
        expected = "Failed to load resource" in message.text or "stall due to ReadPixels" in message.text
        expected |= "WebGL" in message.text and not self.webgl
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(message.text)

    def _request(self, request) -> None:
        if not request.url.startswith((self.base, "blob:", "data:")):
            self.complaints.append(f"asked for {request.url}")

    def close(self) -> None:
        """Leaves the browser's page as it was."""
        self.page.unroute_all(behavior="ignoreErrors")
        self.page.evaluate("sessionStorage.clear()")  # a key
        for event, listener in self.listeners.items():
            self.page.remove_listener(event, listener)
        assert not self.complaints, "\n".join(self.complaints)

    def answer(self, act) -> dict:
        """Does something that sends a photo; returns the service's answer once it is shown."""
        with self.page.expect_response(re.compile(r"/reconstruct(\?|$)")) as response:
            act()
        answer = response.value.json()
        self.page.wait_for_selector("body[data-state=result]")
        return answer

    def picture(self) -> np.ndarray:
        """The first stage, (H, W, 3) int16 RGB, one pixel each."""
        self.page.wait_for_function(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        data = self.page.locator(".frame").first.screenshot()
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(np.int16)

    def blend(self, value: int) -> None:
        self.page.locator("#blend").fill(str(value))

    def choose(self, selector: str) -> None:
        """Clicks a radio button or a switch by its label, as people do."""
        self.page.locator(selector).locator("..").click()

    def checked(self, selector: str) -> bool:
        return self.page.locator(selector).is_checked()


@contextmanager
def opened(browser, service: httpx2.Client, **options) -> Iterator[Tab]:
    """The page in a browser of its own, with `options` such as a phone's."""
    page = browser.new_page(**options)
    tab = Tab(page, service)
    yield tab
    tab.close()
    page.close()


def drop(tab: Tab, data: bytes, name: str, kind: str = "image/jpeg") -> None:
    """Drops a file onto the page."""
    transfer = tab.page.evaluate_handle(
        """([bytes, name, type]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type }));
            return transfer;
        }""",
        [base64.b64encode(data).decode(), name, kind],
    )
    for event in ("dragenter", "dragover", "drop"):
        tab.page.dispatch_event("body", event, {"dataTransfer": transfer})


def choose_file(tab: Tab, data: bytes, name: str, kind: str) -> None:
    tab.page.set_input_files("#file", files=[{"name": name, "mimeType": kind, "buffer": data}])


def problem(tab: Tab) -> tuple[str, str]:
    """The title and the sentence of the error that is shown."""
    tab.page.wait_for_selector("#problem:not([hidden])")
    assert tab.page.locator("#work").is_hidden()
    assert tab.page.locator("#choose").is_visible()
    return tab.page.inner_text("#problem-title"), tab.page.inner_text("#problem-detail")
