"""What the command line has written."""

from __future__ import annotations

from pathlib import Path


def files(folder: str = "reconstructions") -> list[str]:
    """The names of all files in a folder and those below it, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())
