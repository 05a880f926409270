"""Memory that is freed goes back to the system."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import os, sys
import numpy as np
from service.allocator import give_back_large_pieces
if sys.argv[1:] == ["given back"]:
    assert give_back_large_pieces()
for _ in range(2):  # glibc raises its threshold to the size of what is freed
    piece = np.ones(2**21); del piece
pieces = [(np.ones(2**17), bytearray(5000)) for _ in range(60)]
small = [piece[1] for piece in pieces]
del pieces
print(int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_photos_between_small_pieces_leave_no_holes() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}

    def memory(*arguments: str) -> int:
        command = [sys.executable, "-c", CODE, *arguments]
        return int(subprocess.run(command, check=True, capture_output=True, env=environment).stdout)

    assert memory("given back") < memory() - 40 * 2**20  # of 60 MiB in pieces of one
