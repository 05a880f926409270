"""Whether a file is a photo, a video, or what else, by what it holds: endings lie, and are too many to list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from model.formats.gif import is_gif, is_still
from model.formats.signatures import photo_format

Kind = Literal["photo", "other photo", "video"]
"""What a file holds; "other photo" is one in a format that is not read."""

MOVING = "a film, or an animation"
"""What `other_kind` calls a video."""

_HEAD = 1024  # bytes
_OTHER_PHOTOS = {
    "a TIFF, or a camera's raw photo": re.compile(
        rb"II\*\x00|MM\x00\*|II[RU][OS\x00]|FUJIFILMCCD-RAW|....ftypcrx ",
        re.DOTALL,  # of many makers raw ones are TIFFs
    ),
    "a BMP": re.compile(rb"BM....\x00\x00\x00\x00", re.DOTALL),
    "a JPEG XL": re.compile(rb"\xff\x0a|\x00\x00\x00\x0cJXL "),
    "a JPEG 2000": re.compile(rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51"),
    "a Photoshop document": re.compile(rb"8BPS"),
}
_NO_PHOTOS = {
    "a PDF": re.compile(rb"%PDF-"),
    "a web page, or a drawing in SVG": re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|svg|\?xml)", re.IGNORECASE),
    "an archive": re.compile(rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b"),
}
_VIDEOS = re.compile(
    rb"....(?:ftyp|moov|mdat|wide|free|skip|pnot)"  # MP4, QuickTime, 3GP
    rb"|\x1a\x45\xdf\xa3"  # Matroska, WebM
    rb"|RIFF....AVI "
    rb"|GIF8[79]a"
    rb"|FLV\x01"
    rb"|OggS"
    rb"|\x30\x26\xb2\x75\x8e\x66\xcf\x11"  # ASF: WMV
    rb"|\x00\x00\x01[\xba\xb3]"  # MPEG program streams
    rb"|\x06\x0e\x2b\x34\x02\x05\x01\x01"  # MXF
    rb"|\.RMF|DKIF|YUV4MPEG2 |nut/multimedia"
    rb"|\x00?\x00\x00\x01(?:[\x06\x09\x27\x47\x67]|[\x40\x42\x46]\x01)"  # H.264 and H.265 without a container
    rb"|.{0,191}?(?:(?:G.{187}){3}|(?:G.{191}){3})G",  # MPEG transport streams: of broadcasts, and of camcorders
    re.DOTALL,
)


def file_kind(path: Path) -> Kind | None:
    """What a file holds; None for what is neither, or cannot be read."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
            if is_gif(head):
                file.seek(0)
                return "photo" if is_still(file) else "video"
    except OSError:
        return None
    if photo_format(head):
        return "photo"
    if _first(_OTHER_PHOTOS, head):
        return "other photo"
    return "video" if _VIDEOS.match(head) else None


def other_kind(data: bytes) -> str | None:
    """What is no photo that is read, in words, as far as that is known."""
    head = data[:_HEAD]
    named = _first(_OTHER_PHOTOS | _NO_PHOTOS, head)
    return named or (MOVING if _VIDEOS.match(head) else None)


def _first(kinds: dict[str, re.Pattern[bytes]], head: bytes) -> str | None:
    return next((name for name, signature in kinds.items() if signature.match(head)), None)
