"""Files that someone might send to do harm, or by mistake: cut short, bombs, of other kinds, and damaged."""

from __future__ import annotations

import io
import pickle
import random
import struct
import zipfile
import zlib
from functools import lru_cache

import numpy as np
from PIL import Image

LIMIT = 10_000_000
"""Pixels that the service under test accepts; the bombs go beyond."""

FORMATS = {
    "jpeg": {"format": "JPEG"},
    "progressive": {"format": "JPEG", "progressive": True},
    "png": {"format": "PNG"},
    "webp": {"format": "WEBP"},
    "lossless": {"format": "WEBP", "lossless": True},
}
SIGNATURES = {"jpeg": b"\xff\xd8\xff\xe0", "png": b"\x89PNG\r\n\x1a\n", "webp": b"RIFF\xff\xff\0\0WEBPVP8X"}


@lru_cache  # bombs take seconds to make
def hostile_files() -> dict[str, bytes]:
    """Files by name, none of which is a photo that can be used."""
    return {**_cut_short(), **_other_kinds(), **_disguised(), **_bombs(), **_malformed()}


def damaged_files(seed: int = 0) -> dict[str, bytes]:
    """Photos with some bytes changed: some can still be read."""
    chance = random.Random(seed)
    files = {}
    for name, options in FORMATS.items():
        photo = _photo(options)
        for index in range(20):
            data = bytearray(photo)
            for _ in range(1 + index):
                data[chance.randrange(len(data) if index % 2 else 64)] = chance.randrange(256)
            files[f"{name} damaged {index}"] = bytes(data)
    return files


def _photo(options: dict) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (80, 96, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, **options)
    return buffer.getvalue()


def _cut_short() -> dict[str, bytes]:
    files = {}
    for name, options in FORMATS.items():
        data = _photo(options)
        for share in (0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 0.999):
            files[f"{name} cut at {share}"] = data[: int(share * len(data))]
        files[f"{name} without its last byte"] = data[:-1]
        files[f"{name} without its first byte"] = data[1:]
    return files


@lru_cache
def _other_kinds() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(10_000_000))

    class Exploit:
        def __reduce__(self) -> tuple:
            return (print, ("executed",))

    files = {
        "empty": b"",
        "one byte": b"\xff",
        "zeros": bytes(100_000),
        "text": b"hello " * 100,
        "json": b'{"image": "data"}',
        "html": b"<!doctype html><script>alert(1)</script>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "xml bomb": b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;&c;</a>',
        "pickle": pickle.dumps(Exploit()),
        "zip bomb": archive.getvalue(),
        "gzip bomb": zlib.compress(bytes(10_000_000), 1, wbits=31),
        "elf": b"\x7fELF\x02\x01\x01" + bytes(200),
        "exe": b"MZ" + bytes(200),
        "pdf": b"%PDF-1.7\n" + bytes(200),
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(%pipe%id) (r) file\n",
        "heic": b"\0\0\0\x18ftypheic" + bytes(200),
        "avif": b"\0\0\0\x18ftypavif" + bytes(200),
        "mp4": b"\0\0\0\x18ftypisom" + bytes(200),
        "jpeg xl": b"\xff\x0a" + bytes(200),
        "wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(200),
        "avi": b"RIFF\x24\0\0\0AVI LIST" + bytes(200),
        "mvg": b"push graphic-context\nviewbox 0 0 640 480\nfill 'url(https://example.com/)'\n",
    }
    kinds = ("BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "SGI", "JPEG2000", "PDF", "EPS", "ICNS", "DDS")
    moving = {"format": "GIF", "save_all": True, "append_images": [Image.new("RGB", (96, 80))]}
    return files | {"a GIF that moves": _photo(moving)} | {kind: _photo({"format": kind}) for kind in kinds}


def _disguised() -> dict[str, bytes]:
    return {
        f"{kind} with the signature of {name}": signature + data[:100_000]
        for kind, data in _other_kinds().items()
        for name, signature in SIGNATURES.items()
    }


def _bombs() -> dict[str, bytes]:
    files = {}
    for width, height in ((4000, 4000), (20_000, 20_000), (65_535, 65_535), (2**31 - 1, 1), (2**31 - 1, 2**31 - 1)):
        files[f"png of {width} x {height}"] = _png(width, height, zlib.compress(bytes(1_000_000)))
    pixels = _zeros(30)
    for depth, colour in ((1, 0), (16, 6), (8, 3)):
        files[f"png bomb of {depth} bits, colour {colour}"] = _png(30_000, 30_000, pixels, depth, colour)
    jpeg = _photo(FORMATS["jpeg"])
    size = jpeg.index(b"\xff\xc0") + 5
    for side in (4000, 30_000, 65_535):
        files[f"jpeg of {side} x {side}"] = jpeg[:size] + struct.pack(">HH", side, side) + jpeg[size + 4 :]
    lossless = bytearray(_photo(FORMATS["lossless"]))
    lossless[21:25] = (int.from_bytes(lossless[21:25], "little") | 2**28 - 1).to_bytes(4, "little")
    files["webp of 16384 x 16384"] = bytes(lossless)
    bomb = _zeros(200)
    for kind, start in ((b"zTXt", b"k\0\0"), (b"iTXt", b"k\0\1\0\0\0"), (b"iCCP", b"k\0\0")):
        files[f"png with a {kind.decode()} bomb"] = _png(4000, 4000, b"", extra=_chunk(kind, start + bomb))
    files["png of a million chunks"] = _png(96, 80, b"", extra=_chunk(b"tIME", bytes(7)) * 1_000_000)
    scan = jpeg.index(b"\xff\xda")
    files["jpeg of a thousand scans"] = jpeg[:-2] + jpeg[scan:-2] * 1000 + jpeg[-2:]
    files["jpeg of half a million segments"] = jpeg[:2] + b"\xff\xfe\0\2" * 500_000 + jpeg[2:]
    return files


def _malformed() -> dict[str, bytes]:
    pixels = zlib.compress(bytes((96 * 3 + 1) * 80))
    files = {f"png of {width} x {height}": _png(width, height, b"") for width, height in ((0, 0), (0, 80), (15, 15))}
    files |= {
        f"png sliver of {long}": _png(long, 16, zlib.compress(bytes(16 * (3 * long + 1)))) for long in (321, 9999)
    }
    for depth, colour in ((3, 2), (8, 1), (8, 5), (16, 3), (2, 2), (255, 255)):
        files[f"png of depth {depth} and colour {colour}"] = _png(96, 80, pixels, depth, colour)
    files["png without pixels"] = _png(96, 80, b"")
    files["png with too few pixels"] = _png(96, 80, zlib.compress(bytes(1000)))
    files["png with broken compression"] = _png(96, 80, b"\x78\x9c" + bytes(range(256)))
    files["png without its header"] = SIGNATURES["png"] + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    files["png with a wrong checksum"] = _png(96, 80, pixels).replace(b"IHDR\0", b"IHDR\1", 1)
    files["png with an endless chunk"] = SIGNATURES["png"] + b"\xff\xff\xff\xffIHDR" + bytes(100)
    jpeg = _photo(FORMATS["jpeg"])
    files["jpeg of 0 x 0"] = jpeg[: jpeg.index(b"\xff\xc0") + 5] + bytes(4) + jpeg[jpeg.index(b"\xff\xc0") + 9 :]
    files["jpeg without tables"] = jpeg[:2] + jpeg[jpeg.index(b"\xff\xc0") :].replace(b"\xff\xc4", b"\xff\xfe")
    files["jpeg of markers only"] = b"\xff\xd8" + b"\xff\xda" * 1000 + b"\xff\xd9"
    files["jpeg that ends at once"] = b"\xff\xd8\xff\xd9"
    webp = bytearray(_photo(FORMATS["webp"]))
    files["webp with a wrong length"] = bytes(webp[:4]) + b"\xff\xff\xff\xff" + bytes(webp[8:200])
    files["webp without a picture"] = b"RIFF\x04\0\0\0WEBP"
    return files


def _zeros(megabytes: int) -> bytes:
    """So many of zeros as zlib compresses them, of one block again and again: to compress them all takes seconds."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(10**6)) + packer.flush(zlib.Z_FULL_FLUSH)
    adler = (megabytes * 10**6 % 65521) << 16 | 1
    return b"\x78\xda" + megabytes * block + b"\x03\0" + struct.pack(">I", adler)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, pixels: bytes, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = _chunk(b"IDAT", pixels) if pixels else b""
    return SIGNATURES["png"] + _chunk(b"IHDR", header) + extra + body + _chunk(b"IEND", b"")
