"""Image files from outside: every kind that is read becomes an upright RGB picture."""

from __future__ import annotations

import io
import sys
import time

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from model.formats.photo import Photo, UnsupportedFormat, be_able_to_read_heic, decode
from tests.support.image_files import (
    FOCAL_LENGTH_35MM,
    FORMATS,
    LIMIT,
    ORIENTATION,
    ORIENTED_XMP,
    encode,
    exif_block,
    jpeg_with,
    raw_exif,
    short,
    smooth,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")


def difference(photo: Photo, expected: np.ndarray) -> float:
    assert photo.pixels.shape == expected.shape
    return float(np.abs(photo.pixels.astype(int) - expected.astype(int)).max())


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS.keys())
def test_each_format_gives_its_rgb_pixels(options):
    photo = decode(encode(smooth(), **options), LIMIT)
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.flags.c_contiguous
    assert (photo.width, photo.height) == (80, 60)
    assert difference(photo, smooth()) <= (0 if options["format"] == "PNG" or "lossless" in options else 16)


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS.keys())
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_gives_the_upright_picture(orientation, options):
    # Store the picture so that the orientation undoes it: each of the eight is the inverse of another.
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    method = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }  # fmt: skip
    upright = Image.fromarray(smooth())
    stored = upright.transpose(method[inverse]) if inverse in method else upright
    data = encode(stored, exif=exif_block(orientation), **options)
    with Image.open(io.BytesIO(data)) as image:  # a second opinion on what upright is
        reference = np.array(ImageOps.exif_transpose(image).convert("RGB"))
    photo = decode(data, LIMIT)
    assert difference(photo, smooth()) <= 16
    assert difference(photo, reference) <= 8


def test_exif_orientation_of_a_transparent_picture():
    pixels = np.dstack([smooth(), np.full((60, 80), 255, np.uint8)])
    stored = Image.fromarray(pixels).transpose(Image.Transpose.ROTATE_90)
    assert difference(decode(encode(stored, format="PNG", exif=exif_block(6)), LIMIT), smooth()) == 0


@pytest.mark.parametrize("format", sorted({str(options["format"]) for options in FORMATS.values()}))
def test_focal_length_of_exif_is_scaled_by_the_diagonal(format):
    # A 43.2666 mm lens has a focal length of one film diagonal; 80 x 60 pixels have a diagonal of 100.
    data = encode(smooth(), format=format, exif=exif_block(focal_length=50))
    assert decode(data, LIMIT).focal_length == pytest.approx(100 * 50 / 43.2666, rel=1e-5)
    assert decode(encode(smooth(), format=format), LIMIT).focal_length is None
    assert decode(encode(smooth(), format=format, exif=exif_block(focal_length=0)), LIMIT).focal_length is None


def test_of_many_exif_segments_the_first_counts():
    jpeg = encode(smooth(), format="JPEG", quality=95, exif=exif_block(6))
    segment = b"\xff\xe1\x01\x00Exif\0\0" + bytes(0x100 - 8)
    start = jpeg.index(b"\xff\xdb")
    data = jpeg[:start] + segment * 40_000 + jpeg[start:]  # 10 MB, which Pillow would copy 40,000 times
    started = time.process_time()
    assert decode(data, LIMIT).pixels.shape == (80, 60, 3)
    assert time.process_time() - started < 3.0


PREFIX, SIDEWAYS = b"Exif\0\0", raw_exif([short(ORIENTATION, 6)], [short(FOCAL_LENGTH_35MM, 50)])


@pytest.mark.parametrize(
    "segments",
    [
        [PREFIX + SIDEWAYS],
        [PREFIX + PREFIX + SIDEWAYS],
        [PREFIX + SIDEWAYS, PREFIX + raw_exif([short(ORIENTATION, 3)])],
        [PREFIX + bytes(100), PREFIX + SIDEWAYS],
        [PREFIX, PREFIX + SIDEWAYS],
        [b"http://ns.adobe.com/xap/1.0/\0<x/>", PREFIX + SIDEWAYS],
        [PREFIX + SIDEWAYS + bytes(65_000), PREFIX + bytes(65_000)],  # over 64 KB go into several segments
    ],
)
def test_exif_of_a_jpeg_counts_written_once_or_twice(segments):
    photo = decode(jpeg_with(*segments), LIMIT)
    assert photo.pixels.shape == (80, 60, 3)
    assert photo.focal_length == pytest.approx(100 * 50 / 43.2666, rel=1e-5)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_exif_over_64_kb_counts(format):
    data = encode(smooth(), format=format, exif=PREFIX + SIDEWAYS + bytes(70_000))
    photo = decode(data, LIMIT)
    assert photo.pixels.shape == (80, 60, 3)
    assert photo.focal_length == pytest.approx(100 * 50 / 43.2666, rel=1e-5)


BOXED = [options for options in FORMATS.values() if options["format"] in ("AVIF", "HEIF")]


@pytest.mark.parametrize("options", BOXED, ids=lambda options: options["format"])
def test_of_exif_in_boxes_only_the_focal_length_counts(options):
    # ISO/IEC 23008-12: what turns the picture are the file's own boxes, which Pillow and pillow-heif write.
    stored = Image.fromarray(smooth())
    data = encode(stored, exif=exif_block(1, 50), **options)
    assert data.count(b"\x01\x12\0\x03\0\0\0\x01\0\x01") == (options["format"] == "HEIF")
    lying = data.replace(b"\x01\x12\0\x03\0\0\0\x01\0\x01", b"\x01\x12\0\x03\0\0\0\x01\0\x06")
    photo = decode(lying, LIMIT)
    assert difference(photo, smooth()) <= 16
    assert photo.focal_length == pytest.approx(100 * 50 / 43.2666, rel=1e-5)


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
def test_an_orientation_in_xmp_alone_is_passed_over_as_browsers_do(format):
    data = encode(smooth(), format=format, xmp=ORIENTED_XMP)
    with Image.open(io.BytesIO(data)) as image:
        assert ImageOps.exif_transpose(image).size == (60, 80)  # Pillow would turn it
    assert difference(decode(data, LIMIT), smooth()) <= 16
    data = encode(smooth(), format=format, xmp=ORIENTED_XMP, exif=exif_block(3))
    assert difference(decode(data, LIMIT), smooth()[::-1, ::-1]) <= 16


def test_heic_without_its_extra_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    be_able_to_read_heic.cache_clear()
    with pytest.raises(UnsupportedFormat, match=r"HEIC photo.*extra heic.*pillow-heif.*JPEG"):
        decode(b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(100), LIMIT)
    be_able_to_read_heic.cache_clear()


def test_transparency_is_blended_onto_white():
    # Red 200 at alpha 0, 51, 128, 255: 255 - (255 - 200) a / 255 = 255, 244, 227.4, 200
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[..., 0] = 200
    pixels[:, :, 3] = np.repeat([0, 51, 128, 255], 4)
    for options in ({"format": "PNG"}, {"format": "WEBP", "lossless": True, "exact": True}):
        photo = decode(encode(pixels, **options), LIMIT)
        assert photo.pixels[5, [0, 4, 8, 12], 0].tolist() == [255, 244, 227, 200]
        assert photo.pixels[5, [0, 4, 8, 12], 1].tolist() == [255, 204, 127, 0]


def test_a_picture_that_is_all_transparent_is_what_stands_behind():
    pixels = np.dstack([smooth(), np.zeros((60, 80), np.uint8)])
    grey = Image.fromarray(pixels).convert("LA")
    assert difference(decode(encode(pixels, format="PNG"), LIMIT), smooth()) == 0
    assert difference(decode(encode(pixels, format="WEBP", lossless=True, exact=True), LIMIT), smooth()) <= 1
    assert decode(encode(grey, format="PNG"), LIMIT).pixels[..., 0].tolist() == np.asarray(grey)[..., 0].tolist()
    pixels[0, 0, 3] = 1
    assert decode(encode(pixels, format="PNG"), LIMIT).pixels[1:].min() == 255


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "I;16"])
def test_every_kind_of_png_becomes_rgb(mode):
    if mode == "I;16":
        grey = np.tile(np.arange(64, dtype=np.uint16) * 1000, (64, 1))
        expected = np.repeat((grey >> 8).astype(np.uint8)[..., None], 3, axis=2)
        data = encode(Image.fromarray(grey), format="PNG")
    else:
        image = Image.fromarray(smooth()).convert(mode)
        expected = np.array(image.convert("RGB"))
        data = encode(image, format="PNG")
    assert difference(decode(data, LIMIT), expected) <= 1


def test_grey_of_a_sensors_12_bits_is_as_light_as_of_16():
    grey = np.tile(np.arange(64, dtype=np.uint16) * 65, (64, 1))  # 4095 at most
    photo = decode(encode(Image.fromarray(grey), format="PNG"), LIMIT)
    assert difference(photo, np.repeat((grey >> 4).astype(np.uint8)[..., None], 3, axis=2)) <= 1


def test_transparent_palette_is_blended_onto_white():
    image = Image.fromarray(np.repeat([[0, 1]], 16, axis=0).repeat(8, axis=1).astype(np.uint8), mode="P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    pixels = decode(encode(image, format="PNG", transparency=0), LIMIT).pixels
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[0, 15].tolist() == [200, 100, 50]


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
def test_a_palette_that_is_all_transparent_is_what_stands_behind():
    image = Image.fromarray(smooth()).quantize(8)
    assert (
        difference(decode(encode(image, format="PNG", transparency=bytes(8)), LIMIT), np.array(image.convert("RGB")))
        == 0
    )
    assert decode(encode(image, format="PNG", transparency=bytes(7)), LIMIT).pixels.max() == 255
    plain = Image.new("P", (80, 60))
    plain.putpalette([10, 20, 30])
    for format in ("PNG", "GIF"):
        assert (decode(encode(plain, format=format, transparency=0), LIMIT).pixels == [10, 20, 30]).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour(channels):
    pixels = np.full((16, 16, channels), 65535, np.uint16)
    pixels[..., :3] = (0x1000, 0x8000, 0xF000)  # OpenCV writes blue, green, red
    data = cv2.imencode(".png", pixels)[1].tobytes()
    assert decode(data, LIMIT).pixels[3, 3].tolist() == [0xF0, 0x80, 0x10]


def test_cmyk_jpeg():
    image = Image.fromarray(smooth()).convert("CMYK")
    photo = decode(encode(image, format="JPEG", quality=95), LIMIT)
    assert difference(photo, smooth()) <= 16


def test_grey_jpeg():
    photo = decode(encode(Image.fromarray(smooth()).convert("L"), format="JPEG"), LIMIT)
    assert (photo.pixels[..., 0] == photo.pixels[..., 1]).all()


@pytest.mark.parametrize("options", [{"format": "PNG"}, {"format": "WEBP", "lossless": True}], ids=["png", "webp"])
def test_of_an_animation_the_first_picture_counts(options):
    frames = [Image.fromarray(np.roll(smooth(), 10 * shift, axis=1)) for shift in range(4)]
    data = encode(frames[0], save_all=True, append_images=frames[1:], **options)
    assert difference(decode(data, LIMIT), smooth()) == 0


def test_bytes_after_the_end_do_no_harm():
    # Phones append a second picture or a video; in a video any marker may turn up.
    tail = b"\xff\xda\x00\x08" * 500 + b"\xff\xc0\x00\x11"
    for options in FORMATS.values():
        assert decode(encode(smooth(), **options) + tail, LIMIT).width == 80
