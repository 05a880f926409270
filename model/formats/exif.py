"""The two EXIF entries that matter here, each read for itself: one that is odd voids no other.

Pillow's reader copies what every entry points to and gives up at the first that makes no sense. This one follows
nothing but the two entries, so that the cost of a hostile block is that of its directories.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

PREFIX = b"Exif\0\0"
"""What stands before a block in JPEG; some programs write it twice, or into other formats too."""
_PREFIXES = re.compile(b"(?:Exif\0\0)+")
_ORIENTATION, _DETAILS, _FOCAL_LENGTH_35MM = 0x0112, 0x8769, 0xA405
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_NUMBERS = {1: "B", 3: "H", 4: "I", 5: "II"}  # of EXIF's types: byte, short, long, rational


def is_exif(block: bytes) -> bool:
    """Whether a block begins as EXIF does, be it with prefixes or without."""
    return _bare(block)[:4] in _BYTE_ORDERS


def read_exif(block: bytes) -> tuple[int, float | None]:
    """Read how the picture is to be turned, and the focal length.

    What makes no sense counts as absent: a photo is never refused for its EXIF.

    Args:
        block: From the byte order on; prefixes before it do no harm.

    Returns:
        Orientation, 1 to 8: how to turn the stored picture so that it stands upright; and the focal length in
        millimetres of an equivalent 35 mm camera, if the camera noted it.
    """
    block = _bare(block)
    order = _BYTE_ORDERS.get(block[:4])
    if order is None or len(block) < 8:
        return 1, None
    (start,) = struct.unpack_from(order + "I", block, 4)
    main = dict(_numbers(block, order, start, (_ORIENTATION, _DETAILS)))
    details = dict(_numbers(block, order, int(main.get(_DETAILS, 0)), (_FOCAL_LENGTH_35MM,)))
    orientation, focal_length = main.get(_ORIENTATION, 1), details.get(_FOCAL_LENGTH_35MM, 0)
    # 0 means unknown
    return (
        int(orientation) if orientation in range(1, 9) else 1,
        float(focal_length) if 4 <= focal_length <= 2000 else None,
    )


def _bare(block: bytes) -> bytes:
    prefixes = _PREFIXES.match(block)
    return block[prefixes.end() :] if prefixes else block


def _numbers(block: bytes, order: str, start: int, wanted: tuple[int, ...]) -> Iterator[tuple[int, float]]:
    """The first number of each wanted entry in the directory at `start`, as far as there is one."""
    if not 8 <= start <= len(block) - 2:
        return
    (count,) = struct.unpack_from(order + "H", block, start)
    for at in range(start + 2, min(start + 2 + 12 * count, len(block) - 11), 12):
        tag, kind, length = struct.unpack_from(order + "HHI", block, at)
        if tag not in wanted or kind not in _NUMBERS or length == 0:
            continue
        number = struct.Struct(order + _NUMBERS[kind])
        place = at + 8
        if number.size * length > 4:  # it lies elsewhere, and there is where
            (place,) = struct.unpack_from(order + "I", block, place)
        if place + number.size > len(block):
            continue
        value, *divisor = number.unpack_from(block, place)
        if divisor != [0]:
            yield tag, value / divisor[0] if divisor else value
