"""What goes over the wire of videos: the query of `POST /videos`, and the job that it answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from model.scene.stature import STATURES
from service.queries import MOST_PEOPLE
from service.schemas import Problem

VideoFormat = Literal["glb", "json", "npz", "rigged", "bvh", "trc", "smpl-npz"]
JobStatus = Literal["queued", "running", "succeeded", "failed"]


class VideoQuery(BaseModel):
    """The query of `POST /videos`."""

    mode: Literal["zero-shot", "fine-tuned"] | None = Field(
        None, description="Which training, as for photos; zero-shot by default, where it is offered."
    )
    format: list[VideoFormat] = Field(
        ["glb", "json"],
        max_length=16,
        description="What to make of each person; repeat it for more. json is one file for all, each frame as "
        "a photo's answer has it.",
        examples=[["glb", "json"]],
    )
    overlay: bool = Field(False, description="Whether to draw the people over the film, as WebM.")
    colors: Literal["plain", "person"] = Field(
        "plain", description="What bodies wear: everybody the same calm colours, or each person one of their own."
    )
    skeleton: Literal["smpl", "mixamo", "unreal", "lafan1"] = Field(
        "smpl", description="Whose joints' names and resting pose bvh has."
    )
    max_people: int | None = Field(
        None, ge=1, le=MOST_PEOPLE, description="Only so many people: who is there for longest."
    )
    frame_rate: float = Field(
        30.0, ge=1, le=120, allow_inf_nan=False, description="Frames a second to look at, at most."
    )
    fast: bool = Field(False, description="Whether networks see half as many frames; bodies go on in between.")
    hands: Literal["auto", "off"] = Field(
        "auto",
        description="Whether hands that are large enough in the film pose the wrists and fingers of bodies (auto), or "
        "all hang relaxed (off).",
    )
    focal_length: float | None = Field(
        None,
        ge=1,
        le=1_000_000,
        allow_inf_nan=False,
        description="The camera's focal length in pixels. Else what the file says, as iPhones' do; else what people "
        "who walk before a camera that stands still, or one that goes somewhere, tell, or a phone's, 32 mm before 35 "
        "mm film.",
    )
    person_height: float | None = Field(
        None,
        ge=STATURES[0],
        le=STATURES[1],
        allow_inf_nan=False,
        description="Metres that the person who is there for longest is tall: all sizes and distances follow.",
    )
    webhook: str | None = Field(
        None,
        max_length=2048,
        description="An address, https or http and public, to which the job is sent once it has ended, signed by the "
        "rules of Standard Webhooks; if the operator allows it (MPT_WEBHOOK_SECRET).",
    )


class JobFile(BaseModel):
    """A file that came of a job."""

    name: str = Field(description="video-1.glb is the first person's.")
    bytes: int
    url: str


class Job(BaseModel):
    """A video that is worked on, or was."""

    id: str
    status: JobStatus
    progress: float = Field(ge=0, le=1, description="Share of the frames that were gone through.")
    frames: int = Field(description="How many these are; with overlay=true each counts twice.")
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    people: int | None = Field(None, description="How many were followed; once it has succeeded.")
    message: str | None = Field(None, description="Why there is nobody, or what could not be read.")
    problem: Problem | None = Field(None, description="Why it failed, if so.")
    files: list[JobFile] = Field(description="In the end all of them; before, those that are done.")
    events: str = Field(description="Where to follow it as server-sent events.")

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "5f0c7bd2a94e4c1f8d3e6a7b9c0d1e2f",
                "status": "running",
                "progress": 0.42,
                "frames": 126,
                "created": "2026-11-29T10:00:00Z",
                "started": "2026-11-29T10:00:02Z",
                "files": [],
                "events": "/v1/jobs/5f0c7bd2a94e4c1f8d3e6a7b9c0d1e2f/events",
            }
        }
    )
