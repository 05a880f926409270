"""Image files that are broken, too large, or made to do harm: refused, and nothing else happens."""

from __future__ import annotations

import struct
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFile
from PIL.WebPImagePlugin import WebPImageFile

from model.errors import BadInput
from model.formats.photo import MAX_JPEG_SCANS, BrokenImage, TooManyPixels, UnsupportedFormat, decode
from tests.support.image_files import FORMATS, LIMIT, encode, exif_block, smooth

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS.keys())
def test_a_file_cut_anywhere_is_refused(options):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    data = encode(noise, exif=exif_block(3, 28), **options)
    for length in {*range(0, 64), *range(64, len(data), 37), len(data) - 1}:
        with pytest.raises((BrokenImage, UnsupportedFormat)):
            decode(data[:length], LIMIT)


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS.keys())
@given(damage=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_refused_but_never_an_accident(options, damage):
    data = bytearray(encode(smooth(), exif=exif_block(5, 28), **options))
    for position, value in damage:
        data[position % len(data)] = value
    try:
        photo = decode(bytes(data), LIMIT)
    except BadInput:
        return
    assert photo.pixels.dtype == np.uint8
    assert photo.width * photo.height <= LIMIT


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_noise_behind_a_signature_is_refused(noise):
    for start in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x20\0\0\0WEBP", b"RIFF\x20\0\0\0WEBPVP8X"):
        with pytest.raises(BadInput):
            decode(start + noise, LIMIT)


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def large_webp() -> bytes:
    """A whole small file that declares 16,384 x 16,384 pixels."""
    data = bytearray(encode(smooth(), format="WEBP", lossless=True))
    assert data[12:16] == b"VP8L"
    data[21:25] = (int.from_bytes(data[21:25], "little") | 2**28 - 1).to_bytes(4, "little")
    return bytes(data)


def webp_canvas(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def jpeg_header(width: int, height: int, scans: int = 1) -> bytes:
    frame = b"\xff\xc2\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00" * scans + b"\xff\xd9"


BOMBS = {
    "png": png(50_000, 50_000),
    "png just over": png(10_000, 5_001),
    "png of two gigapixels in one row": png(2**31 - 1, 1),
    "webp": large_webp(),
    "jpeg": jpeg_header(65_535, 65_535),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS.keys())
def test_a_declared_size_over_the_limit_is_refused_undecoded(data, monkeypatch):
    for reader in (ImageFile.ImageFile, WebPImageFile):
        monkeypatch.setattr(reader, "load", lambda *_: pytest.fail("decoded"))
    with pytest.raises(TooManyPixels, match="at most"):
        decode(data, 50_000_000)


def test_the_limit_itself_is_accepted():
    data = encode(smooth(80, 60), format="PNG")
    assert decode(data, 4800).width == 80
    with pytest.raises(TooManyPixels):
        decode(data, 4799)


def test_a_size_that_the_pixels_do_not_bear_out_is_refused():
    with pytest.raises(BrokenImage):
        decode(png(64, 64, bytes(100)), LIMIT)
    with pytest.raises(BrokenImage):
        decode(webp_canvas(64, 64) + b"\0\0", LIMIT)


def test_a_jpeg_of_too_many_scans_is_refused():
    data = encode(smooth(), format="JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    more = MAX_JPEG_SCANS - data.count(b"\xff\xda")
    assert decode(data[:-2] + more * scan + data[-2:], LIMIT).width == 80
    with pytest.raises(BrokenImage, match="scans"):
        decode(data[:-2] + (more + 1) * scan + data[-2:], LIMIT)


SEGMENT = b"\xff\xe2\x00\x02"
CHUNK = bytes(4) + b"abCd" + struct.pack(">I", zlib.crc32(b"abCd"))
EMPTY_PART = bytes(4) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
TINY = {
    "jpeg": b"\xff\xd8" + SEGMENT * 200_000,
    "jpeg behind the first scan": jpeg_header(64, 64)[:-2] + SEGMENT * 200_000 + b"\xff\xd9",
    "jpeg of nothing": b"\xff\xd8" + SEGMENT + bytes(400_000) + jpeg_header(64, 64)[2:],
    "png": png(64, 64)[:33] + CHUNK * 100_000 + png(64, 64)[33:],
    "png behind the picture": png(64, 64, bytes(64 * 193))[:-12] + CHUNK * 100_000 + png(64, 64)[-12:],
    "png in empty parts": png(64, 64)[:33] + EMPTY_PART * 100_000 + png(64, 64)[33:],
}


@pytest.mark.parametrize("data", TINY.values(), ids=TINY.keys())
def test_millions_of_tiny_segments_are_given_up_soon(data):
    start = time.process_time()
    with pytest.raises(BrokenImage, match="too many"):
        decode(data, LIMIT)
    assert time.process_time() - start < 3.0


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a\x10\0\x10\0\0\0\0;",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>",
        b"%PDF-1.7\n",
        b"BM\x46\0\0\0",
        b"II*\0\x08\0\0\0",
        b"\0\0\0\x1cftypheic",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"PK\x03\x04",
        b"just text",
    ],
)
def test_other_formats_are_refused_by_their_bytes(data):
    with pytest.raises(UnsupportedFormat, match="JPEG, PNG or WebP"):
        decode(data + bytes(100), LIMIT)


def test_an_empty_file_says_so():
    with pytest.raises(BrokenImage, match="empty"):
        decode(b"", LIMIT)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (15, 100), (2000, 16)])
def test_pictures_too_small_or_too_thin_for_people_are_refused(width, height):
    with pytest.raises(BadInput, match=f"{width} x {height}"):
        decode(encode(smooth(width, height), format="PNG"), LIMIT)


def test_a_width_of_zero_is_refused():
    with pytest.raises(BrokenImage):
        decode(png(0, 64), LIMIT)
