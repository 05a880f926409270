"""The page of a service with two modes, and of one with a single one."""

from __future__ import annotations

import cv2
import numpy as np


def test_both_modes_side_by_side(tab, both_modes):
    tab.answer(lambda: tab.page.click("#sample"))
    assert tab.page.locator(".stage").count() == 1
    answer = tab.answer(lambda: tab.choose("#modes [value=both]"))
    assert answer["mode"] == "fine-tuned"
    tab.page.wait_for_function("() => document.querySelectorAll('.stage').length === 2")
    tab.page.wait_for_selector("body[data-state=result]")
    assert tab.page.locator("figcaption").all_inner_texts() == ["Zero-shot", "Fine-tuned"]
    tab.choose("#views [value=turned]")
    tab.picture()
    first, second = (tab.page.locator(".frame").nth(k).screenshot() for k in range(2))
    first, second = (cv2.imdecode(np.frombuffer(data, np.uint8), 1).astype(np.int16) for data in (first, second))
    assert np.abs(first - second).mean() < 2  # the same network, and cameras that move together
    assert tab.page.get_by_label("Download GLB of person 1, fine-tuned").count() == 1


def test_one_mode_offers_no_choice(flat, both_modes):
    one = both_modes.get("/models").json()[:1]
    flat.page.route("**/models", lambda route: route.fulfill(json=one))
    flat.page.reload()
    flat.answer(lambda: flat.page.click("#sample"))
    assert flat.page.locator("#modes").is_hidden()


def test_a_photo_is_shown_if_the_modes_become_known_meanwhile(flat):
    held = []
    flat.page.route("**/models", lambda route: held.append(route))
    with flat.page.expect_request("**/models"):
        flat.page.reload()
    flat.page.route("**/reconstruct", lambda route: (held.pop().continue_(), route.continue_()))
    with flat.page.expect_response("**/models"):
        flat.answer(lambda: flat.page.click("#sample"))
    answer = flat.answer(lambda: flat.choose("#modes [value=both]"))
    assert answer["mode"] == "fine-tuned"  # zero-shot is there already, by the service's own choice
