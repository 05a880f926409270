"""Jobs on the disk: a folder for each, with its state, its film, and what came of it.

The state is written aside and renamed, so that a killed process leaves none half. A folder without a state is of a film
that never arrived whole.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from model.files import atomic_write
from service.jobs.state import JobState
from service.store import is_id

_STATE, _FILM, _RESULTS = "state.json", "film", "results"


class JobFolder:
    """All jobs of a service.

    Args:
        folder: Where they lie; made, readable by its owner only, if it is not there.
        lifetime: Seconds that a job is kept for once it is finished.
        quota_bytes: Most bytes of all jobs; beyond it the oldest finished ones go first.

    Raises:
        OSError: The folder cannot be made.
    """

    def __init__(self, folder: Path, lifetime: float, quota_bytes: int) -> None:
        self._folder, self._lifetime, self._quota = folder, lifetime, quota_bytes
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def film(self, identifier: str) -> Path:
        """Where a job's film lies."""
        return self._folder / identifier / _FILM

    def results(self, identifier: str) -> Path:
        """The folder of what came of it."""
        return self._folder / identifier / _RESULTS

    def begin(self, identifier: str) -> Path:
        """Make room for a film that is to arrive; returns where it goes."""
        self.results(identifier).mkdir(parents=True)
        return self.film(identifier)

    def write(self, state: JobState) -> None:
        """Keep a job's state; a job that was deleted stays deleted.

        Raises:
            OSError: The disk is full.
        """
        if (self._folder / state.id).is_dir():
            with atomic_write(self._folder / state.id / _STATE) as partial:
                partial.write_text(state.model_dump_json(exclude_none=True))

    def read_all(self) -> list[JobState]:
        """Every job with a state that can be read, the oldest first; what has none is deleted."""
        states = []
        for entry in self._folder.iterdir():
            if entry.is_dir() and is_id(entry.name):
                try:
                    states.append(JobState.model_validate_json((entry / _STATE).read_text()))
                except (OSError, ValueError):
                    self.delete(entry.name)
        return sorted(states, key=lambda state: state.created)

    def delete(self, identifier: str) -> None:
        """Delete a job and all that belongs to it."""
        shutil.rmtree(self._folder / identifier, ignore_errors=True)

    def drop_film(self, identifier: str) -> None:
        """Delete a film that is done with."""
        self.film(identifier).unlink(missing_ok=True)

    def has_room(self, more: int) -> bool:
        """Whether so many bytes more are within the quota."""
        return self._usage() + more <= self._quota

    def out_of_date(self, finished: list[JobState], more: int = 0) -> list[str]:
        """The finished jobs that must go: past their lifetime, or to make room for so many bytes more."""
        end, total = time.time() - self._lifetime, self._usage() + more
        gone = []
        for state in sorted(finished, key=lambda state: state.finished or 0.0):
            if (state.finished or 0.0) < end or total > self._quota:
                gone.append(state.id)
                total -= _size(self._folder / state.id)
        return gone

    def _usage(self) -> int:
        return sum(_size(entry) for entry in self._folder.iterdir() if is_id(entry.name))


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # written aside, and in its place by now
            continue
    return total
