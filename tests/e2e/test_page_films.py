"""The page in a real browser: a film, followed while it is worked on, played with the bodies over it, deleted."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from tests.support.film_files import film
from tests.support.glb import Glb
from tests.support.tab import SAMPLE, choose_file, problem


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Half a second of a camera that moves over people who stand still."""
    still = cv2.resize(cv2.imread(str(SAMPLE)), (480, 320), interpolation=cv2.INTER_AREA)[..., ::-1]
    frames = [still[:, index : index + 470].copy() for index in range(6)]
    return film(tmp_path_factory.mktemp("film") / "clip.mp4", frames, 12).read_bytes()


def test_a_film_is_followed_played_and_deleted(tab, both_modes, clip):
    choose_file(tab, clip, "dance.mp4", "video/mp4")
    tab.page.wait_for_selector("body[data-state=film]")
    assert tab.page.inner_text("#film-title") == "dance.mp4"
    assert "3 people" in tab.page.inner_text("#film-about")
    job = tab.page.url.partition("?job=")[2]
    assert both_modes.get(f"/jobs/{job}").json()["status"] == "succeeded"
    length = tab.page.evaluate(
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
    with tab.page.expect_download() as download:
        tab.page.get_by_label("Download RIG of Person 2", exact=True).click()
    assert "animations" in Glb(Path(download.value.path()).read_bytes()).content
    tab.page.reload()  # the address knows the job
    tab.page.wait_for_selector("body[data-state=film]")
    tab.page.click("#film-delete")
    tab.page.wait_for_selector("body[data-state=empty]")
    assert both_modes.get(f"/jobs/{job}").status_code == 404


def test_what_is_no_film_gives_a_sentence(tab):
    choose_file(tab, b"no film at all", "dance.mp4", "video/mp4")
    _, detail = problem(tab)
    assert "no video" in detail


def test_a_job_that_is_gone_gives_a_sentence(tab):
    tab.page.goto(f"{tab.base}/?job={'0' * 32}")
    _, detail = problem(tab)
    assert "no longer" in detail
