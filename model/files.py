"""Files that are there whole or not at all, however a process ends."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from model.errors import BadInput


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Gives a path to write to, which takes the place of `path` if all goes well and is removed if not.

    The folders above `path` are made. The path given lies beside it, is hidden, and has its ending, since some writers
    insist on one, but not its name, or those that are as long as systems allow could not be written. Who may read the
    file is what the system says of new ones: safetensors 0.8 would keep it from others.

    Raises:
        OSError: a folder cannot be made, or the file not be moved to its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{os.getpid()}-{uuid.uuid4().hex[:8]}.partial{path.suffix}")
    try:
        partial.touch()
        mode = partial.stat().st_mode
        yield partial
        if partial.stat().st_mode != mode:  # some mounts let nobody set it
            partial.chmod(mode)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Tries whether files can be written to a folder that is there, or is to be made: before work, not after it.

    Raises:
        BadInput: they cannot.
    """
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise BadInput(f"Nothing can be written to {folder} ({error.strerror}): name another folder.") from None
