"""Where things that are made once are kept: `$MPT_CACHE_DIR`, or `~/.cache/mpt`."""

from __future__ import annotations

import os
from pathlib import Path

from model.home import home


def cache_folder(name: str) -> Path:
    """The folder `name` in the cache, made if missing."""
    root = os.environ.get("MPT_CACHE_DIR")
    folder = (Path(root) if root else home() / ".cache" / "mpt") / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
