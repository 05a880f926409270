"""Whose home folder it is, if anybody's."""

from __future__ import annotations

from pathlib import Path

from model.errors import MPTError


def home() -> Path:
    """The user's home folder.

    Raises:
        MPTError: Nobody knows it, as in a container that runs as a user without a name.
    """
    try:
        return Path.home()
    except RuntimeError:
        places = "MPT_STORE_DIR, MPT_WEIGHTS_DIR and MPT_CACHE_DIR"
        raise MPTError(f"This user has no home folder: set HOME, or name places to keep things: {places}.") from None
