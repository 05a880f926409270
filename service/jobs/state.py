"""What is known of a job, as it lies on the disk; `service.jobs.schemas.Job` is what clients see of it."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from pydantic import BaseModel, Field

from service.jobs.schemas import Job, JobFile, JobStatus, VideoQuery
from service.schemas import Problem


class JobState(BaseModel):
    """One job. Times are seconds since 1970."""

    id: str
    query: VideoQuery
    base: str
    """What its links begin with."""
    status: JobStatus = "queued"
    created: float = Field(default_factory=time.time)
    started: float | None = None
    finished: float | None = None
    begun: int = 0
    """How often work on it began; more than once if the service ended in between."""
    frames: int = 0
    """Gone through."""
    total: int | None = None
    """To go through, as far as anybody knows."""
    people: int | None = None
    message: str | None = None
    problem: Problem | None = None
    files: dict[str, int] = Field(default_factory=dict)
    """Bytes by name."""
    told: bool = False
    """Whether the webhook knows."""

    def public(self) -> Job:
        """What clients see."""
        this = f"{self.base}/jobs/{self.id}"
        progress = {"queued": 0.0, "succeeded": 1.0}.get(self.status)
        if progress is None:
            progress = round(min(0.99, self.frames / self.total), 4) if self.total else 0.0
        return Job(
            id=self.id,
            status=self.status,
            progress=progress,
            frames=self.frames,
            created=_date(self.created),
            started=_date(self.started),
            finished=_date(self.finished),
            people=self.people,
            message=self.message,
            problem=self.problem,
            files=[JobFile(name=name, bytes=size, url=f"{this}/files/{name}") for name, size in self.files.items()],
            events=f"{this}/events",
        )


def _date(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
