"""Whether a file is a photo or a video, by its first bytes: endings lie, and are too many to list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from model.formats.signatures import photo_format

Kind = Literal["photo", "other photo", "video"]
"""What a file holds; "other photo" is one in a format that is not read."""

_HEAD = 1024  # bytes
_OTHER_PHOTOS = re.compile(
    rb"II\*\x00|MM\x00\*"  # TIFF, and most raw photos
    rb"|BM....\x00\x00\x00\x00",
    re.DOTALL,
)
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
    except OSError:
        return None
    if photo_format(head):
        return "photo"
    if _OTHER_PHOTOS.match(head):
        return "other photo"
    return "video" if _VIDEOS.match(head) else None
