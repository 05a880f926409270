"""WebM out of what OpenCV writes: the header of its Matroska files is changed, where they say how fast they play."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterator
from pathlib import Path

_HEAD = 4096  # bytes that hold all that is changed: clusters of frames follow
_DOC_TYPE, _SEGMENT, _CLUSTER, _CRC = 0x4282, 0x18538067, 0x1F43B675, 0xBF
_SCALE, _FRAME, _NAME, _STRING = 0x2AD7B1, 0x23E383, 0x45A3, 0x4487
_PARENTS = {0x1A45DFA3, 0x1549A966, 0x1654AE6B, 0xAE, 0x1254C367, 0x7373, 0x67C8}
"""Elements that hold others: the header, Info, Tracks with their entries, Tags with theirs."""
_SECOND = 1_000_000_000  # nanoseconds


def to_webm(path: Path, rate: float) -> None:
    """Makes a WebM of so many frames a second of a Matroska file that says one frame a second, where it lies.

    Raises:
        OSError: It does not say when its frames are shown, or was not written to its end, of which OpenCV says nothing.
    """
    with open(path, "r+b") as file:
        head = bytearray(file.read(_HEAD))
        ends = [at + size for kind, at, size in _elements(head, 0, len(head)) if kind == _SEGMENT]
        if ends and ends != [path.stat().st_size]:  # its size is the last that is written
            raise OSError(errno.ENOSPC, "The disk is full: this video could not be written to its end", str(path))
        if not _change(head, 0, len(head), rate):
            raise OSError(0, "This video's frames have no times", str(path))
        file.seek(0)
        file.write(head)


def _change(head: bytearray, start: int, end: int, rate: float) -> bool:
    """Changes the elements between two places; whether the unit of times was among them."""
    found, crc, tag = False, None, b""
    for kind, at, size in _elements(head, start, end):
        value = bytes(head[at : at + size])
        if kind == _SEGMENT:
            return _change(head, at, end, rate) or found
        if kind in _PARENTS:
            found |= _change(head, at, at + size, rate)
        elif kind == _DOC_TYPE and value == b"matroska":  # four bytes of nothing fill the place that this leaves
            head[at - 1 : at + size] = b"\x84webm\xec\x82\x00\x00"
        elif kind in (_SCALE, _FRAME):
            head[at : at + size] = round(int.from_bytes(value, "big") / rate).to_bytes(size, "big")
            found |= kind == _SCALE
        elif kind == _NAME:
            tag = value
        elif kind == _STRING and tag == b"DURATION":
            head[at : at + size] = _clock(value, rate).ljust(size, b"\0")
        elif kind == _CRC:
            crc = at
    if crc is not None:  # of what follows it in the same element
        head[crc : crc + 4] = zlib.crc32(head[crc + 4 : end]).to_bytes(4, "little")
    return found


def _elements(head: bytearray, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The EBML elements from one place to another, up to the frames: kind, where the content is, its size."""
    while at < end - 8:
        length = 9 - head[at].bit_length()
        kind, at = int.from_bytes(head[at : at + length], "big"), at + length
        length = 9 - head[at].bit_length()
        size = int.from_bytes(head[at : at + length], "big") & ((1 << 7 * length) - 1)
        at += length
        if kind == _CLUSTER:
            return
        yield kind, at, size
        at += size


def _clock(value: bytes, rate: float) -> bytes:
    """A length as FFmpeg writes it, "00:00:50.000000000", at so many times the speed."""
    hours, minutes, seconds = value.rstrip(b"\0").split(b":")
    length = round((3600 * int(hours) + 60 * int(minutes) + float(seconds)) * _SECOND / rate)
    minute, rest = divmod(length, 60 * _SECOND)
    return b"%02d:%02d:%02d.%09d" % (minute // 60, minute % 60, rest // _SECOND, rest % _SECOND)
