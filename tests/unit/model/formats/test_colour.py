"""Photos whose numbers mean other colours than sRGB's."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from model.formats.colour import to_srgb
from model.formats.photo import decode
from tests.support.colour_profiles import DISPLAY_P3, SRGB, phone, press, to_xyz
from tests.support.image_files import FORMATS, LIMIT, encode, smooth


def meant(pixels: np.ndarray) -> np.ndarray:
    """Display P3 in sRGB, by the book."""
    linear = np.where(pixels <= 10, pixels / 255 / 12.92, ((pixels / 255 + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ (np.linalg.inv(to_xyz(SRGB)) @ to_xyz(DISPLAY_P3)).T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS)
def test_a_phones_colours_are_those_that_it_means(options):
    plain, tagged = (
        decode(encode(smooth(), **options, **more), LIMIT).pixels.astype(float)
        for more in ({}, {"icc_profile": phone(DISPLAY_P3)})
    )
    assert np.abs(tagged - meant(plain)).max() <= 2
    assert np.abs(tagged - plain).max() > 30


def test_what_is_srgb_is_left_to_the_last_bit():
    ours = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = decode(encode(smooth(), format="PNG"), LIMIT).pixels
    for profile in (ours, phone(SRGB)):
        assert np.array_equal(decode(encode(smooth(), format="PNG", icc_profile=profile), LIMIT).pixels, plain)


def test_inks_have_the_colours_of_their_press():
    inks = Image.new("CMYK", (64, 16))
    for index, ink in enumerate([(0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 0, 255)]):
        inks.paste(ink, (16 * index, 0, 16 * index + 16, 16))
    data = encode(inks, format="JPEG", quality=100, icc_profile=press())
    paper, cyan, magenta, black = decode(data, LIMIT).pixels[8, 8::16].astype(int)
    assert paper.min() >= 253
    assert np.abs(cyan - (0, 146, 215)).max() <= 12  # Lab 55, -37, -50, which is not (0, 255, 255)
    assert np.abs(magenta - (204, 0, 120)).max() <= 16
    assert black.max() <= 45


def test_transparency_is_white_whatever_white_is():
    pixels = np.dstack([smooth(), np.full((60, 80), 255, np.uint8)])
    pixels[:30, :, 3] = 0
    assert decode(encode(pixels, format="PNG", icc_profile=phone(DISPLAY_P3)), LIMIT).pixels[:30].min() == 255


@pytest.mark.parametrize(
    "profile",
    [
        b"no profile",
        phone(DISPLAY_P3) + b"mpet",
        phone(DISPLAY_P3)[:300],
        press(),
        phone(DISPLAY_P3) + bytes(5 * 2**20),
    ],
)
def test_a_profile_of_no_use_is_passed_over(profile):
    assert to_srgb(profile, "RGB") is None


def test_damaged_profiles_do_no_harm():
    random = np.random.default_rng(0)
    for profile, mode, times in ((phone(DISPLAY_P3), "RGB", 20), (press(), "CMYK", 3)):
        for _ in range(times):
            damaged = np.frombuffer(profile, np.uint8).copy()
            damaged[random.integers(128, len(damaged), 4)] = random.integers(0, 256, 4)
            change = to_srgb(damaged.tobytes(), mode)
            assert change is None or change(Image.new(mode, (16, 16))).mode == "RGB"


def test_a_large_profile_is_no_damage():
    random = np.random.default_rng(0).integers(0, 256, 3 * 2**20, np.uint8).tobytes()
    plain, tagged = (
        decode(encode(smooth(), format="PNG", **more), LIMIT).pixels.astype(float)
        for more in ({}, {"icc_profile": phone(DISPLAY_P3) + random})
    )
    assert np.abs(tagged - meant(plain)).max() <= 2
