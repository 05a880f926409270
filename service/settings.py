"""Everything an operator can set, each by an environment variable: `MPT_` and the field's name in capitals."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


def default_store_dir() -> Path:
    """The user's cache folder: private to the user, unlike a guessable name under a shared temporary folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mpt" / "meshes"


class Settings(BaseSettings):
    """The service's settings. `MPT_PORT=9000 python -m service` listens on port 9000."""

    model_config = SettingsConfigDict(env_prefix="MPT_", frozen=True)

    # Listening
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 opens it to the network.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    root_path: str = Field("", description="Path under which a reverse proxy serves this service, such as /mpt.")
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        "info", description="The least severe log lines to write."
    )

    # Model
    checkpoint: Path | None = Field(
        None, description="Checkpoint for mode=zero-shot; the one that comes with the package if unset."
    )
    fine_tuned_checkpoint: Path | None = Field(
        None, description="Checkpoint for mode=fine-tuned; without one, that mode is refused."
    )
    device: str = Field("auto", description="Where the network runs: auto, cpu, cuda or cuda:1.")

    # Load
    concurrency: int = Field(2, ge=1, le=64, description="Photos worked on at the same time.")
    queue_size: int = Field(16, ge=0, le=10_000, description="Photos that may wait; beyond it the answer is 503.")
    retry_after: int = Field(2, ge=1, le=3600, description="Seconds that a 503 asks the client to wait.")

    # Limits of one request
    max_body_bytes: int = Field(32 * MIB, ge=MIB, le=1024 * MIB, description="Largest request body, in bytes.")
    max_pixels: int = Field(
        50_000_000, ge=10_000, le=100_000_000, description="Largest photo, width x height, in pixels."
    )
    max_people: int = Field(20, ge=1, le=100, description="Most people (or boxes) in one photo.")

    # Meshes
    store_dir: Annotated[Path, Field(default_factory=default_store_dir, description="Folder that keeps the meshes.")]
    store_lifetime: int = Field(3600, ge=1, description="Seconds that a mesh can be fetched for.")
    store_quota_bytes: int = Field(
        1024 * MIB, ge=64 * MIB, description="Most bytes of meshes to keep; the oldest go first."
    )
