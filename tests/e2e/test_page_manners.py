"""The page in a real browser: what goes wrong, small screens, and no mouse."""

from __future__ import annotations

import base64
import re

import cv2
import numpy as np
import pytest
from PIL import Image

from model.formats.photo import decode
from tests.support.image_files import ORIENTED_XMP, encode, exif_block, smooth
from tests.support.npm import npm_package
from tests.support.tab import INSIDE, PEOPLE, SAMPLE, WINDOW, Tab, choose_file, problem


def test_a_text_file_gives_the_services_words(tab):
    choose_file(tab, b"no image", "notes.txt", "text/plain")
    title, detail = problem(tab)
    assert title == "Unsupported image format"
    assert "no JPEG, PNG, WebP, HEIC or AVIF" in detail
    assert tab.page.locator("#again").is_hidden()  # the same file would be refused again
    tab.answer(lambda: tab.page.click("#sample"))
    assert tab.page.locator("#problem").is_hidden()


def sample_as(format: str, **options: object) -> bytes:
    with Image.open(SAMPLE) as image:
        return encode(image, format=format, **options)


def test_a_photo_that_the_browser_cannot_show_gives_its_meshes_all_the_same(tab):
    pytest.importorskip("pillow_heif")
    heic = sample_as("HEIF", quality=80)
    answer = tab.answer(lambda: choose_file(tab, heic, "photo.heic", "image/heic"))
    assert len(answer["people"]) == PEOPLE
    assert "cannot show this photo" in tab.page.inner_text("#stages .note")
    tab.blend(100)
    assert tab.picture()[INSIDE].std() > 20  # the meshes
    tab.choose("[name=view][value=side]")
    with tab.page.expect_download() as download:
        tab.page.click("#picture")
    picture = cv2.imread(str(download.value.path()))
    assert picture.std() > 20
    tab.answer(
        lambda: choose_file(tab, SAMPLE.read_bytes(), "sample.jpg", "image/jpeg")
    )  # the note goes with its photo
    assert tab.page.locator("#stages .note").is_hidden()


def test_avif_is_sent_as_it_is_and_shown(tab):
    avif = sample_as("AVIF", exif=exif_block(focal_length=60))
    answer = tab.answer(lambda: choose_file(tab, avif, "photo.avif", "image/avif"))
    assert len(answer["people"]) == PEOPLE
    # What a canvas makes of a photo has no EXIF: 1200 x 800 pixels have a diagonal of 1442, a film one of 43.3 mm.
    assert answer["people"][0]["camera"]["focal_length"] == pytest.approx(60 * 1442.2 / 43.267, rel=1e-3)
    assert tab.page.locator("#stages .note").is_hidden()


SIZE = """async (address) => {
    const image = new Image();
    image.src = address;
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
}"""


@pytest.mark.parametrize(
    ("options", "size"), [({"exif": exif_block(6)}, [60, 80]), ({"xmp": ORIENTED_XMP}, [80, 60])], ids=["exif", "xmp"]
)
def test_a_browser_turns_a_photo_as_the_service_does(browser, options, size):
    data = encode(smooth(), format="JPEG", **options)
    page = browser.new_page()
    assert page.evaluate(SIZE, f"data:image/jpeg;base64,{base64.b64encode(data).decode()}") == size
    page.close()
    photo = decode(data, 10_000)
    assert [photo.width, photo.height] == size


PASTE_LARGE = """() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(33 * 2 ** 20)], "large.jpg", { type: "image/jpeg" }));
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer }));
}"""


def test_a_large_file_is_not_sent(tab):
    sent: list[str] = []
    tab.page.on("request", lambda request: sent.append(request.url))
    tab.page.evaluate(PASTE_LARGE)
    title, detail = problem(tab)
    assert title == "Photo too large"
    assert "large.jpg has 33 MB; at most 32 MB" in detail
    assert not any("/reconstruct" in url for url in sent)


def test_a_service_that_is_gone_and_comes_back(tab):
    tab.page.route(re.compile("/reconstruct|/v2/"), lambda route: route.abort())
    tab.page.click("#sample")
    title, _ = problem(tab)
    assert title == "The service cannot be reached"
    tab.page.unroute_all()
    tab.answer(lambda: tab.page.click("#again"))


def test_a_busy_service_is_asked_again(tab):
    busy = {"status": 503, "headers": {"Retry-After": "1"}, "body": '{"title": "Too many", "detail": "Busy."}'}
    tab.page.route(re.compile("/reconstruct"), lambda route: route.fulfill(**busy), times=2)
    tab.page.click("#sample")
    tab.page.wait_for_selector("body[data-state=result]")


def test_a_key_is_asked_for(tab):
    def guard(route) -> None:
        if route.request.headers.get("x-api-key") == "right":
            route.continue_()
        else:
            route.fulfill(status=401, body='{"title": "Unauthorized", "detail": "A key."}')

    tab.page.route(re.compile("/reconstruct"), guard)
    tab.page.click("#sample")
    assert "key" in problem(tab)[0]
    tab.page.locator("#key").fill("right")
    tab.answer(lambda: tab.page.locator("#key").press("Enter"))


def test_a_photo_without_people(tab):
    wall = cv2.imencode(".png", np.full((240, 320, 3), 128, np.uint8))[1].tobytes()
    tab.answer(lambda: choose_file(tab, wall, "wall.png", "image/png"))
    assert "Nobody was found" in tab.page.inner_text("#about")
    assert tab.page.locator("#controls").is_hidden()


def test_cancelling(tab):
    tab.page.route(re.compile("/reconstruct"), lambda route: None)  # never answers
    tab.page.click("#sample")
    tab.page.click("#cancel")
    assert tab.page.locator("#upload").is_visible()
    tab.page.unroute_all(behavior="ignoreErrors")


def test_by_keyboard_alone(tab):
    """From the page's top to a result and into its picture, with Tab, Enter, the space bar and arrows."""
    for _ in range(12):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate("document.activeElement.id") == "sample":
            break
    else:
        pytest.fail("Tab does not lead to the sample.")
    tab.answer(lambda: tab.page.keyboard.press("Enter"))
    assert "sample.jpg" in tab.page.evaluate("document.activeElement.textContent")
    reached = set()
    for _ in range(20):
        tab.page.keyboard.press("Tab")
        reached.add(
            tab.page.evaluate(
                "document.activeElement.id || document.activeElement.name || document.activeElement.className"
            )
        )
    assert {"person", "joints-2d", "joints-3d", "json"} <= reached
    assert "people" in tab.page.inner_text("#work") and "pixels" in tab.page.inner_text("#status")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone(browser, both_modes, scheme):
    small = {**WINDOW, "viewport": {"width": 375, "height": 700}}
    tab = Tab(browser, both_modes, **small, is_mobile=True, has_touch=True, color_scheme=scheme)

    def fits() -> None:
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 375
        assert tab.page.evaluate("innerWidth") == 375

    fits()
    choose_file(tab, b"no image", "notes.txt", "text/plain")
    problem(tab)
    fits()
    tab.answer(lambda: tab.page.tap("#sample"))
    fits()
    tab.answer(lambda: tab.choose("#modes [value=both]"))
    fits()
    for target in tab.page.locator("button:visible, a:visible, label:visible").all():
        box = target.bounding_box()
        assert box["height"] >= 24 and box["x"] >= 0 and box["x"] + box["width"] <= 375, target.inner_text()
    background = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", background))) < 60) == (scheme == "dark")
    tab.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_anybody(browser, both_modes, scheme):
    """Names, roles, contrast and order by axe-core's rules, which follow WCAG."""
    axe = (npm_package("axe-core", "4.14.1") / "axe.min.js").read_text()
    tab = Tab(browser, both_modes, **WINDOW, bypass_csp=True, color_scheme=scheme)

    def violations() -> list[tuple[str, str]]:
        tab.page.evaluate(axe)
        found = tab.page.evaluate("axe.run()")
        assert len(found["passes"]) > 20
        return [(rule["id"], node["html"]) for rule in found["violations"] for node in rule["nodes"]]

    assert violations() == []
    choose_file(tab, b"no image", "notes.txt", "text/plain")
    problem(tab)
    assert violations() == []
    tab.answer(lambda: tab.page.click("#sample"))
    assert violations() == []
    tab.answer(lambda: tab.choose("#modes [value=both]"))
    assert violations() == []
    tab.close()


def test_the_sample_is_small():
    assert SAMPLE.stat().st_size < 100_000
