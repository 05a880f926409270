"""Hands on the page: chosen beside bodies, drawn over the photo, named and saved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.integration.test_hands import HEIGHT, WIDTH, drawn, picture
from tests.integration.test_service_hands import png
from tests.support.drawn_hand import background
from tests.support.tab import Tab, drop


def test_hands_instead_of_bodies(tab: Tab, tmp_path: Path) -> None:
    image = picture()[:, ::-1].copy()
    answer = tab.answer(lambda: drop(tab, png(image), "hand.png", "image/png"))
    assert "hands" not in answer
    answer = tab.answer(lambda: tab.choose("#subjects [value=hand]"))
    assert [hand["handedness"] for hand in answer["hands"]] == ["left"]
    tab.page.wait_for_selector("#controls:not([hidden])")
    assert "One hand" in tab.page.inner_text("#people") and "Left hand 1" in tab.page.inner_text("#people")
    assert tab.page.locator("#modes").is_hidden()  # there is one for hands

    tab.blend(100)
    seen = tab.picture()
    scale = seen.shape[1] / WIDTH
    left_joints = drawn() * (-1, 1) + (WIDTH, 0)
    rows, columns = np.mgrid[: len(seen), : seen.shape[1]]
    shown = np.abs(seen - seen[3, seen.shape[1] // 2]).max(axis=2) > 40
    near = np.zeros(shown.shape, bool)
    for x, y in left_joints * scale:
        near |= (columns - x) ** 2 + (rows - y) ** 2 < (45 * scale + 1) ** 2  # a pixel at the mesh's edge is of both
    shown[:20], shown[-20:], shown[:, :20], shown[:, -20:] = False, False, False, False
    assert shown.sum() > 500 and (shown & ~near).sum() < 0.02 * shown.sum()  # the mesh, where the hand is

    with tab.page.expect_download() as download:
        tab.page.click("#json")
    download.value.save_as(tmp_path / "hand.json")
    saved = json.loads((tmp_path / "hand.json").read_text())
    assert saved == answer  # as the service gave it
    with tab.page.expect_download() as download:
        tab.page.get_by_label("Download GLB of hand 1").click()
    assert download.value.suggested_filename == "hand-hand-1.glb"
    tab.choose("#joints-2d")
    tab.choose("#joints-3d")
    tab.choose("#views [value=turned]")
    assert np.abs(tab.picture() - seen).max() > 40


def test_the_samples_people_have_two_hands_each(flat: Tab) -> None:
    """Their feet are bare, and look like hands to both 2D networks."""
    flat.answer(lambda: flat.page.click("#sample"))
    answer = flat.answer(lambda: flat.choose("#subjects [value=hand]"))
    assert sorted(hand["handedness"] for hand in answer["hands"]) == ["left"] * 3 + ["right"] * 3
    assert max(hand["bbox"][1] for hand in answer["hands"]) < 0.6 * answer["height"]
    assert "6 hands" in flat.page.inner_text("#people")
    flat.choose("#subjects [value=body]")  # known already: nothing is sent
    flat.page.wait_for_function("() => document.querySelector('#people').textContent.includes('3 people')")


def test_a_photo_without_hands_says_so(flat: Tab) -> None:
    flat.answer(lambda: drop(flat, png(background(HEIGHT, WIDTH)), "empty.png", "image/png"))
    answer = flat.answer(lambda: flat.choose("#subjects [value=hand]"))
    assert answer["hands"] == []
    assert "No hand was found" in flat.page.inner_text("#about")
    assert "hand missing" in flat.page.inner_text("#missed")
    flat.page.click("#missed")
    assert "around the hand" in flat.page.inner_text("#missed-hint")
