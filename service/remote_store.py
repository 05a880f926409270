"""Meshes at an address that many machines share: an object store, or whatever else fsspec knows.

Object stores show a file whole or not at all; of stores that do not, `service.records` tells a
half-written record when it is read. Clocks and times of modification differ from store to store: the time stands in the
mesh's id.
"""

from __future__ import annotations

import contextlib
import time

import fsspec

from service.store import LOW_WATER, checked_name, is_name, made_at


class RemoteStore:
    """Files named `<id>.<extension>` at an fsspec address.

    Args:
        url: Such as s3://bucket/meshes, gs://bucket/meshes or file:///shared/meshes; memory:// for a test.
        lifetime: Seconds after which a file is gone.
        quota_bytes: Most bytes to keep; beyond it the oldest files go first, at the next sweep.

    Raises:
        OSError: The address cannot be used.
        ValueError: There is no such kind of address.
        ImportError: The kind needs a package that is not installed; fsspec's message names it.
    """

    def __init__(self, url: str, lifetime: float, quota_bytes: int) -> None:
        self._files, self._folder = fsspec.url_to_fs(url, use_listings_cache=False)
        self._folder = self._folder.rstrip("/")
        self._lifetime = lifetime
        self._quota = quota_bytes
        self._usage = (0, 0)
        self._files.makedirs(self._folder, exist_ok=True)
        self.sweep()

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`.

        Raises:
            ValueError: A name that is not `<id>.<extension>`.
            OSError: The store did not take it.
        """
        self._files.pipe_file(self._path(name), data)

    def get(self, name: str) -> bytes | None:
        """The bytes kept under `name`; None if there are none, or no longer.

        Raises:
            ValueError: A name that is not `<id>.<extension>`.
            OSError: The store did not answer.
        """
        path = self._path(name)
        if time.time() - made_at(name) > self._lifetime:
            return None
        try:
            return bytes(self._files.cat_file(path))
        except FileNotFoundError:
            return None

    def delete(self, name: str) -> None:
        """Delete what is kept under `name`, if there is something.

        Raises:
            ValueError: A name that is not `<id>.<extension>`.
            OSError: The store did not answer.
        """
        with contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def sweep(self) -> None:
        """Delete what is past its lifetime or over the quota; other files are left alone."""
        found = self._files.find(self._folder, maxdepth=1, detail=True)
        sizes = {path: int(item["size"] or 0) for path, item in found.items() if is_name(_last(path))}
        now = time.time()
        total = sum(sizes.values())
        limit = self._quota if total <= self._quota else self._quota * LOW_WATER
        for path in sorted(sizes, key=_last):  # ids begin with the time: the oldest first
            if now - made_at(_last(path)) <= self._lifetime and total <= limit:
                break
            with contextlib.suppress(FileNotFoundError):  # another machine swept it
                self._files.rm_file(path)
            total -= sizes.pop(path)
        self._usage = (len(sizes), total)

    @property
    def usage(self) -> tuple[int, int]:
        """How many meshes and how many bytes there were at the last sweep."""
        return self._usage

    def _path(self, name: str) -> str:
        return f"{self._folder}/{checked_name(name)}"


def _last(path: str) -> str:
    return path.rpartition("/")[2]
