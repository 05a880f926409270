"""What lies in folders of data sets."""

from __future__ import annotations

import os
from pathlib import Path


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, sorted; in linked folders too, as data sets on other disks are, each folder once."""
    found: list[Path] = []
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # or a link that leads in a circle would have no end
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        found += (Path(place, name) for name in names)
    return sorted(found)


def folder_of(path: Path) -> Path:
    """The absolute folder of a file by the names that lead to it: where links of a cache point says nothing."""
    return Path(os.path.abspath(path)).parent
