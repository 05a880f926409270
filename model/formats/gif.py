"""Whether a GIF is a picture or an animation, which its first bytes do not say."""

from __future__ import annotations

from typing import BinaryIO

_SCREEN = 13  # bytes: signature, and the screen's size and colours
_COLOURS = 0x80  # the flag that a table of 3 * 2^(n + 1) bytes follows; n is the lowest three bits
_PICTURE, _EXTENSION = b"\x2c", b"\x21"


def is_gif(head: bytes) -> bool:
    """Whether a file that begins so is one."""
    return head.startswith((b"GIF87a", b"GIF89a"))


def is_still(file: BinaryIO) -> bool:
    """Whether a GIF, at its beginning, has one picture alone; what is cut short within it is no animation."""
    screen = file.read(_SCREEN)
    if len(screen) == _SCREEN:
        _skip_colours(file, screen[10])
    pictures = 0
    while (kind := file.read(1)) in (_PICTURE, _EXTENSION):
        if kind == _PICTURE:
            pictures += 1
            if pictures > 1:
                return False
            place = file.read(9)
            if len(place) == 9:
                _skip_colours(file, place[8])
        length = file.read(2)[1:]  # behind the bits of a code, or the kind of the extension
        while length not in (b"", b"\0"):
            length = file.read(length[0] + 1)[length[0] :]
    return pictures == 1


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & _COLOURS:
        file.seek(3 << (flags & 7) + 1, 1)
