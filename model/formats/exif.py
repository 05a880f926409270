"""The few EXIF entries that matter here, each read for itself: one that is odd voids no other.

Pillow's reader copies what every entry points to and gives up at the first that makes no sense. This one follows
nothing but these entries, so that the cost of a hostile block is that of its directories.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator

from model.inputs import FILM, SHORTEST_LENS
from model.scene.up import Tilt

PREFIX = b"Exif\0\0"
"""What stands before a block in JPEG; some programs write it twice, or into other formats too."""
_PREFIXES = re.compile(b"(?:Exif\0\0)+")
_ORIENTATION, _DETAILS, _FOCAL_LENGTH_35MM, _FOCAL_LENGTH = 0x0112, 0x8769, 0xA405, 0x920A
_SIZE, _PLANE_RESOLUTION, _PLANE_UNIT = (0xA002, 0xA003), (0xA20E, 0xA20F), 0xA210
_UNITS = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # millimetres; the last two are no standard's, but cameras write them
_SENSORS = 3.0, 100.0  # millimetres of diagonal: of phones to those behind the largest lenses
_LENSES = 8.0, 1000.0  # millimetres, equivalent: outside, a program that resized the photo left its numbers at odds
_ELEVATION, _MAKER_NOTE, _LENS = 0x9405, 0x927C, 0xA434
_LONGEST_NAME = 200  # bytes of a lens's
_UNKNOWN = -1, 0xFFFFFFFF  # divisors of an elevation that the camera does not know, signed or not
_APPLE, _APPLE_ORDER, _APPLE_START = b"Apple iOS\0", 12, 14
_ACCELERATION = 0x0008
_REST = 0.9, 1.1  # times gravity: what a phone that is held still feels
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
# Of EXIF's types: byte, text, short, long, rational, anything, signed rational.
_NUMBERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 7: "B", 10: "ii"}
_COUNTED = (1, 3, 4, 5)
# How a direction in the stored picture, x to the right and y down, lies in the one that is turned upright.
_TURNED = {1: (1, 0, 0, 1), 3: (-1, 0, 0, -1), 6: (0, -1, 1, 0), 8: (0, 1, -1, 0)}


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
        millimetres of an equivalent 35 mm camera, if the camera noted it, or the real one and how fine its sensor is.
    """
    block = _bare(block)
    order = _BYTE_ORDERS.get(block[:4])
    if order is None or len(block) < 8:
        return 1, None
    (start,) = struct.unpack_from(order + "I", block, 4)
    main = dict(_numbers(block, order, start, (_ORIENTATION, _DETAILS)))
    wanted = (_FOCAL_LENGTH_35MM, _FOCAL_LENGTH, *_SIZE, *_PLANE_RESOLUTION, _PLANE_UNIT)
    details = dict(_numbers(block, order, int(main.get(_DETAILS, 0)), wanted))
    orientation, focal_length = main.get(_ORIENTATION, 1), details.get(_FOCAL_LENGTH_35MM, 0)
    # 0 means unknown
    return (
        int(orientation) if orientation in range(1, 9) else 1,
        float(focal_length) if SHORTEST_LENS <= focal_length <= 2000 else _by_sensor(details),
    )


def _by_sensor(details: dict[int, float]) -> float | None:
    """The equivalent focal length by the real one and the sensor's size, which is that of the picture in its pixels."""
    width, height, across, down = (details.get(tag, 0) for tag in (*_SIZE, *_PLANE_RESOLUTION))
    if not (width and height and across):
        return None
    sensor = _UNITS.get(int(details.get(_PLANE_UNIT, 2)), 0) * math.hypot(width / across, height / (down or across))
    if not _SENSORS[0] <= sensor <= _SENSORS[1]:
        return None
    focal_length = details.get(_FOCAL_LENGTH, 0) * FILM / sensor
    return focal_length if _LENSES[0] <= focal_length <= _LENSES[1] else None


def _bare(block: bytes) -> bytes:
    prefixes = _PREFIXES.match(block)
    return block[prefixes.end() :] if prefixes else block


def read_tilt(block: bytes, orientation: int) -> Tilt | None:
    """Read how the camera was held, if it noted that: EXIF's elevation angle, or what an iPhone felt.

    Args:
        block: From the byte order on; prefixes before it do no harm.
        orientation: How the stored picture was turned upright, 1 to 8.
    """
    block = _bare(block)
    order = _BYTE_ORDERS.get(block[:4])
    if order is None or len(block) < 8:
        return None
    (start,) = struct.unpack_from(order + "I", block, 4)
    details = int(dict(_numbers(block, order, start, (_DETAILS,))).get(_DETAILS, 0))
    found: dict[int, tuple[int, int, int]] = {}
    for tag, kind, length, place in _entries(block, order, details, (_ELEVATION, _MAKER_NOTE, _LENS)):
        found.setdefault(tag, (kind, length, place))  # one of each: a hostile block has thousands
    if _MAKER_NOTE in found and _LENS in found:
        _, length, place = found[_LENS]
        # The camera beside the screen looks the other way.
        if b"back" in block[place : place + min(length, _LONGEST_NAME)]:
            _, length, place = found[_MAKER_NOTE]
            if tilt := _apple_tilt(block[place : place + length], orientation):
                return tilt
    kind, _, place = found.get(_ELEVATION, (0, 0, 0))
    if kind in (5, 10):  # Pillow writes a positive one without its sign, and so do programs that use it
        angle, divisor = struct.unpack_from(order + _NUMBERS[kind], block, place)
        if divisor not in (0, *_UNKNOWN) and abs(angle / divisor) <= 90:
            return Tilt(angle / divisor, None, "exif")
    return None


def _apple_tilt(note: bytes, orientation: int) -> Tilt | None:
    """Of a maker note: the acceleration that an iPhone felt, which at rest is up, as its back camera sees it."""
    order = {b"MM": ">", b"II": "<"}.get(note[_APPLE_ORDER:_APPLE_START])
    if not note.startswith(_APPLE) or order is None or orientation not in _TURNED:
        return None
    _, kind, length, place = next(_entries(note, order, _APPLE_START, (_ACCELERATION,)), (0, 0, 0, 0))
    if kind != 10 or length != 3 or place + 24 > len(note):
        return None
    numbers = struct.unpack_from(order + "6i", note, place)
    if not all(numbers[1::2]):
        return None
    # To the left, to the bottom and into the face of the phone, seen from its front; the sensor lies on its side.
    x, y, z = (value / divisor for value, divisor in zip(numbers[::2], numbers[1::2]))
    a, b, c, d = _TURNED[orientation]
    right, down = a * y + b * x, c * y + d * x
    if not _REST[0] <= math.hypot(x, y, z) <= _REST[1]:
        return None
    pitch, roll = math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(right, -down))
    # Pictures that somebody turned since say otherwise. Straight up or down any roll is as good.
    return Tilt(pitch, roll, "exif") if abs(roll) <= 45 or abs(pitch) > 60 else None


def _numbers(block: bytes, order: str, start: int, wanted: tuple[int, ...]) -> Iterator[tuple[int, float]]:
    """The first number of each wanted entry in the directory at `start`, as far as there is one."""
    for tag, kind, _, place in _entries(block, order, start, wanted):
        if kind not in _COUNTED:
            continue
        value, *divisor = struct.unpack_from(order + _NUMBERS[kind], block, place)
        if divisor != [0]:
            yield tag, value / divisor[0] if divisor else value


def _entries(block: bytes, order: str, start: int, wanted: tuple[int, ...]) -> Iterator[tuple[int, int, int, int]]:
    """Tag, type, how many and where of each wanted entry in the directory at `start`, whose first number is there."""
    if not 8 <= start <= len(block) - 2:
        return
    (count,) = struct.unpack_from(order + "H", block, start)
    for at in range(start + 2, min(start + 2 + 12 * count, len(block) - 11), 12):
        tag, kind, length = struct.unpack_from(order + "HHI", block, at)
        if tag not in wanted or kind not in _NUMBERS or length == 0:
            continue
        size, place = struct.calcsize(order + _NUMBERS[kind]), at + 8
        if size * length > 4:  # it lies elsewhere, and there is where
            (place,) = struct.unpack_from(order + "I", block, place)
        if place + size <= len(block):
            yield tag, kind, length, place
