"""Untrusted bytes in, a safe RGB picture out: the only place where photos are decoded.

Pillow decodes, with pillow-heif's help HEIC too. What stands here bounds how long and in how much memory a hostile file
can keep it busy, and tells files that were cut short, which decoders tolerate.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from model.errors import BadInput
from model.formats.colour import to_srgb
from model.formats.exif import PREFIX, is_exif, read_exif, read_tilt
from model.formats.file_kinds import MOVING, other_kind
from model.formats.gif import is_gif, is_still
from model.formats.signatures import FORMATS, photo_format
from model.formats.xmp import read_gimbal
from model.inputs import lens_in_pixels
from model.scene.up import Tilt

# Nobody can be seen in less, and slivers would scale to a side of zero pixels.
MIN_SIDE = 16
MAX_ASPECT = 20

# What an honest file stays an order of magnitude below.
MAX_READS = 200_000  # Pillow reads a few times a PNG chunk or JPEG segment
MAX_JPEG_SEGMENTS = 100_000
MAX_JPEG_SCANS = 64  # some bytes make a scan, but each takes a pass over all pixels

# Decoding takes up to 16 bytes a pixel, which is WebP's. Photos of more pixels than this are decoded one by one.
BIG_PIXELS = 12_000_000
_BIG_ONE = threading.Lock()

# Pillow refuses twice as many by itself, before it opens a file; `decode` refuses what it is told to.
Image.MAX_IMAGE_PIXELS = 100_000_000
warnings.filterwarnings("ignore", module=r"PIL\.")  # one odd file could fill the log

_PNG_END = b"IEND\xaeB`\x82"
# 0xFF and a code; 0xFF00 (stuffing) and 0xFFD0 to D7 (restart) belong to the compressed data.
_JPEG_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_JPEG_SCAN, _JPEG_END = b"\xda", b"\xd9"
_JPEG_EXIF = b"\xe1"
_AVIF_EXIF = re.compile(rb"(infe.{8,10})Exif", re.DOTALL)  # an entry of the list of what is in the file
_EXIF_START = re.compile(rb"II\*\0\x08\0\0\0|MM\0\*\0\0\0\x08")

_BAND_ROWS = 32  # more would not fit into the processor's cache, and take three times as long

# ImageOps.exif_transpose would write the EXIF anew, which fails where it is damaged.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnsupportedFormat(BadInput):
    """The bytes are of no format that is read, or of one that is not read here."""


class BrokenImage(BadInput):
    """The bytes begin as an image but cannot be read to the end."""


class TooManyPixels(BadInput):
    """The picture would need more memory than the service grants one request."""


@dataclass(frozen=True)
class Photo:
    """A decoded photo, turned upright.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, contiguous.
        focal_length: In pixels, from EXIF; None if the camera did not note it.
        tilt: How the camera was held, from XMP or EXIF; likewise.
    """

    pixels: np.ndarray
    focal_length: float | None
    tilt: Tilt | None = None

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


def decode(data: bytes, max_pixels: int) -> Photo:
    """Decode a JPEG, PNG, WebP, AVIF, still GIF or, with pillow-heif, HEIC file.

    EXIF orientation is applied, transparency is blended onto white (or disregarded, where nothing else would be seen),
    16 bits become 8, grey and CMYK become RGB, colours those of sRGB if the file's profile says others, and of an
    animated PNG or WebP the first picture is taken (a GIF that moves counts as a film). The size limit is checked
    before a pixel is decoded.

    Args:
        data: The whole file.
        max_pixels: Largest width x height to accept.

    Raises:
        UnsupportedFormat: Another format than these, or HEIC where pillow-heif is not installed.
        TooManyPixels: Larger than `max_pixels`.
        BrokenImage: Cut short or damaged.
        BadInput: Too small, or too long and thin, to show a person.
    """
    if not data:
        raise BrokenImage(f"The image is empty: it has no bytes. Send a {FORMATS} file.")
    format = "GIF" if is_gif(data) and is_still(_BoundedReader(data)) else photo_format(data)
    if format is None:
        other = other_kind(data)
        named = f"{other}, " if other else ""
        do = "Convert it to one of them and send it again."
        if other == MOVING:
            do = "Films are for a service's /videos and for `mpt reconstruct`; here, send one of its pictures."
        raise UnsupportedFormat(f"This file is {named}no {FORMATS} image. {do}")
    exif: bytes | None = None
    if format == "HEIF":
        be_able_to_read_heic()
    elif format == "JPEG":
        data, exif = _checked_jpeg(data)
    elif format == "AVIF":
        data, exif = _without_avif_exif(data)
    elif format == "PNG" and _PNG_END not in data:
        raise _cut_short()
    try:
        image: Image.Image = Image.open(_BoundedReader(data), formats=(format,))
        _check_size(*image.size, max_pixels)
        # AV1 may hold more pixels than the boxes around it say.
        big = format == "AVIF" or image.width * image.height > BIG_PIXELS
        with _BIG_ONE if big else nullcontext():
            image.load()
            of_pillow = image.info.get("exif") or b""
            exif = of_pillow if exif is None else exif
            _, focal_length_35mm = read_exif(exif)
            xmp, profile = image.info.get("xmp"), image.info.get("icc_profile")
            # AVIF and HEIC have boxes for it, and EXIF no say. Pillow tells AVIF's as EXIF; HEIC comes turned.
            orientation, _ = read_exif({"AVIF": of_pillow, "HEIF": b""}.get(format, exif))
            # HEIC comes turned, and says by how much.
            tilt = read_tilt(exif, image.info.get("original_orientation") or orientation)
            if isinstance(xmp, bytes):
                tilt = read_gimbal(xmp) or tilt
            if orientation != 1:
                image = image.transpose(_UPRIGHT[orientation])
            pixels = _to_rgb(image, profile if isinstance(profile, bytes) else b"")
            del image  # its memory is the next one's
    except (BadInput, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise TooManyPixels(
            f"The image has too many pixels: at most {max_pixels / 1e6:.1f} million are accepted (MPT_MAX_PIXELS). "
            "Scale it down and send it again."
        ) from error
    except Exception as error:  # Pillow's plugins raise many kinds
        raise _damaged("it cannot be decoded") from error

    focal_length = None
    if focal_length_35mm is not None:
        height, width = pixels.shape[:2]
        focal_length = lens_in_pixels(focal_length_35mm, width, height)
    return Photo(pixels, focal_length, tilt)


@cache
def be_able_to_read_heic() -> None:
    """Give Pillow its reader of HEIC.

    Raises:
        UnsupportedFormat: It is not installed.
    """
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise UnsupportedFormat(
            "This is a HEIC photo, for which the extra heic (the package pillow-heif) is not installed here. "
            "Install it, or save the photo as JPEG and send it again."
        ) from None
    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)  # the photo alone


class _BoundedReader(io.BytesIO):
    """A file that gives up on whoever reads it bit by bit: Pillow walks over chunks in Python."""

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MAX_READS:
            raise _damaged("it has too many segments")
        return super().read(size)


def _checked_jpeg(data: bytes) -> tuple[bytes, bytes]:
    """Refuse a JPEG that ends early or has too many scans, and take its EXIF out.

    Pillow sees no scan behind the first, and joins the EXIF of thousands of segments in quadratic time.

    Returns:
        The file without EXIF; and the first block that is one, else nothing.
    """
    position, scans, exif = 2, 0, b""
    for _ in range(MAX_JPEG_SEGMENTS):
        marker = _JPEG_MARKER.search(data, position)
        if marker is None:
            raise _cut_short()
        if marker[1] == _JPEG_END:
            return data.replace(PREFIX, bytes(len(PREFIX))) if PREFIX in data else data, exif
        scans += marker[1] == _JPEG_SCAN
        if scans > MAX_JPEG_SCANS:
            raise _damaged(f"it has more than {MAX_JPEG_SCANS} scans")
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
        if marker[1] == _JPEG_EXIF and not scans and not exif:
            block = data[marker.end() + 2 : position]
            exif = block if block.startswith(PREFIX) and is_exif(block) else b""
    raise _damaged("it has too many segments")


def _without_avif_exif(data: bytes) -> tuple[bytes, bytes]:
    """Hide the EXIF of an AVIF from libavif, which refuses a photo for it, and from Pillow, which copies all it names.

    Returns:
        The file without EXIF; and what was hidden, from its start on, else nothing.
    """
    hidden, count = _AVIF_EXIF.subn(rb"\1none", data)
    start = _EXIF_START.search(data) if count else None
    return hidden, data[start.start() :] if start else b""


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The image has {width} x {height} pixels ({width * height / 1e6:.1f} million); "
            f"at most {max_pixels / 1e6:.1f} million are accepted (MPT_MAX_PIXELS). Scale it down and send it again."
        )
    if min(width, height) < MIN_SIDE:
        raise BadInput(f"The image has {width} x {height} pixels; each side needs at least {MIN_SIDE}.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadInput(
            f"The image has {width} x {height} pixels; the long side may be at most {MAX_ASPECT} times the short one. "
            "Crop it to the people and send it again."
        )


def _to_rgb(image: Image.Image, profile: bytes) -> np.ndarray:
    """Convert any mode to sRGB over white, (H, W, 3) uint8, in bands, so that temporaries stay small."""
    width, height = image.size
    mode = image.mode if image.mode in ("CMYK", "L") and not image.has_transparency_data else "RGB"
    in_srgb = to_srgb(profile, mode) if profile else None
    pixels = np.empty((height, width, 3), np.uint8)
    bits = max(8, int(np.max(image.getextrema())).bit_length()) if image.mode.startswith("I") else 8
    clear = _is_clear(image)
    for top in range(0, height, _BAND_ROWS):
        band = image.crop((0, top, width, min(top + _BAND_ROWS, height)))
        if band.mode.startswith("I"):  # grey of 16 bits, which Pillow would clip; 10 to 14 of a sensor's are used
            band = Image.fromarray((np.asarray(band) >> bits - 8).astype(np.uint8))
        if band.has_transparency_data and not clear:
            band = Image.alpha_composite(Image.new("RGBA", band.size, "white"), band.convert("RGBA"))
        if in_srgb is not None:
            band = in_srgb(band if band.mode == mode else band.convert(mode))
        pixels[top : top + _BAND_ROWS] = np.asarray(band if band.mode == "RGB" else band.convert("RGB"))
    return pixels


def _is_clear(image: Image.Image) -> bool:
    """Whether all of it is transparent: games and renderers leave their alpha at 0, and what they show behind it."""
    if image.mode != "P":
        return image.mode.endswith("A") and image.getextrema()[-1] == (0, 0)
    alpha = np.full(256, 255)
    match image.info.get("transparency"):
        case bytes(table):
            alpha[: len(table)] = list(table)
        case int(index):
            alpha[index] = 0
    return not alpha[np.array(image.histogram()) > 0].any()


def _cut_short() -> BrokenImage:
    return BrokenImage(
        "The image ends before its data is complete. Was the upload or the copy cut short? Send it again."
    )


def _damaged(what: str) -> BrokenImage:
    return BrokenImage(f"The image is damaged: {what}. Save it anew and send it again.")
