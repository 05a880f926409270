"""The page in a real browser: what goes wrong, small screens, and no mouse."""

from __future__ import annotations

import base64
import re

import cv2
import pytest
from PIL import Image

from model.formats.photo import decode
from tests.support.image_files import ORIENTED_XMP, encode, exif_block, smooth
from tests.support.npm import npm_package
from tests.support.tab import INSIDE, PEOPLE, SAMPLE, WINDOW, choose_file, opened, problem


def test_a_text_file_gives_the_services_words(flat):
    choose_file(flat, b"no image", "notes.txt", "text/plain")
    title, detail = problem(flat)
    assert title == "Unsupported format"
    assert "no JPEG, PNG, WebP, HEIC, AVIF or still GIF" in detail
    assert flat.page.locator("#again").is_hidden()  # the same file would be refused again
    flat.answer(lambda: flat.page.click("#sample"))
    assert flat.page.locator("#problem").is_hidden()


def sample_as(format: str, **options: object) -> bytes:
    """The sample in another format, 600 by 400."""
    with Image.open(SAMPLE) as image:
        return encode(image.resize((600, 400)), format=format, **options)


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
    # What a canvas makes of a photo has no EXIF: 600 x 400 pixels have a diagonal of 721, a film one of 43.3 mm.
    assert answer["people"][0]["camera"]["focal_length"] == pytest.approx(60 * 721.1 / 43.267, rel=1e-3)
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
def test_a_browser_turns_a_photo_as_the_service_does(blank, options, size):
    data = encode(smooth(), format="JPEG", **options)
    assert blank.evaluate(SIZE, f"data:image/jpeg;base64,{base64.b64encode(data).decode()}") == size
    photo = decode(data, 10_000)
    assert [photo.width, photo.height] == size


PASTE_LARGE = """() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(33 * 2 ** 20)], "large.jpg", { type: "image/jpeg" }));
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer }));
}"""


def test_a_large_file_is_not_sent(flat):
    sent: list[str] = []
    flat.page.on("request", lambda request: sent.append(request.url))
    flat.page.evaluate(PASTE_LARGE)
    title, detail = problem(flat)
    assert title == "Photo too large"
    assert "large.jpg has 33 MB; at most 32 MB" in detail
    assert not any("/reconstruct" in url for url in sent)


def test_a_service_that_is_gone_and_comes_back(flat):
    flat.page.route(re.compile("/reconstruct|/v2/"), lambda route: route.abort())
    flat.page.click("#sample")
    title, _ = problem(flat)
    assert title == "The service cannot be reached"
    flat.page.unroute_all()
    flat.answer(lambda: flat.page.click("#again"))


def test_a_busy_service_is_asked_again(flat):
    busy = {"status": 503, "headers": {"Retry-After": "1"}, "body": '{"title": "Too many", "detail": "Busy."}'}
    flat.page.route(re.compile("/reconstruct"), lambda route: route.fulfill(**busy), times=2)
    flat.page.click("#sample")
    flat.page.wait_for_selector("body[data-state=result]")


def test_a_key_is_asked_for(flat):
    def guard(route) -> None:
        if route.request.headers.get("x-api-key") == "right":
            route.continue_()
        else:
            route.fulfill(status=401, body='{"title": "Unauthorized", "detail": "A key."}')

    flat.page.route(re.compile("/reconstruct"), guard)
    flat.page.click("#sample")
    assert "key" in problem(flat)[0]
    flat.page.locator("#key").fill("right")
    flat.answer(lambda: flat.page.locator("#key").press("Enter"))


def test_cancelling(flat):
    flat.page.route(re.compile("/reconstruct"), lambda route: None)  # never answers
    flat.page.click("#sample")
    flat.page.click("#cancel")
    assert flat.page.locator("#upload").is_visible()
    flat.page.unroute_all(behavior="ignoreErrors")


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


SCHEMES = ("light", "dark")
OF_COLOURS = ["color-contrast", "link-in-text-block"]  # axe-core's rules that may judge one scheme unlike the other
BOXES = """(all) => all.map((one) => {
    const { left, right, height } = one.getBoundingClientRect();
    return [one.innerText, left, right, height];
})"""


def test_a_phone(browser, both_modes):
    small = {**WINDOW, "viewport": {"width": 375, "height": 700}}
    with opened(browser, both_modes, **small, is_mobile=True, has_touch=True) as tab:

        def fits() -> None:
            for scheme in SCHEMES:
                tab.page.emulate_media(color_scheme=scheme)
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
        for scheme in SCHEMES:
            tab.page.emulate_media(color_scheme=scheme)
            targets = tab.page.locator("button:visible, a:visible, label:visible").evaluate_all(BOXES)
            assert len(targets) > 20
            for text, left, right, height in targets:
                assert height >= 24 and left >= 0 and right <= 375, text
            background = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (max(map(int, re.findall(r"\d+", background))) < 60) == (scheme == "dark")


def test_nothing_stands_in_the_way_of_anybody(browser, both_modes):
    """Names, roles, contrast and order by axe-core's rules, which follow WCAG."""
    axe = (npm_package("axe-core", "4.14.1") / "axe.min.js").read_text()
    window = {**WINDOW, "viewport": {"width": 640, "height": 480}}
    with opened(browser, both_modes, **window, bypass_csp=True) as tab:
        tab.page.evaluate(axe)

        def violations() -> list[tuple[str, str, str]]:
            found = []
            for scheme in SCHEMES:
                tab.page.emulate_media(color_scheme=scheme)
                only = {} if scheme == SCHEMES[0] else {"runOnly": OF_COLOURS}
                report = tab.page.evaluate("(only) => axe.run(only)", only)
                assert len(report["passes"]) > (0 if only else 20)
                found += [(scheme, rule["id"], node["html"]) for rule in report["violations"] for node in rule["nodes"]]
            return found

        assert violations() == []
        choose_file(tab, b"no image", "notes.txt", "text/plain")
        problem(tab)
        assert violations() == []
        tab.answer(lambda: tab.page.click("#sample"))
        assert violations() == []
        tab.answer(lambda: tab.choose("#modes [value=both]"))
        assert violations() == []


def test_the_sample_is_small():
    assert SAMPLE.stat().st_size < 100_000
