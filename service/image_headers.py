"""What a JPEG, PNG or WebP file says about itself, read from its bytes without decoding a pixel.

The walk over a file's segments also tells a whole file from one that ends early, which decoders report poorly.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from model.errors import BadInput

# Bounds on how long a hostile file can keep the walk, and a progressive JPEG's decoder, busy. Cameras and editors
# stay an order of magnitude below: at most a dozen scans, some thousands of chunks.
MAX_SEGMENTS = 100_000
MAX_JPEG_SCANS = 64

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# A marker is 0xFF and a code; 0xFF00 (stuffing) and 0xFFD0 to D7 (restart) belong to the compressed data.
_JPEG_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1


class UnsupportedFormat(BadInput):
    """The bytes are no JPEG, PNG or WebP."""


class BrokenImage(BadInput):
    """The bytes begin as an image but cannot be read to the end."""


@dataclass(frozen=True)
class Exif:
    """The two EXIF entries that matter here.

    Attributes:
        orientation: 1 to 8, how to turn the stored picture so that it stands upright.
        focal_length_35mm: Focal length in millimetres of an equivalent 35 mm camera, if the camera noted it.
    """

    orientation: int = 1
    focal_length_35mm: float | None = None


@dataclass(frozen=True)
class ImageHeader:
    """A file's own description. Width and height are those of the stored picture, before EXIF orientation."""

    width: int
    height: int
    has_alpha: bool
    exif: Exif


def read_header(data: bytes) -> ImageHeader:
    """Read the size, transparency and EXIF of an image file, whose format is told by its first bytes.

    Args:
        data: The whole file.

    Raises:
        UnsupportedFormat: Neither JPEG, nor PNG, nor WebP.
        BrokenImage: Empty, cut short or inconsistent.
    """
    if not data:
        raise BrokenImage("The image is empty: it has no bytes. Send a JPEG, PNG or WebP file.")
    if data.startswith(b"\xff\xd8\xff"):
        header = _read_jpeg(data)
    elif data.startswith(PNG_SIGNATURE):
        header = _read_png(data)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        header = _read_webp(data)
    else:
        raise UnsupportedFormat("This file is no JPEG, PNG or WebP image. Convert it to one of them and send it again.")
    if header.width < 1 or header.height < 1:
        raise BrokenImage(
            "The image declares a width or height of zero: it is damaged. Save it anew and send it again."
        )
    return header


def _cut_short() -> BrokenImage:
    return BrokenImage(
        "The image ends before its data is complete. Was the upload or the copy cut short? Send it again."
    )


def _damaged(what: str) -> BrokenImage:
    return BrokenImage(f"The image is damaged: {what}. Save it anew and send it again.")


def _read_jpeg(data: bytes) -> ImageHeader:
    size: tuple[int, int] | None = None
    exif = b""
    scans = 0
    position = 2
    for _ in range(MAX_SEGMENTS):
        marker = _JPEG_MARKER.search(data, position)
        if marker is None:
            raise _cut_short()
        code, position = marker[1][0], marker.end()
        if code == _EOI:
            if size is None or scans == 0:
                raise _damaged("it holds no picture")
            return ImageHeader(size[0], size[1], has_alpha=False, exif=parse_exif(exif))
        if code in (0x01, _SOI):  # markers that stand alone
            continue
        if position + 2 > len(data):
            raise _cut_short()
        length = int.from_bytes(data[position : position + 2], "big")
        segment = data[position + 2 : position + length]
        position += length
        if length < 2:
            raise _damaged("a segment has an impossible length")
        if position > len(data):
            raise _cut_short()
        if code in _JPEG_FRAMES:
            if size is not None or len(segment) < 6:
                raise _damaged("its frame header makes no sense")
            height, width = struct.unpack_from(">HH", segment, 1)
            size = (width, height)
        elif code == _APP1 and not exif and segment.startswith(b"Exif\0\0"):
            exif = segment
        elif code == _SOS:
            scans += 1
            if scans > MAX_JPEG_SCANS:
                raise _damaged(f"it has more than {MAX_JPEG_SCANS} scans")
    raise _damaged("it has too many segments")


def _read_png(data: bytes) -> ImageHeader:
    width = height = 0
    has_alpha = False
    exif = b""
    position = len(PNG_SIGNATURE)
    for index in range(MAX_SEGMENTS):
        if position + 12 > len(data):
            raise _cut_short()
        length, kind = struct.unpack_from(">I4s", data, position)
        if position + 12 + length > len(data):
            raise _cut_short()
        body = position + 8
        if index == 0:
            if kind != b"IHDR" or length != 13:
                raise _damaged("its header is missing")
            width, height, _, colour_type = struct.unpack_from(">IIBB", data, body)
            has_alpha = colour_type in (4, 6)
        elif kind == b"tRNS":
            has_alpha = True
        elif kind == b"eXIf":
            exif = data[body : body + length]
        elif kind == b"IEND":
            return ImageHeader(width, height, has_alpha, parse_exif(exif))
        position += 12 + length
    raise _damaged("it has too many chunks")


def _read_webp(data: bytes) -> ImageHeader:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data) or len(data) < 30:
        raise _cut_short()
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(body[4:7], "little")
        height = 1 + int.from_bytes(body[7:10], "little")
        exif = _webp_chunk(data[:end], b"EXIF") if body[0] & 0x08 else b""
        return ImageHeader(width, height, bool(body[0] & 0x10), parse_exif(exif))
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return ImageHeader(width & 0x3FFF, height & 0x3FFF, has_alpha=False, exif=Exif())
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return ImageHeader(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), bool(bits >> 28 & 1), Exif())
    raise _damaged("its first chunk is no picture")


def _webp_chunk(data: bytes, wanted: bytes) -> bytes:
    position = 12
    for _ in range(MAX_SEGMENTS):
        if position + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, position)
        if kind == wanted:
            return data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    return b""


def parse_exif(data: bytes) -> Exif:
    """Read orientation and focal length from an EXIF block, with or without its `Exif` prefix.

    A block that makes no sense counts as absent: a photo is never refused for its EXIF.
    """
    tiff = data.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return Exif()
    try:
        (first,) = struct.unpack_from(order + "I", tiff, 4)
        main = _read_directory(tiff, order, first)
        details = _read_directory(tiff, order, main[0x8769]) if 0x8769 in main else {}
    except struct.error:
        return Exif()
    orientation = main.get(0x0112, 1)
    focal_length = details.get(0xA405, 0)
    return Exif(
        orientation if 1 <= orientation <= 8 else 1,
        float(focal_length) if 4 <= focal_length <= 2000 else None,  # 0 means unknown
    )


def _read_directory(tiff: bytes, order: str, offset: int) -> dict[int, int]:
    """Read the single SHORT and LONG values of one TIFF directory, by tag."""
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    values: dict[int, int] = {}
    for entry in range(offset + 2, offset + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", tiff, entry)
        if length == 1 and kind in (3, 4):
            (values[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), tiff, entry + 8)
    return values
