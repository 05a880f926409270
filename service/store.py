"""Answers, people and photos by name in a folder, with a lifetime and a quota.

A file appears whole or not at all (written aside, then renamed), so that a killed process leaves nothing broken, and
the folder alone is the state: answers survive a restart, and several processes may share one folder.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# The store touches nothing else: pointed at a folder by mistake, it leaves the folder's own files alone.
_NAME = re.compile(r"[0-9a-f]{32}\.[a-z0-9]{1,8}")
_UNFINISHED = ".mpt-unfinished-"
_UNFINISHED_LIFETIME = 60.0  # seconds; no write takes as long

# What is over the quota is cut down to this share of it, so that a full store does not scan its folder at each write.
LOW_WATER = 0.9


def new_id() -> str:
    """An id that nobody can guess: the time in seconds, then 96 random bits, in hexadecimal."""
    return f"{int(time.time()):08x}{secrets.token_hex(12)}"


def made_at(name: str) -> float:
    """When the id that `name` begins with was made, in seconds since 1970."""
    return float(int(name[:8], 16))


def is_id(text: str) -> bool:
    """Whether `text` looks like an id of `new_id`; anything else never reaches the file system."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None


def is_name(text: str) -> bool:
    """Whether `text` is the name of a mesh: `<id>.<extension>`."""
    return _NAME.fullmatch(text) is not None


def checked_name(name: str) -> str:
    """`name` itself.

    Raises:
        ValueError: It is not `<id>.<extension>`.
    """
    if not is_name(name):
        raise ValueError(f"{name!r} is not the name of a mesh")
    return name


class Store(Protocol):
    """What keeps meshes by name. Its methods block, and may be called from many threads."""

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`; raises OSError if that fails."""

    def get(self, name: str) -> bytes | None:
        """The bytes under `name`; None if there are none, or no longer."""

    def delete(self, name: str) -> None:
        """Delete what is under `name`, if there is something."""

    def sweep(self) -> None:
        """Delete what is past its lifetime or over the quota."""

    @property
    def usage(self) -> tuple[int, int]:
        """How many meshes and how many bytes there are, about."""


@contextlib.contextmanager
def all_or_nothing(store: Store) -> Iterator[Callable[[str, bytes], None]]:
    """Gives what keeps files in the store, as `Store.put`; if the block fails, those that it kept are deleted."""
    names: list[str] = []

    def put(name: str, data: bytes) -> None:
        names.append(name)
        store.put(name, data)

    try:
        yield put
    except BaseException:
        for name in names:
            with contextlib.suppress(OSError):  # its time will come
                store.delete(name)
        raise


@dataclass(frozen=True)
class _Entry:
    path: str
    name: str
    modified: float
    size: int


class MeshStore:
    """A folder of files named `<id>.<extension>`.

    Args:
        folder: Where the files lie; made, readable by its owner only, if it is not there.
        lifetime: Seconds after which a file is gone.
        quota_bytes: Most bytes to keep; beyond it the oldest files go first.
    """

    def __init__(self, folder: Path, lifetime: float, quota_bytes: int) -> None:
        self._folder = folder
        self._lifetime = lifetime
        self._quota = quota_bytes
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._count, self._bytes = 0, 0
        self.sweep()

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`.

        Raises:
            ValueError: A name that is not `<id>.<extension>`.
            OSError: The disk is full, or the folder cannot be written.
        """
        path = self._path(name)
        descriptor, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.replace(unfinished, path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        with self._lock:
            self._count += 1
            self._bytes += len(data)
            over = self._bytes > self._quota
        if over:
            self.sweep()

    def get(self, name: str) -> bytes | None:
        """The bytes kept under `name`; None if there are none, or no longer.

        Raises:
            ValueError: A name that is not `<id>.<extension>`.
        """
        try:
            with open(self._path(name), "rb") as file:
                if os.fstat(file.fileno()).st_mtime < time.time() - self._lifetime:
                    return None
                return file.read()
        except FileNotFoundError:
            return None

    def delete(self, name: str) -> None:
        """Delete what is kept under `name`, if there is something.

        Raises:
            ValueError: A name that is not `<id>.<extension>`.
        """
        path = self._path(name)
        with self._lock:
            try:
                size = path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                return
            self._count -= 1
            self._bytes -= size

    def sweep(self) -> None:
        """Delete what is past its lifetime or over the quota, and what a killed process left unfinished."""
        with self._lock:
            now = time.time()
            kept = []
            for entry in self._scan():
                if entry.modified > now:  # the clock was ahead: its time begins now
                    with contextlib.suppress(FileNotFoundError):
                        os.utime(entry.path, (now, now))
                unfinished = entry.name.startswith(_UNFINISHED)
                if now - entry.modified > (_UNFINISHED_LIFETIME if unfinished else self._lifetime):
                    self._delete(entry)
                elif not unfinished:
                    kept.append(entry)
            count, total = len(kept), sum(entry.size for entry in kept)
            if total > self._quota:
                for entry in sorted(kept, key=lambda entry: entry.modified):
                    if total <= self._quota * LOW_WATER:
                        break
                    self._delete(entry)
                    total -= entry.size
                    count -= 1
            self._count, self._bytes = count, total

    @property
    def usage(self) -> tuple[int, int]:
        """How many meshes and how many bytes there are; what other processes added counts from the next sweep on."""
        with self._lock:
            return self._count, self._bytes

    def _path(self, name: str) -> Path:
        return self._folder / checked_name(name)

    def _scan(self) -> list[_Entry]:
        entries = []
        with os.scandir(self._folder) as found:
            for item in found:
                if item.name.startswith(_UNFINISHED) or _NAME.fullmatch(item.name):
                    try:
                        status = item.stat(follow_symlinks=False)
                    except FileNotFoundError:  # another process swept it
                        continue
                    if stat.S_ISREG(status.st_mode):
                        entries.append(_Entry(item.path, item.name, status.st_mtime, status.st_size))
        return entries

    @staticmethod
    def _delete(entry: _Entry) -> None:
        Path(entry.path).unlink(missing_ok=True)
