"""Which of the photo formats that are read a file begins as: endings lie."""

from __future__ import annotations

import re

FORMATS = "JPEG, PNG, WebP, HEIC, AVIF or still GIF"
_SIGNATURES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    # The brands of an ISO base media file, its own, then those it is compatible with; AVIF may say mif1 first.
    "AVIF": re.compile(rb"....ftyp(?:....){0,16}?avi[fs]", re.DOTALL),
    "HEIF": re.compile(rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL),
}


def photo_format(head: bytes) -> str | None:
    """Pillow's name of the format that a file's first bytes announce; None if it is none of these."""
    return next((name for name, signature in _SIGNATURES.items() if signature.match(head)), None)
