"""What the C library does with memory that is freed: photos and meshes go back to the system at once."""

from __future__ import annotations

import ctypes
import os
import sys

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # glibc's malloc.h
_LARGE, _ARENAS = 2**20, 2


def give_back_large_pieces() -> bool:
    """Let glibc map each piece of memory of a megabyte or more by itself, and unmap it when it is freed.

    By itself it learns from the first large pieces that are freed to take such ones from its heaps, which they leave
    full of holes, and makes a heap for each thread: a quarter of the service's memory after some minutes of photos. Now
    there are two heaps, of small pieces.

    Returns whether it does so from now on: other C libraries have no such knobs, and what the environment says
    (MALLOC_MMAP_THRESHOLD_, MALLOC_ARENA_MAX) counts.
    """
    if sys.platform != "linux" or {"MALLOC_MMAP_THRESHOLD_", "MALLOC_ARENA_MAX"} & os.environ.keys():
        return False
    try:
        change = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(change(_M_ARENA_MAX, _ARENAS) and change(_M_MMAP_THRESHOLD, _LARGE))
