"""The page in a real browser: a film, followed while it is worked on, played with the bodies over it, deleted."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.support.film_files import film
from tests.support.glb import Glb
from tests.support.image_files import encode
from tests.support.tab import SAMPLE, choose_file, problem


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Half a second of a camera that moves over people who stand still."""
    still = cv2.resize(cv2.imread(str(SAMPLE)), (480, 320), interpolation=cv2.INTER_AREA)[..., ::-1]
    frames = [still[:, 13 * index : 13 * index + 440].copy() for index in range(4)]
    return film(tmp_path_factory.mktemp("film") / "clip.mp4", frames, 7).read_bytes()


def test_a_film_is_followed_played_and_deleted(flat, both_modes, clip):
    flat.page.wait_for_selector("#subjects label", state="attached")
    flat.answer(lambda: flat.page.click("#sample"))
    choose_file(flat, clip, "dance.mp4", "video/mp4")
    flat.page.wait_for_selector("body[data-state=busy]")
    for of_the_photo in ("#choices", "#answer", "#controls"):
        assert flat.page.locator(of_the_photo).is_hidden()
    flat.page.wait_for_selector("#about:text('You may leave')", state="attached")
    flat.page.wait_for_selector("body[data-state=film]")
    assert flat.page.inner_text("#film-title") == "dance.mp4"
    assert "3 people" in flat.page.inner_text("#film-about")
    job = flat.page.url.partition("?job=")[2]
    assert both_modes.get(f"/jobs/{job}").json()["status"] == "succeeded"
    length = flat.page.evaluate(
        """async () => {
            const player = document.getElementById("player");
            const ready = new Promise((done, failed) => {
                player.addEventListener("loadedmetadata", done);
                player.addEventListener("error", () => failed(player.error));
                setTimeout(() => failed("nothing to play"), 20_000);
            });
            if (player.readyState < 1) await ready;
            await player.play();
            return player.duration;
        }"""
    )
    assert length == pytest.approx(0.5, abs=0.1)
    with flat.page.expect_download() as download:
        flat.page.get_by_label("Download RIG of Person 2", exact=True).click()
    assert "animations" in Glb(Path(download.value.path()).read_bytes()).content
    flat.page.reload()  # the address knows the job
    flat.page.wait_for_selector("body[data-state=film]")
    flat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    flat.page.click("#film .link")
    flat.page.wait_for_selector("#film .link:text('Link copied')")
    assert flat.page.evaluate("navigator.clipboard.readText()") == flat.page.url
    flat.page.click("#film-delete")
    flat.page.wait_for_selector("body[data-state=empty]")
    assert both_modes.get(f"/jobs/{job}").status_code == 404


def test_a_gif_that_moves_is_a_film(flat):
    """It was seen in its first picture alone."""
    pictures = [Image.fromarray(np.full((20, 30), grey, np.uint8)) for grey in (0, 90, 180)]
    gifs = [encode(pictures[0], format="GIF"), encode(pictures[0], format="GIF", save_all=True, append_images=pictures)]
    gifs.append(gifs[1][: len(gifs[0]) // 2])
    told = flat.page.evaluate(
        """async (gifs) => {
            const { isFilm } = await import("./static/film.js");
            const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
            const files = gifs.map((text) => new File([bytes(text)], "a.gif", { type: "image/gif" }));
            const gone = new File([bytes(gifs[1])], "gone.gif", { type: "image/gif" });
            gone.arrayBuffer = () => Promise.reject(new DOMException("It was moved.", "NotFoundError"));
            return Promise.all([...files, gone].map(isFilm));
        }""",
        [base64.b64encode(gif).decode() for gif in gifs],
    )
    assert told == [False, True, False, False]


def test_of_two_drops_the_last_one_counts(flat):
    """A GIF that was still being read took the place of what came after it."""
    flat.page.evaluate(
        """async () => {
            const drop = (file) => {
                const event = new DragEvent("drop");
                Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], files: [file] } });
                document.dispatchEvent(event);
            };
            const slow = new File(["GIF89a"], "slow.gif", { type: "image/gif" });
            const read = new Promise((done) => (window.readOn = () => done(new ArrayBuffer(16))));
            slow.arrayBuffer = () => read;
            drop(slow);
            drop(new File(["no photo"], "last.jpg", { type: "image/jpeg" }));
        }"""
    )
    flat.page.wait_for_selector("#work-title:text('last.jpg')", state="attached")  # hidden again once refused
    flat.page.evaluate("async () => { readOn(); await new Promise((done) => setTimeout(done, 300)); }")
    assert flat.page.inner_text("#work-title") == "last.jpg"


def moving(tab) -> np.ndarray:
    """What is seen of the bodies that move, (H, W, 3) int16."""
    tab.page.wait_for_function("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return cv2.imdecode(np.frombuffer(tab.page.locator("#moving").screenshot(), np.uint8), 1).astype(np.int16)


def at(tab, seconds: float) -> np.ndarray:
    tab.page.locator("#scrub").fill(str(seconds))
    return moving(tab)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The share of the picture in which two differ."""
    return (np.abs(one - other).max(axis=2) > 12).mean()


@pytest.fixture(scope="module")
def done(both_modes, clip) -> dict:
    """A job that has succeeded, with a film and bodies that move."""
    job = both_modes.post("/videos?format=rigged&overlay=true&max_people=1", files={"video": clip}).json()
    deadline = time.monotonic() + 120
    while job["status"] != "succeeded":
        assert job["status"] != "failed" and time.monotonic() < deadline, job
        time.sleep(0.2)
        job = both_modes.get(f"/jobs/{job['id']}").json()
    return job


def test_bodies_move_in_step_with_the_film(tab, done):
    tab.page.goto(f"{tab.base}/?job={done['id']}")
    tab.page.wait_for_selector("body[data-state=film]")
    tab.page.wait_for_function(
        "() => document.querySelector('#moving canvas') && document.getElementById('scrub').max > 0.4"
    )
    first, last = at(tab, 0), at(tab, 0.4)
    assert re.fullmatch(r"0:00\.4 / 0:00\.[4-9]", tab.page.inner_text("#time"))  # whole seconds would say nothing
    assert first.std() > 10
    assert apart(first, last) > 0.005
    assert tab.page.evaluate("document.getElementById('player').currentTime") == pytest.approx(0.4)
    assert apart(first, at(tab, 0)) < 0.001
    tab.page.evaluate("document.getElementById('player').currentTime = 0.4")  # whoever moves the film moves the bodies
    tab.page.wait_for_function("() => document.getElementById('scrub').value === '0.4'")
    assert apart(last, moving(tab)) < 0.001
    tab.page.get_by_role("button", name="Play").click()
    tab.page.get_by_role("button", name="Pause").click()
    assert tab.page.evaluate("document.getElementById('player').paused")
    before = at(tab, 0)
    tab.choose("#film-views [value=top]")
    assert apart(before, moving(tab)) > 0.02
    tab.page.locator("#moving canvas").press("0")
    assert tab.checked("#film-views [value=photo]")


def test_bodies_move_without_a_film(tab, done):
    files = [file for file in done["files"] if not file["name"].endswith(".webm")]
    told = f"event: job\ndata: {json.dumps({**done, 'files': files})}\n\n"
    tab.page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=told))
    tab.page.goto(f"{tab.base}/?job={done['id']}")
    tab.page.wait_for_selector("body[data-state=film]")
    tab.page.wait_for_selector("#moving canvas")
    assert tab.page.locator("#player").is_hidden()
    tab.page.wait_for_function("() => document.getElementById('scrub').max > 0.3")
    tab.page.get_by_role("button", name="Play").click()
    tab.page.wait_for_function("() => document.getElementById('scrub').value > 0.1")
    tab.page.get_by_role("button", name="Pause").click()
    assert apart(at(tab, 0), at(tab, 0.4)) > 0.003


def test_without_webgl_there_are_the_film_and_the_files_at_every_width(flat, done):
    flat.page.goto(f"{flat.base}/?job={done['id']}")
    flat.page.wait_for_selector("#moving .note:not([hidden])")
    assert "cannot draw in 3D" in flat.page.inner_text("#moving .note")
    assert flat.page.locator("#player").is_visible() and flat.page.locator("#film-controls").is_hidden()
    flat.page.get_by_role("button", name="Play").click()
    flat.page.get_by_role("button", name="Pause").wait_for()
    before = flat.page.viewport_size
    for width in (360, 1280, 2560):
        flat.page.set_viewport_size({"width": width, "height": 900})
        film, bodies = (flat.page.locator(part).bounding_box() for part in ("#player", "#moving"))
        assert flat.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        assert (bodies["x"] > film["x"] + film["width"]) == (width > 1000)
    flat.page.set_viewport_size(before)


def test_what_is_no_film_gives_a_sentence(flat):
    choose_file(flat, b"no film at all", "dance.mp4", "video/mp4")
    _, detail = problem(flat)
    assert "no video" in detail


def test_a_job_that_is_gone_gives_a_sentence(flat):
    flat.page.goto(f"{flat.base}/?job={'0' * 32}")
    _, detail = problem(flat)
    assert "no longer" in detail
