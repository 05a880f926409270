"""Small image files for tests of what reads them."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image

try:
    from pillow_heif import register_heif_opener
except ImportError:
    HEIC: dict[str, dict[str, object]] = {}
else:
    register_heif_opener()
    # A phone's photos are grids of tiles.
    HEIC = {"heic": {"format": "HEIF", "quality": 95}, "tiled heic": {"format": "HEIF", "quality": 95, "tile_size": 64}}

LIMIT = 1_000_000
FORMATS = {
    "jpeg": {"format": "JPEG", "quality": 95},
    "progressive jpeg": {"format": "JPEG", "quality": 95, "progressive": True},
    "png": {"format": "PNG"},
    "webp": {"format": "WEBP", "quality": 95},
    "lossless webp": {"format": "WEBP", "lossless": True},
    "avif": {"format": "AVIF", "quality": 95},
    **HEIC,
}


def smooth(width: int = 80, height: int = 60) -> np.ndarray:
    """A picture without symmetry that survives JPEG's compression."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], -1).astype(np.uint8)


def encode(pixels: np.ndarray | Image.Image, **options: object) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def exif_block(orientation: int = 1, focal_length: int | None = None) -> bytes:
    """As Pillow writes it. As bytes: of an `Image.Exif` its AVIF loses entries, and HEIC is not turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    if focal_length is not None:
        exif.get_ifd(0x8769)[0xA405] = focal_length
    return exif.tobytes()


ORIENTED_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    b"</rdf:RDF></x:xmpmeta>"
)
"""Says that the picture lies on its side."""

Entry = tuple[int, int, int, bytes]
"""Tag, type, how many, and four bytes: the value or where it is."""
SHORT, LONG, ASCII, RATIONAL = 3, 4, 2, 5
ORIENTATION, DETAILS, FOCAL_LENGTH_35MM = 0x0112, 0x8769, 0xA405


def short(tag: int, value: int, order: str = "<") -> Entry:
    return tag, SHORT, 1, struct.pack(order + "HH", value, 0)


def raw_exif(main: Sequence[Entry], details: Sequence[Entry] = (), order: str = "<", tail: bytes = b"") -> bytes:
    """EXIF entry by entry, however odd, without prefix: the main directory at 8, that of details behind it."""

    def directory(entries: Sequence[Entry]) -> bytes:
        rows = b"".join(struct.pack(order + "HHI", *entry[:3]) + entry[3] for entry in entries)
        return struct.pack(order + "H", len(entries)) + rows + bytes(4)

    if details:
        at = 8 + 2 + 12 * (len(main) + 1) + 4
        main = [*main, (DETAILS, LONG, 1, struct.pack(order + "I", at))]
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    return head + directory(main) + (directory(details) if details else b"") + tail


def jpeg_with(*segments: bytes) -> bytes:
    """A JPEG of 80 x 60 pixels with EXIF segments of any content before all others."""
    data = encode(smooth(), format="JPEG", quality=95)
    return data[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(s) + 2) + s for s in segments) + data[2:]
