"""The lens that a film was made with, where the phone noted it.

iPhones write how long the lens is into the metadata of MOV files, beside the sound's language and the place. Apple,
QuickTime File Format, "Metadata": a `meta` box with `keys`, their names, and `ilst`, a box of each key's number whose
`data` has a type and the value.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from model.formats.container import read_box

_NAME = b"camera.focal_length.35mm_equivalent"
_SHORTEST, _LONGEST = 4.0, 2000.0  # millimetres: other numbers are no lens's
_LARGEST = 1 << 20  # bytes of a film's metadata, which are some hundreds
_LONGEST_NUMBER = 64  # bytes
_BOXES = 20_000  # of a file, that are looked at: bounds the time, since a hostile file may have any number
_NUMBERS = {23: ">f", 24: ">d"}


def film_lens_35mm(path: Path) -> float | None:
    """Millimetres of an equivalent lens before 35 mm film; None if the file does not say it.

    Raises:
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        return _Boxes(file).lens(file.seek(0, 2))


class _Boxes:
    """The boxes of an ISO base media file, as many as are looked at."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, _BOXES

    def lens(self, size: int) -> float | None:
        """What a file of so many bytes says."""
        for start, end in self._find(0, size, b"moov"):
            # The track's own come first; FFmpeg puts the film's beside what users say of it.
            tracks, told = (self._find(start, end, kind) for kind in (b"trak", b"udta"))
            for begin, stop in chain(tracks, [(start, end)], told):
                for at, until in self._find(begin, stop, b"meta"):
                    # MP4's are what MOV's are, behind a version of four bytes.
                    lens = self._lens_of(at if self._read(at + 4, at + 8) == b"hdlr" else at + 4, until)
                    if lens is not None:
                        return lens
        return None

    def _lens_of(self, start: int, end: int) -> float | None:
        """What metadata say."""
        if end - start > _LARGEST:
            return None
        for at, until in self._find(start, end, b"keys"):
            names = enumerate(self._all(at + 8, until), 1)
            numbers = {struct.pack(">I", number) for number, (_, *place) in names if self._read(*place).endswith(_NAME)}
            for value, stop in self._find(start, end, b"ilst"):
                for number, one, last in self._all(value, stop):
                    if number in numbers:
                        for begin, behind in self._find(one, last, b"data"):
                            return _number(self._read(begin, min(behind, begin + 8 + _LONGEST_NUMBER)))
        return None

    def _find(self, start: int, end: int, kind: bytes) -> Iterator[tuple[int, int]]:
        """Where the content of each box of a kind begins and ends, between two places."""
        return ((at, until) for name, at, until in self._all(start, end) if name == kind)

    def _all(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """The boxes between two places: what kind, and where the content of each begins and ends."""
        at = start
        while at + 8 <= end and self._left > 0:
            self._left -= 1
            box = read_box(self._file, at)
            if box is None:
                return
            kind, least, length = box
            length = end - at if length == 0 else length
            if length < least or at + length > end:
                return
            yield kind, at + least, at + length
            at += length

    def _read(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        return self._file.read(end - start)


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
