"""The page in a real browser: several photos, people who were missed, a camera that somebody knows, a link."""

from __future__ import annotations

import json
import re

import cv2
import httpx2
import numpy as np
import pytest

from tests.support.tab import SAMPLE, choose_file, problem


def encoded(picture: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    return cv2.imread(str(SAMPLE))


def test_a_person_who_was_missed_is_had_by_a_box(flat, sample):
    first = flat.answer(lambda: choose_file(flat, SAMPLE.read_bytes(), "dancers.jpg", "image/jpeg"))
    x, y, w, h = first["people"][1]["bbox"]
    only = {**first, "people": [first["people"][0], first["people"][2]]}  # as if she had been missed
    flat.page.route(re.compile(r"/reconstruct(\?mode=[a-z-]+)?$"), lambda route: route.fulfill(json=only))
    flat.answer(lambda: choose_file(flat, encoded(sample), "again.jpg", "image/jpeg"))
    flat.page.click("#missed")
    frame = flat.page.locator(".frame").first.bounding_box()
    scale = min(frame["width"] / first["width"], frame["height"] / first["height"])
    left = frame["x"] + (frame["width"] - scale * first["width"]) / 2
    top = frame["y"] + (frame["height"] - scale * first["height"]) / 2

    def draw() -> None:
        flat.page.mouse.move(left + scale * x, top + scale * y)
        flat.page.mouse.down()
        flat.page.mouse.move(left + scale * (x + w), top + scale * (y + h), steps=3)
        flat.page.mouse.up()

    answer = flat.answer(draw)
    assert [person["bbox"] for person in answer["people"][:2]] == [person["bbox"] for person in only["people"]]
    assert np.allclose(answer["people"][2]["bbox"], (x, y, w, h), atol=3)
    joints = np.array([answer["people"][2]["keypoints_2d"], first["people"][1]["keypoints_2d"]])[..., :2]
    assert np.linalg.norm(joints[0] - joints[1], axis=1).mean() < 0.05 * h
    assert flat.page.locator("[name=person]").count() == 4


def test_a_box_is_drawn_by_the_keyboard_or_not_at_all(flat, sample):
    wall = encoded(np.full((240, 320, 3), 128, np.uint8))
    flat.answer(lambda: choose_file(flat, wall, "wall.jpg", "image/jpeg"))
    assert "Nobody was found" in flat.page.inner_text("#about") and flat.page.locator("#controls").is_hidden()
    flat.page.click("#missed")
    assert flat.page.locator("#missed-hint").is_visible()
    flat.page.keyboard.press("Escape")
    assert flat.page.locator(".drawing").count() == 0
    flat.page.locator("#missed").press("Enter")
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowLeft", "Shift+ArrowUp"):
        flat.page.keyboard.press(key)
    answer = flat.answer(lambda: flat.page.keyboard.press("Enter"))
    # 0.35, 0.15, 0.3, 0.7 of the photo, each a step of 0.02 further
    assert answer["people"][0]["bbox"] == [118, 41, 90, 163]
    assert "guess" in flat.page.inner_text("#people .choice")


def test_a_camera_that_somebody_knows(flat):
    flat.answer(lambda: flat.page.click("#sample"))
    flat.page.click(".corrections summary")
    flat.page.fill("[name=focal_length]", "2884")  # twice the diagonal, the default
    flat.page.fill("[name=pitch]", "-5")
    flat.page.fill("[name=camera_height]", "1.5")
    answer = flat.answer(lambda: flat.page.click("#camera button"))
    assert {person["camera"]["focal_length"] for person in answer["people"]} == {2884}
    assert answer["scene"]["pitch"] == pytest.approx(-5, abs=0.01)
    assert answer["scene"]["ground"]["camera_height"] == pytest.approx(1.5, abs=0.01)
    before = answer["people"][0]["camera"]["translation"][2]
    flat.page.fill("[name=camera_height]", "")
    flat.page.fill("[name=person_height]", "1.25")
    answer = flat.answer(lambda: flat.page.click("#camera button"))
    assert answer["scene"]["ground"]["camera_height"] != pytest.approx(1.5, abs=0.01)
    assert answer["people"][0]["camera"]["translation"][2] < before


def test_a_photo_of_the_web_where_the_service_fetches_them(flat):
    assert flat.page.locator("#address").is_hidden()  # unless its operator wants that
    limits = {"max_body_bytes": 2**20, "store_lifetime": 3600, "keep_photos": True, "image_urls": True, "heic": False}
    flat.page.route("**/v2/health/ready", lambda route: route.fulfill(json={"status": "ready", "limits": limits}))
    flat.page.reload()
    flat.page.wait_for_selector("#address", state="visible")
    assert "WebP or AVIF" in flat.page.inner_text("#drop")  # no HEIC where the service cannot read it
    flat.page.fill("#image-url", "https://photos.example/walk.jpg")
    flat.page.click("#address button")
    _, detail = problem(flat)
    assert "MPT_IMAGE_URLS" in detail  # what this service says
    answer = httpx2.post(f"{flat.base}/reconstruct", files={"image": SAMPLE.read_bytes()}, timeout=60).json()
    asked: list[str] = []

    def fetched(route) -> None:
        asked.append(route.request.post_data)
        route.fulfill(json=answer)

    flat.page.route(re.compile(r"/reconstruct\?"), fetched)
    flat.page.fill("#image-url", "https://photos.example/walk.jpg")
    flat.page.click("#address button")
    flat.page.wait_for_selector("body[data-state=result]")
    assert json.loads(asked[0]) == {"image_url": "https://photos.example/walk.jpg"}
    assert flat.page.inner_text("#work-title") == "walk.jpg"
    assert "3 people" in flat.page.inner_text("#people")


def test_several_photos_are_a_strip(flat, sample):
    files = [
        {"name": "both.jpg", "mimeType": "image/jpeg", "buffer": SAMPLE.read_bytes()},
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no photo"},
        {"name": "right.jpg", "mimeType": "image/jpeg", "buffer": encoded(sample[:, 700:])},
    ]
    answer = flat.answer(lambda: flat.page.set_input_files("#file", files=files))
    assert answer["width"] == 1200
    buttons = flat.page.locator("#strip button")
    assert buttons.count() == 3
    flat.page.wait_for_selector("#strip button:nth-child(3)[data-state=done]")  # though nobody clicked it
    assert buttons.nth(1).get_attribute("data-state") == "failed"
    sent: list[str] = []
    flat.page.on("request", lambda request: sent.append(request.url))
    buttons.nth(2).click()
    flat.page.wait_for_function("() => document.getElementById('work-title').textContent === 'right.jpg'")
    flat.page.wait_for_selector("body[data-state=result]")
    assert "500 × 800" in flat.page.inner_text("#about")
    assert not [url for url in sent if "/reconstruct" in url]  # its answer was there
    buttons.nth(1).click()
    flat.page.wait_for_selector("body[data-state=problem]")
    assert flat.page.inner_text("#problem-title") == "notes.txt: Unsupported format"
    assert "no JPEG" in flat.page.inner_text("#problem-detail")
    assert flat.page.locator("#upload").is_hidden()
    buttons.nth(0).click()  # the others are still there
    flat.page.wait_for_selector("body[data-state=result]")
    assert "1200 × 800" in flat.page.inner_text("#about") and flat.page.locator("#problem").is_hidden()


def test_an_answer_survives_a_reload_and_can_be_passed_on(tab, flat, both_modes, sample):
    large = encoded(cv2.resize(sample, (1800, 1200)))  # larger than what the service keeps of a photo
    answer = tab.answer(lambda: choose_file(tab, large, "large.jpg", "image/jpeg"))
    assert tab.page.url.endswith(f"?answer={answer['id']}")
    before = tab.picture()
    tab.page.reload()
    tab.page.wait_for_selector("body[data-state=result]")
    assert np.abs(tab.picture() - before).mean() < 3
    tab.page.click("#missed")
    tab.page.locator(".drawing").press("ArrowLeft")
    again = tab.answer(lambda: tab.page.locator(".drawing").press("Enter"))
    assert again["width"] == 1600  # of the photo that is kept, in whose pixels the boxes are
    boxes = np.array([person["bbox"] for person in again["people"]])
    assert np.allclose(boxes[:-1] * 1800 / 1600, [person["bbox"] for person in answer["people"]], atol=2)
    flat.page.goto(f"{flat.base}/?answer={answer['id']}")  # in another browser
    flat.page.wait_for_selector("body[data-state=result]")
    assert "3 people" in flat.page.inner_text("#people")
    both_modes.delete(f"/reconstructions/{answer['id']}")
    flat.page.reload()
    flat.page.wait_for_selector("#problem:not([hidden])")
    assert "Send the photo again" in flat.page.inner_text("#problem-detail")


def test_how_long_things_are_kept_is_said(flat):
    flat.page.wait_for_function(
        "() => document.getElementById('kept').textContent.includes('60 minutes, what comes of films for 24 hours')"
    )
