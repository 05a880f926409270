"""The lens that a film was made with, where the phone noted it.

iPhones write how long the lens is into the metadata of MOV files, beside the sound's language and the place. Apple,
QuickTime File Format, "Metadata": a `meta` box with `keys`, their names, and `ilst`, a box of each key's number whose
`data` has a type and the value.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from model.formats.container import read_box

_NAME = b"camera.focal_length.35mm_equivalent"
_SHORTEST, _LONGEST = 4.0, 2000.0  # millimetres: other numbers are no lens's
_LARGEST = 1 << 20  # bytes of a film's metadata, which are some hundreds
_BOXES = 10_000  # within one box
_NUMBERS = {23: ">f", 24: ">d"}


def film_lens_35mm(path: Path) -> float | None:
    """Millimetres of an equivalent lens before 35 mm film; None if the file does not say it.

    Raises:
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        for start, end in _find(file, 0, size, b"moov"):
            # The track's own come first; FFmpeg puts the film's beside what users say of it.
            tracks, told = (_find(file, start, end, kind) for kind in (b"trak", b"udta"))
            for begin, stop in [*tracks, (start, end), *told]:
                for at, until in _find(file, begin, stop, b"meta"):
                    file.seek(at + 4)
                    # MP4's are what MOV's are, behind a version of four bytes.
                    lens = _lens_of(file, at if file.read(4) == b"hdlr" else at + 4, until)
                    if lens is not None:
                        return lens
    return None


def _lens_of(file: BinaryIO, start: int, end: int) -> float | None:
    if end - start > _LARGEST:
        return None
    for at, until in _find(file, start, end, b"keys"):
        file.seek(at + 8)
        names = _boxes(file, at + 8, until)
        numbers = [number for number, (_, *place) in enumerate(names, 1) if _read(file, *place).endswith(_NAME)]
        for value, stop in _find(file, start, end, b"ilst"):
            for number in numbers:
                for one, last in _find(file, value, stop, struct.pack(">I", number)):
                    for place in _find(file, one, last, b"data"):
                        return _number(_read(file, *place))
    return None


def _number(data: bytes) -> float | None:
    """A value behind its type and language, eight bytes; None if it is no lens's length."""
    kind, value = int.from_bytes(data[:4], "big"), data[8:]
    try:
        if kind == 1:
            number = float(value.decode())
        elif kind in _NUMBERS:
            (number,) = struct.unpack(_NUMBERS[kind], value)
        else:
            number = float(int.from_bytes(value[:8], "big"))
    except (ValueError, struct.error):
        return None
    return number if math.isfinite(number) and _SHORTEST <= number <= _LONGEST else None


def _find(file: BinaryIO, start: int, end: int, kind: bytes) -> list[tuple[int, int]]:
    """Where the content of each box of a kind begins and ends."""
    return [(at, until) for name, at, until in _boxes(file, start, end) if name == kind]


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two places: what kind, and where the content of each begins and ends."""
    at = start
    for _ in range(_BOXES):
        box = read_box(file, at) if at + 8 <= end else None
        if box is None:
            return
        kind, least, length = box
        length = end - at if length == 0 else length
        if length < least or at + length > end:
            return
        yield kind, at + least, at + length
        at += length


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(min(end - start, _LARGEST))
