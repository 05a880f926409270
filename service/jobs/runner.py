"""Works on jobs, one after the other, in a thread of its own; what a restart finds unfinished begins anew."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from pathlib import Path

from filelock import FileLock, Timeout

from model.errors import BadInput, MPTError
from service.inference.engine import Engine, Overloaded
from service.jobs.folder import JobFolder
from service.jobs.state import JobState
from service.jobs.webhooks import Webhooks
from service.jobs.work import run
from service.problems import accident, problem_of
from service.schemas import Problem
from service.settings import Settings
from service.store import new_id

log = logging.getLogger(__name__)

TRIES = 2
"""How often work on a job may begin, if the service dies of it."""
_NOT_READY_SECONDS = 0.2


class VideosMissing(BadInput):
    """This service takes no videos."""


class _Stopped(Exception):
    """The service ends; the job goes on when it starts anew."""


class _Deleted(Exception):
    """Nobody wants the job any more."""


class Jobs:
    """All jobs of this service: takes them in, works on them, tells of them.

    Args:
        settings: Say where jobs lie and how many there may be.
        engine: Has the models.

    Raises:
        OSError: The folder cannot be made.
    """

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine
        self._folder = JobFolder(settings.jobs_folder, settings.job_lifetime, settings.job_quota_bytes)
        self._lock = FileLock(settings.jobs_folder / ".lock", thread_local=False)  # another thread releases it
        self._webhooks = Webhooks(settings)
        self._jobs: dict[str, JobState] = {}
        self._waiting: deque[str] = deque()
        self._arriving = 0
        self._changed = threading.Condition()
        self._stopping, self._offered = False, False
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Go on with what the last run of the service left; returns at once."""
        if self._settings.video_queue == 0:
            return
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            log.warning(
                "No videos here: another service works on those in %s (MPT_JOBS_DIR)", self._settings.jobs_folder
            )
            return
        for state in self._folder.read_all():
            self._jobs[state.id] = state
            if state.status == "running" and state.begun >= TRIES:
                detail = "The service ended while it worked on this video, more than once. Send another, or cut it."
                self._end(state, Problem(type="urn:mpt:problem:gave-up", title="Gave up", status=500, detail=detail))
            elif state.status in ("queued", "running"):
                state.status, state.frames = "queued", 0
                self._waiting.append(state.id)
            elif not state.told:
                self._tell(state)
        self._offered = True
        self._thread.start()

    def stop(self) -> None:
        """Lay aside what is worked on, to be begun anew by the next run; returns once that is done."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._webhooks.stop()
        self._lock.release()

    def admit(self, declared_bytes: int) -> None:
        """Before a film's bytes are read: whether there is room for it and for its bytes; `discard` or `add` follows.

        Raises:
            VideosMissing: This service takes no videos.
            Overloaded: Too many wait, or the disk space is used up.
        """
        if not self._offered:
            raise VideosMissing("This service takes no videos (MPT_VIDEO_QUEUE).")
        with self._changed:
            unfinished = sum(state.finished is None for state in self._jobs.values())
            if unfinished + self._arriving >= self._settings.video_queue:
                raise Overloaded("The service is busy: too many videos wait already. Try again in some minutes.")
            self.sweep(declared_bytes)
            if not self._folder.has_room(declared_bytes):
                raise Overloaded("The space for videos is used up by those that are worked on. Try again later.")
            self._arriving += 1

    def begin(self) -> tuple[str, Path]:
        """A new job's id, and where its film goes."""
        identifier = new_id()
        return identifier, self._folder.begin(identifier)

    def discard(self, identifier: str | None) -> None:
        """A film that was admitted did not arrive."""
        with self._changed:
            self._arriving -= 1
        if identifier is not None:
            self._folder.delete(identifier)

    def add(self, state: JobState) -> None:
        """Take in a job whose film has arrived.

        Raises:
            OSError: Its state cannot be written.
        """
        self._folder.write(state)
        with self._changed:
            self._arriving -= 1
            self._jobs[state.id] = state
            self._waiting.append(state.id)
            self._changed.notify_all()

    def get(self, identifier: str) -> JobState | None:
        """A job; None if there is none, or no longer."""
        return self._jobs.get(identifier)

    def file(self, state: JobState, name: str) -> Path | None:
        """One of a job's files; None if it has none of this name."""
        return self._folder.results(state.id) / name if name in state.files else None

    def delete(self, identifier: str) -> bool:
        """Delete a job, finished or not; whether there was one."""
        with self._changed:
            state = self._jobs.pop(identifier, None)
            if identifier in self._waiting:
                self._waiting.remove(identifier)
        if state is not None and state.status != "running":  # else its work does, as soon as it notices
            self._folder.delete(identifier)
        return state is not None

    def sweep(self, more: int = 0) -> None:
        """Delete finished jobs that are past their lifetime, or to make room."""
        finished = [state for state in list(self._jobs.values()) if state.finished is not None]
        now = time.time()
        for state in finished:
            state.finished = min(state.finished or 0.0, now)  # the clock was ahead: its time begins now
        for identifier in self._folder.out_of_date(finished, more):
            self.delete(identifier)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._waiting)
                ready = self._engine.obstacle is None
                if not self._stopping and not ready:
                    self._changed.wait(_NOT_READY_SECONDS)
                    continue
                if self._stopping:
                    return
                state = self._jobs[self._waiting.popleft()]
                state.status, state.started, state.begun = "running", time.time(), state.begun + 1
            self._do(state)

    def _do(self, state: JobState) -> None:
        def tick(total: float | None) -> None:
            state.frames += 1
            state.total = None if total is None else round(total)
            if self._stopping:
                raise _Stopped
            if state.id not in self._jobs:
                raise _Deleted

        def written(path: Path) -> None:
            state.files[path.name] = path.stat().st_size
            if not self._folder.has_room(0):
                raise BadInput("What came of this video takes more space than there is. Ask for fewer formats.")

        problem: Problem | None = None
        try:
            self._folder.write(state)
            results = self._folder.results(state.id)
            answer = run(state.query, self._folder.film(state.id), results, self._engine, self._settings, tick, written)
            state.people, state.message = answer.people, answer.nobody or answer.missing
        except _Deleted:
            self._folder.delete(state.id)
            return
        except _Stopped:
            state.status, state.begun, state.frames = "queued", state.begun - 1, 0
            self._folder.write(state)
            return
        except MPTError as error:
            problem = problem_of(error)
        except Exception as error:
            log.exception("Job %s failed", state.id)
            problem = accident(error)
        self._end(state, problem)

    def _end(self, state: JobState, problem: Problem | None) -> None:
        state.problem, state.finished = problem, time.time()
        state.status = "succeeded" if problem is None else "failed"
        self._folder.drop_film(state.id)
        self._keep(state)
        if state.id in self._jobs:
            self._tell(state)
        else:
            self._folder.delete(state.id)

    def _tell(self, state: JobState) -> None:
        if state.query.webhook is None or self._settings.webhook_secret is None:
            return

        def told() -> None:
            state.told = True
            self._keep(state)

        body = state.public().model_dump_json(exclude_none=True).encode()
        self._webhooks.send(state.query.webhook, state.id, body, told)

    def _keep(self, state: JobState) -> None:
        try:
            self._folder.write(state)
        except OSError:  # a full disk; what is in memory counts until the next start
            log.exception("The state of job %s could not be written", state.id)
