"""The page in a real browser, through the real service: what people see, to the pixel."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.support.silhouettes import grown, silhouettes
from tests.support.tab import INSIDE, SAMPLE


def test_the_mesh_lies_exactly_over_the_photo(shown, both_modes):
    tab, answer = shown
    tab.blend(0)
    photo = tab.picture()
    truth = cv2.imdecode(np.frombuffer(SAMPLE.read_bytes(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    truth = cv2.resize(truth, photo.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(photo - truth)[INSIDE].mean() < 3

    tab.blend(100)
    alone = tab.picture()
    seen = np.abs(alone - alone[3, alone.shape[1] // 2]).max(axis=2) > 40
    masks = silhouettes(both_modes, answer, alone.shape)
    mask = np.any(masks, axis=0)
    # Nowhere off by more than a pixel, but for the tip of a toe
    assert (seen & ~grown(mask, 1))[INSIDE].sum() < 10
    assert (~grown(~mask, 1) & ~seen)[INSIDE].sum() < 10

    tab.blend(45)
    changed = np.abs(tab.picture() - photo).max(axis=2) > 12
    assert not (changed & ~grown(mask, 2))[INSIDE].any()
    for person in masks:
        assert (changed & person)[INSIDE].sum() > 0.6 * person[INSIDE].sum()


def test_the_slider_goes_from_photo_to_mesh(shown, both_modes):
    tab, answer = shown
    mask = np.any(silhouettes(both_modes, answer, tab.picture().shape), axis=0)
    core = ~grown(~mask, 4)
    wall = ~grown(mask, 4)
    tab.blend(0)
    photo = tab.picture()
    on_people, on_wall = [], []
    for value in (25, 50, 75, 100):
        tab.blend(value)
        off = np.abs(tab.picture() - photo).mean(axis=2)
        on_people.append(off[core].mean())
        on_wall.append(off[wall].mean())
    assert 5 < on_people[0] < on_people[1]
    assert max(on_wall[:2]) < 0.5
    assert 10 < on_wall[2] < on_wall[3]
    tab.page.locator("#blend").press("Home")
    assert np.abs(tab.picture() - photo)[INSIDE].max() <= 1
    assert tab.page.locator("#blend").get_attribute("aria-valuetext") == "Photo"


@pytest.mark.parametrize("kind", ["2d", "3d"])
def test_joints_lie_where_the_answer_has_them(shown, kind):
    tab, answer = shown
    tab.blend(0)
    photo = tab.picture()
    tab.choose(f"#joints-{kind}")
    picture = tab.picture()
    changed = np.abs(picture - photo).max(axis=2) > 25
    scale = picture.shape[1] / answer["width"]
    wanted = hit = 0
    for person in answer["people"]:
        points = np.array(person["keypoints_2d"])
        sure = points[:, 2] > 0.5
        if kind == "3d":
            camera = person["camera"]
            placed = np.array(person["joints"]) + camera["translation"]
            points = camera["focal_length"] * placed[:, :2] / placed[:, 2:] + camera["principal_point"]
        at = np.floor(points[sure, :2] * scale).astype(int)
        at = at[(at > 2).all(axis=1) & (at < np.array(changed.shape[::-1]) - 3).all(axis=1)]
        wanted += len(at)
        hit += changed[at[:, 1], at[:, 0]].sum()
    assert wanted > 30
    assert hit > 0.95 * wanted
    assert changed.mean() < 0.1


def test_turning_and_going_back(shown):
    tab, _ = shown
    before = tab.picture()
    box = tab.page.locator(".space").bounding_box()
    tab.page.mouse.move(box["x"] + 300, box["y"] + 200)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 420, box["y"] + 220, steps=4)
    tab.page.mouse.up()
    assert tab.checked("#views [value=turned]")
    turned = tab.picture()
    assert (np.abs(turned - before).max(axis=2) > 12).mean() > 0.2
    tab.page.locator(".space").press("ArrowLeft")
    assert (np.abs(tab.picture() - turned).max(axis=2) > 12).mean() > 0.05
    tab.page.locator(".space").press("0")
    assert tab.checked("#views [value=photo]")
    assert np.abs(tab.picture() - before)[INSIDE].max() <= 1
    views = [before]
    for view in ("turned", "side", "top"):
        tab.choose(f"#views [value={view}]")
        views.append(tab.picture())
        for other in views[:-1]:
            assert (np.abs(views[-1] - other).max(axis=2) > 12).mean() > 0.1


def test_people_are_selected_by_a_click_and_by_the_keyboard(shown, both_modes):
    tab, answer = shown
    everyone = tab.picture()
    masks = silhouettes(both_modes, answer, everyone.shape)
    row, column = np.argwhere(~grown(~masks[1], 8) & ~masks[0] & ~masks[2]).mean(axis=0).astype(int)
    spots = np.argwhere(~grown(~masks[1], 8) & ~masks[0] & ~masks[2])
    row, column = spots[np.abs(spots - (row, column)).sum(axis=1).argmin()]
    tab.page.locator(".space").click(position={"x": int(column), "y": int(row)})
    assert tab.checked('[name=person][value="1"]')
    changed = np.abs(tab.picture() - everyone).max(axis=2) > 12
    only = [~grown(~mask, 2) & ~np.any(masks[:k] + masks[k + 1 :], axis=0) for k, mask in enumerate(masks)]
    assert changed[only[1]].mean() < 0.01  # she stays as she was, the others fade
    assert min(changed[only[0]].mean(), changed[only[2]].mean()) > 0.5
    tab.page.locator('[name=person][value="1"]').press("ArrowDown")
    assert tab.checked('[name=person][value="2"]')
    changed = np.abs(tab.picture() - everyone).max(axis=2) > 12
    assert changed[only[2]].mean() < 0.01 < 0.5 < changed[only[1]].mean()
    tab.page.locator(".space").click(position={"x": everyone.shape[1] // 2, "y": 8})  # the wall
    assert tab.checked('[name=person][value="all"]')


def test_bodies_are_solid_and_dressed_and_throw_a_shadow(shown):
    """Seen from above, with the photo faded out: clothes that are all alike, and what is dark about them."""
    tab, _ = shown
    tab.blend(100)
    tab.choose("#views [value=top]")
    dressed = tab.picture()[INSIDE]
    ground = np.median(dressed.reshape(-1, 3), axis=0)
    darker = ((dressed - ground).max(axis=2) < -12) & (np.ptp(dressed, axis=2) < 14)
    assert 0.002 < darker.mean() < 0.2  # shadows are grey, as the ground is
    bluish = dressed[..., 2] - dressed[..., 0] > 20  # shirts
    assert 0.005 < bluish.mean() < 0.2
    tab.choose("#own-colors")
    own = tab.picture()[INSIDE]
    assert (own[..., 0] - own[..., 2] > 60).mean() > 0.003 > (dressed[..., 0] - dressed[..., 2] > 90).mean()  # orange
    tab.choose("#own-colors")
    tab.blend(10)  # they stay solid: only the photo comes back
    assert (np.abs(tab.picture()[INSIDE] - dressed).max(axis=2) < 12)[bluish].mean() > 0.9


def test_nobody_looks_from_below_the_floor(shown):
    tab, _ = shown
    tab.blend(100)
    tab.choose("#views [value=side]")
    for _ in range(3):
        tab.page.locator(".space").press("ArrowDown")
    lowest = tab.picture()
    for _ in range(5):
        tab.page.locator(".space").press("ArrowDown")
    assert np.abs(tab.picture() - lowest)[INSIDE].mean() < 1
    tab.page.locator(".space").press("ArrowUp")
    assert np.abs(tab.picture() - lowest)[INSIDE].mean() > 1


def test_the_layout_fits_every_width(shown):
    tab, _ = shown
    before = tab.page.viewport_size
    for width in (360, 768, 1024, 1280, 2560):
        tab.page.set_viewport_size({"width": width, "height": 1000})
        frame, panel = (tab.page.locator(part).first.bounding_box() for part in (".frame", "#work .panel"))
        assert tab.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        assert frame["width"] > (0.85 if width < 1000 else 0.55) * min(width, 1920) and frame["height"] <= 740
        beside = panel["x"] >= frame["x"] + frame["width"]
        assert beside == (width > 1000) and (beside or panel["y"] >= frame["y"] + frame["height"])
        views, whole = (tab.page.locator(part).bounding_box() for part in ("#views", "#fullscreen"))
        assert width == 360 or abs(views["y"] - whole["y"]) < 4  # a button alone in a row looks lost
    tab.page.set_viewport_size(before)


def test_the_whole_screen(shown):
    tab, _ = shown
    before = tab.page.locator(".frame").first.bounding_box()
    tab.page.click("#fullscreen")
    tab.page.get_by_text("Leave full screen").wait_for()
    after = tab.page.locator(".frame").first.bounding_box()
    assert after["width"] > 1.1 * before["width"]
    tab.page.click("#fullscreen")
    tab.page.get_by_text("Full screen", exact=True).wait_for()
