"""Whether a video file is whole: containers say how long they are before they end."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_TAIL = 4096  # bytes
_BOXES = 10_000  # of a file, at its top level: live recordings have thousands


def is_cut_short(path: Path, ends_early: bool) -> bool:
    """Whether a video file ends before it says that it does.

    Args:
        path: The file.
        ends_early: Whether its pictures end well before its length. This is no proof, since sound may go on and
            trimmed clips count what was trimmed, unless the container cannot say where it ends, or holds nothing but
            zeros there, as a download does that had its place reserved.

    Raises:
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
        file.seek(max(0, size - _TAIL))
        reserved = ends_early and not any(file.read(_TAIL))
        file.seek(0)
        if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
            return reserved or _boxes_end(file, size) > size
        if head[:4] == b"RIFF":
            return reserved or _chunks_end(file, size) > size
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return reserved or _segment_end(file) > size
    return ends_early


def _boxes_end(file: BinaryIO, size: int) -> int:
    """Where the last box of an ISO base media file ends, in bytes."""
    at = 0
    for _ in range(_BOXES):
        box = read_box(file, at)
        if box is None:
            break
        _, least, length = box
        if length < least:  # 0 is "to the end of the file"; the rest is no box
            return size
        at += length
    return at


def read_box(file: BinaryIO, at: int) -> tuple[bytes, int, int] | None:
    """Of a box of an ISO base media file its kind, and the bytes of its head and of all of it, which may be any number.

    None at the end of the file.
    """
    file.seek(at)
    head = file.read(16)
    if len(head) < 8:
        return None
    length, least = int.from_bytes(head[:4], "big"), 8
    if length == 1:  # too long for four bytes
        length, least = int.from_bytes(head[8:16], "big"), 16
    return head[4:8], least, length


def _chunks_end(file: BinaryIO, size: int) -> int:
    """Where the last RIFF chunk ends, in bytes."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] != b"RIFF" or length == 0:  # nobody came back to write the length
            break
        at += 8 + length + length % 2
    return at - 1  # the last one's padding is often left out


def _segment_end(file: BinaryIO) -> int:
    """Where a Matroska file's segment ends, in bytes; 0 if that is not said, as of a live recording."""
    file.seek(4)
    header = _ebml_size(file)
    if header is None:
        return 0
    file.seek(header, 1)
    if file.read(4) != b"\x18\x53\x80\x67":
        return 0
    length = _ebml_size(file)
    return 0 if length is None else file.tell() + length


def _ebml_size(file: BinaryIO) -> int | None:
    """A size as EBML writes it: the first byte's leading zeros tell how many bytes follow. None for unknown."""
    first = file.read(1)
    if not first or first == b"\x00":
        return None
    more = 8 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0x7F >> more)]) + file.read(more), "big")
    return None if value == (1 << 7 * (more + 1)) - 1 else value
