"""What the C library does with memory that is freed: photos and meshes go back to the system at once."""

from __future__ import annotations

import ctypes
import os
import sys

_M_MMAP_THRESHOLD = -3  # glibc's malloc.h
_LARGE = 2**20


def give_back_large_pieces() -> bool:
    """Let glibc map each piece of memory of a megabyte or more by itself, and unmap it when it is freed.

    By itself it learns from the first large pieces that are freed to take such ones from its heaps, which they leave
    full of holes: a quarter of the service's memory after some minutes of photos. Returns whether it does so now: other
    C libraries have no such knob, and what the environment says (MALLOC_MMAP_THRESHOLD_) counts.
    """
    if sys.platform != "linux" or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False
    try:
        return ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE) == 1
    except (OSError, AttributeError):  # another C library
        return False
