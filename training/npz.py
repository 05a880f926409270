"""Opens npz archives that come from outside."""

from __future__ import annotations

from pathlib import Path

import numpy as np

_ZIP = b"PK\x03\x04", b"PK\x05\x06"  # of files, and of none


def open_npz(path: Path) -> np.lib.npyio.NpzFile:
    """An archive whose arrays are decoded when they are asked for, those of objects never.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is no archive; numpy would advise to load a pickle unsafely.
        zipfile.BadZipFile: it is a broken one.
    """
    with path.open("rb") as file:
        if file.read(4) not in _ZIP:
            raise ValueError("it is no npz archive")
    archive: np.lib.npyio.NpzFile = np.load(path, allow_pickle=False)
    return archive
