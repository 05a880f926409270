"""What the service says of itself: its models, its limits, its health."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """A network that is loaded, as its checkpoint's card describes it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "mode": "zero-shot",
                "subject": "body",
                "name": "anny-tiny",
                "size": "tiny",
                "engine": "ONNX Runtime on CPU, float32",
                "joints": 17,
                "vertices": 13718,
                "scores": {"validation": {"MPJPE": 59.6}},
            }
        }
    )

    mode: Literal["zero-shot", "fine-tuned"]
    subject: Literal["body", "hand"] = Field(description="What it reconstructs.")
    name: str
    size: str = Field(description="tiny, fast, small or base.")
    engine: str = Field(description="What runs it and on what, with its precision.")
    joints: int
    vertices: int
    scores: dict[str, dict[str, float]] = Field(description="Millimetres by data set and metric, as far as measured.")


class Limits(BaseModel):
    """What the service takes, and how long it keeps what it made."""

    max_body_bytes: int = Field(description="Of a request, and so of a photo.")
    store_lifetime: int = Field(description="Seconds after which meshes and photos are deleted.")
    keep_photos: bool = Field(description="Whether photos are kept as long as their meshes, scaled down.")
    heic: bool = Field(description="Whether the service reads HEIC.")
    image_urls: bool = Field(description="Whether the service fetches photos by their URL.")
    videos: bool = Field(description="Whether the service takes videos.")
    max_video_bytes: int = Field(description="Of a video.")
    job_lifetime: int = Field(description="Seconds after which what came of a video is deleted.")


class Health(BaseModel):
    """The service's state."""

    status: Literal["live", "ready"]
    limits: Limits | None = Field(None, description="Of a service that is ready.")
