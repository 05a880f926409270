"""Memory whose content is known before it is written, by which one sees that somebody left it as it was."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_M_PERTURB = -6  # of glibc's malloc.h
_turn = threading.Lock()  # the byte is the whole process's: two at once would mistake each other's


@contextmanager
def known_memory(value: int) -> Iterator[None]:
    """Memory that the process gets meanwhile holds this byte, 0 to 254; nothing happens where there is no glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        yield
        return
    with _turn:
        mallopt(_M_PERTURB, 255 - value)  # it fills with the complement
        try:
            yield
        finally:
            mallopt(_M_PERTURB, 0)
