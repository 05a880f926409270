"""Image files that are broken, too large, or made to do harm: refused, and nothing else happens."""

from __future__ import annotations

import re
import resource
import struct
import time
import zlib
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFile
from PIL.WebPImagePlugin import WebPImageFile

from model.errors import BadInput
from model.formats.photo import MAX_JPEG_SCANS, BrokenImage, TooManyPixels, UnsupportedFormat, decode
from tests.support.image_files import FOCAL_LENGTH_35MM, FORMATS, LIMIT, encode, exif_block, raw_exif, short, smooth

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS.keys())
def test_a_file_cut_anywhere_is_refused(options):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    data = encode(noise, exif=exif_block(3, 28), **options)
    for length in {*range(0, 64), *range(64, len(data), 37), len(data) - 1}:
        with pytest.raises((BrokenImage, UnsupportedFormat)):
            decode(data[:length], LIMIT)


@cache
def whole(**options: object) -> bytes:
    return encode(smooth(), exif=exif_block(5, 28), **options)


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS.keys())
@given(damage=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_refused_but_never_an_accident(options, damage):
    data = bytearray(whole(**options))
    for position, value in damage:
        data[position % len(data)] = value
    try:
        photo = decode(bytes(data), LIMIT)
    except BadInput:
        return
    assert photo.pixels.dtype == np.uint8
    assert photo.width * photo.height <= LIMIT


STARTS = [
    b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x20\0\0\0WEBP", b"RIFF\x20\0\0\0WEBPVP8X",
    *(b"\0\0\0\x14ftyp" + brand + b"\0\0\0\0" + brand for brand in (b"avif", b"avis", b"heic", b"heix", b"mif1")),
]  # fmt: skip


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_noise_behind_a_signature_is_refused(noise):
    for start in STARTS:
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


def declaring(data: bytes, side: int) -> bytes:
    """A HEIC or AVIF of which the box says another size than its stream."""
    size = struct.pack(">II", side, side)
    lying, count = re.subn(rb"ispe(....)(........)", lambda box: b"ispe" + box[1] + size, data, flags=re.DOTALL)
    assert count == 1
    return lying


BOXED = [FORMATS[name] for name in ("avif", "heic") if name in FORMATS]


@pytest.mark.parametrize("options", BOXED, ids=lambda options: options["format"])
def test_boxes_that_declare_other_sizes_than_their_streams_are_told_or_cost_nothing(options):
    data = encode(smooth(64, 64), **options)
    with pytest.raises(TooManyPixels):
        decode(declaring(data, 8000), LIMIT)
    try:
        photo = decode(declaring(data, 32), LIMIT)  # libavif scales, libheif refuses
    except BrokenImage:
        return
    assert (photo.width, photo.height) == (32, 32)


@pytest.mark.parametrize("start", [b"XX*\0\x08\0\0\0", b"II*\0\xff\xff\xff\0"])
def test_an_avif_is_not_refused_for_its_exif(start):
    data = encode(smooth(), format="AVIF", exif=raw_exif([], [short(FOCAL_LENGTH_35MM, 50)]))
    odd = data.replace(b"II*\0\x08\0\0\0", start)
    assert odd != data
    assert decode(odd, LIMIT).focal_length is None  # libavif would refuse the first


def test_avif_whose_exif_names_the_same_bytes_thousands_of_times_costs_nothing():
    entries = [(tag, 7, 2**20, struct.pack("<I", 8)) for tag in range(0x200, 0x200 + 20_000)]  # 20 GB in all
    block = raw_exif([], [short(FOCAL_LENGTH_35MM, 50)])
    data = encode(smooth(), format="AVIF", exif=block)
    hostile = raw_exif(entries, tail=bytes(2**20))
    place = data.index(block) - 4  # behind four bytes of its own
    listed = struct.pack(">II", place, len(block) + 4)
    assert data.count(listed) == 1
    data = data.replace(listed, struct.pack(">II", len(data), len(hostile) + 4)) + bytes(4) + hostile
    mdat = data.index(b"mdat") - 4
    data = data[:mdat] + struct.pack(">I", len(data) - mdat) + data[mdat + 4 :]
    started, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert decode(data, LIMIT).width == 80
    assert time.process_time() - started < 3.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


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
    ("data", "words"),
    [
        (b"GIF89a\x10\0\x10\0\0\0\0;", "is a film, or an animation, no JPEG.*/videos"),
        (b"\0\0\0\x1cftypisom", "is a film.*/videos and for `mpt reconstruct`.*one of its pictures"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>", "SVG"),
        (b"\r\n<!DOCTYPE html><html>", "is a web page"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"BM\x46\0\0\0\0\0\0\0", "is a BMP"),
        (b"II*\0\x10\0\0\0CR\x02\0", "camera's raw photo"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "camera's raw photo"),
        (b"FUJIFILMCCD-RAW 0201", "camera's raw photo"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "is a JPEG XL"),
        (b"PK\x03\x04", "is an archive"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "This file is no"),
        (b"just text", "This file is no"),
    ],
)
def test_other_formats_are_refused_by_their_bytes(data, words):
    with pytest.raises(UnsupportedFormat, match=words) as refused:
        decode(data + bytes(100), LIMIT)
    assert "no JPEG, PNG, WebP, HEIC, AVIF or still GIF image" in str(refused.value)


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
