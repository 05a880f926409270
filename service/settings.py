"""Everything an operator can set, in the environment (`MPT_` and the name in capitals) or in a TOML file (MPT_CONFIG).

`mpt settings` prints what is in force, as such a file. The environment wins over the file.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from model.errors import MPTError
from model.home import home
from service.queries import MOST_PEOPLE

MIB = 1024 * 1024
MOST_UPLOADS = 64
"""Bodies on their way in at once. Each holds a megabyte of memory, the rest of it on the disk."""
_PORT = 8000
_ALIKE = 0.85  # of two names, from which one is the other misspelt: API_KEY and API_KEYS have 0.93


def default_store_dir() -> Path:
    """The user's cache folder: private to the user, unlike a guessable name under a shared temporary folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or home() / ".cache") / "mpt" / "meshes"


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _as_path(value: str) -> str:
    """With a slash before it and none behind it, as links begin with it; nothing for the root itself."""
    bare = value.strip("/")
    return f"/{bare}" if bare else ""


def _long_enough(key: SecretStr) -> SecretStr:
    if len(key) < 16:
        raise ValueError("a key needs at least 16 characters")
    return key


def _network(value: str) -> str:
    ipaddress.ip_network(value)  # says what is wrong; uvicorn would pass over it
    return value


def _own_port(value: Any) -> Any:
    # Kubernetes tells every container where a service that is called mpt is: MPT_PORT=tcp://10.0.0.1:8000.
    return _PORT if isinstance(value, str) and value.startswith("tcp://") else value


# In the environment "a,b"; in the file ["a", "b"].
_Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
_Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_split)]
_Secrets = Annotated[tuple[Annotated[SecretStr, AfterValidator(_long_enough)], ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """The service's settings. `MPT_PORT=9000 python -m service` listens on port 9000."""

    model_config = SettingsConfigDict(env_prefix="MPT_", frozen=True, extra="forbid")

    # Listening
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 opens it to the network.")
    port: Annotated[int, BeforeValidator(_own_port)] = Field(
        _PORT, ge=0, le=65535, description="Port to listen on; 0 picks a free one."
    )
    trusted_proxies: _Networks = Field(
        (),
        description="Addresses or networks, such as 10.0.0.0/8, of proxies that are believed whose request it is "
        "(X-Forwarded-For), with commas between; 127.0.0.1 if unset.",
    )
    root_path: Annotated[str, AfterValidator(_as_path)] = Field(
        "",
        description="Path under which a reverse proxy serves this service, such as /mpt; it takes it off.",
    )
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        "info", description="The least severe log lines to write."
    )
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people or, json, for programs.")

    # Who may ask
    api_keys: _Secrets = Field(
        (), description="Keys of which photos need one, 16 characters or more, with commas between; none: open to all."
    )
    rate_limit: float | None = Field(
        None, gt=0, le=1e6, description="Photos and videos that a key, or without keys an address, may send a minute."
    )
    rate_burst: int = Field(10, ge=1, le=100_000, description="How many of these may come at once.")
    cors_origins: _Words = Field(
        (), description="Sites whose pages may call the service, such as https://a.example, with commas between."
    )

    # Model
    checkpoint: Path | None = Field(
        None, description="Checkpoint for mode=zero-shot; the one that comes with the package if unset."
    )
    fine_tuned_checkpoint: Path | None = Field(
        None, description="Checkpoint for mode=fine-tuned; without one, that mode is refused."
    )
    hand_checkpoint: Path | None = Field(
        None, description="Checkpoint for subject=hand; the one that comes with the package if unset."
    )
    rig: Path | None = Field(
        None, description="Rig of another mesh's bodies, such as SMPL's; those of the package's mesh have its own."
    )
    device: str = Field("auto", description="Where the network runs: auto, cpu, cuda or cuda:1.")
    engine: Literal["auto", "torch", "onnx"] = Field(
        "auto", description="What runs the network: PyTorch, ONNX Runtime, or the faster one that is there."
    )
    export: bool = Field(
        True,
        description="Whether our own checkpoints, if PyTorch runs them on a CPU, are exported once to ONNX, while the "
        "service answers.",
    )
    precision: Literal["auto", "float32", "float16", "bfloat16"] = Field(
        "auto", description="Of PyTorch's convolutions; auto is float16 on GPUs. ONNX files have their own."
    )
    landmarks: bool = Field(
        True,
        description="Whether people are seen by BlazePose where it is sure, else by MoveNet; off: by MoveNet alone.",
    )
    seen_twice: int = Field(
        4, ge=0, le=64,
        description="People at most in a photo whom BlazePose all sees twice, once in the mirror: 1 to 2 mm nearer, "
        "and a photo of one person takes half as long again. 0: only those in doubt.",
    )  # fmt: skip
    threads: int | None = Field(
        None, ge=1, le=256, description="CPU threads of one pass of the network; one a core if unset."
    )

    # Load
    concurrency: int = Field(4, ge=1, le=64, description="Photos worked on at the same time.")
    max_batch: int = Field(16, ge=1, le=1024, description="Most people of several photos in one pass of the network.")
    max_wait_ms: float = Field(
        0.0, ge=0, le=1000, description="Milliseconds that a pass may wait for more people, under load."
    )
    queue_size: int = Field(16, ge=0, le=10_000, description="Photos that may wait; beyond it the answer is 503.")
    retry_after: int = Field(2, ge=1, le=3600, description="Seconds that a 503 asks the client to wait.")
    deadline: float = Field(
        30.0, gt=0, le=3600, description="Seconds from a photo's arrival to its answer; beyond it the answer is 504."
    )
    upload_seconds: float = Field(
        30.0, gt=0, le=3600, description="Seconds that a request's body may take to arrive; beyond it 408."
    )
    uploads_per_client: int = Field(
        MOST_UPLOADS // 2, ge=1, le=MOST_UPLOADS,
        description="Requests whose bodies a key, or without keys an address, may be sending at the same time; beyond "
        "it the answer is 429.",
    )  # fmt: skip

    # Limits of one request
    max_body_bytes: int = Field(32 * MIB, ge=MIB, le=1024 * MIB, description="Largest request body, in bytes.")
    max_pixels: int = Field(
        50_000_000, ge=10_000, le=100_000_000, description="Largest photo, width x height, in pixels."
    )
    max_images: int = Field(16, ge=1, le=256, description="Most photos in one request for several.")
    max_people: int = Field(MOST_PEOPLE, ge=1, le=MOST_PEOPLE, description="Most people (or boxes) in one photo.")

    # Addresses that strangers name
    image_urls: bool = Field(False, description="Whether photos may be given as image_url, which the service calls.")
    url_hosts: _Words = Field(
        (),
        description="Hosts, or host:port, that may be called though their addresses are private, with commas between.",
    )
    url_seconds: float = Field(10.0, gt=0, le=300, description="Seconds that a call of a URL may take.")

    # Meshes
    store_dir: Annotated[Path, Field(default_factory=default_store_dir, description="Folder that keeps the meshes.")]
    store_url: str | None = Field(
        None,
        description="Where many machines keep their meshes together, in place of the folder: any address that fsspec "
        "knows, such as s3://bucket/meshes.",
    )
    keep_photos: bool = Field(
        True, description="Whether photos, scaled down, are kept as long as their meshes, for overlay.png."
    )
    store_lifetime: int = Field(3600, ge=1, description="Seconds that a mesh can be fetched for.")
    store_quota_bytes: int = Field(
        1024 * MIB, ge=64 * MIB, description="Most bytes of meshes to keep; the oldest go first."
    )

    # Videos
    video_queue: int = Field(8, ge=0, le=1000, description="Videos that may be waiting or worked on; 0 takes none.")
    max_video_bytes: int = Field(256 * MIB, ge=MIB, le=16384 * MIB, description="Largest video, in bytes.")
    max_video_frames: int = Field(3600, ge=1, description="Most frames that are read of one video.")
    video_upload_seconds: float = Field(300.0, gt=0, le=7200, description="Seconds that a video may take to arrive.")
    jobs_dir: Path | None = Field(
        None, description="Folder that keeps videos and their files; beside the meshes' if unset."
    )
    job_lifetime: int = Field(86400, ge=1, description="Seconds that a video's files are kept for.")
    job_quota_bytes: int = Field(
        4096 * MIB, ge=64 * MIB, description="Most bytes of videos and their files; the oldest go first."
    )
    webhook_secret: Annotated[SecretStr, AfterValidator(_long_enough)] | None = Field(
        None, description="Signs what webhooks are sent, 16 characters or more; without one there are no webhooks."
    )

    @property
    def largest_video(self) -> int:
        """Bytes of a video that may be sent: what is larger than all space there is would wait for ever."""
        return min(self.max_video_bytes, self.job_quota_bytes)

    @property
    def jobs_folder(self) -> Path:
        """Where videos and their files lie."""
        return self.jobs_dir or self.store_dir.with_name(f"{self.store_dir.name}-videos")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file that MPT_CONFIG names."""
        file = os.environ.get("MPT_CONFIG")
        if not file:
            return init_settings, env_settings
        if not Path(file).is_file():  # pydantic-settings would pass over it
            raise SettingsError(f"MPT_CONFIG: there is no file {file}")
        try:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)
        except (OSError, ValueError) as error:
            raise SettingsError(f"MPT_CONFIG: {file} cannot be read: {error}") from None


def read_settings() -> Settings:
    """The settings in force.

    Raises:
        SettingsError: A setting cannot be used; a line for each says which and why.
    """
    if misspelt := _misspelt():
        raise SettingsError("\n".join(misspelt))
    try:
        return Settings()
    except MPTError as error:
        raise SettingsError(str(error)) from None
    except ValidationError as error:
        raise SettingsError("\n".join(_told(str(item["loc"][0]), item) for item in error.errors())) from None


def _told(name: str, error: Mapping[str, Any]) -> str:
    """A line on a setting that cannot be used: which, by the name that it was set by, and why."""
    variable, file = f"MPT_{name.upper()}", os.environ.get("MPT_CONFIG")
    in_file = file and variable not in map(str.upper, os.environ)  # which the environment wins over
    unknown = error["type"] == "extra_forbidden"
    why = "there is no such setting" if unknown else error["msg"].removeprefix("Value error, ")
    return f"{f'{name} in {file}' if in_file else variable}: {why}"


def _misspelt() -> list[str]:
    """A line for each name in the environment that is all but a setting's: MPT_API_KEY would leave the service open."""
    known = [name.upper() for name in Settings.model_fields]
    set_here = [name.upper().removeprefix("MPT_") for name in os.environ if name.upper().startswith("MPT_")]
    others = [name for name in sorted(set_here) if name not in known]
    meant = {name: difflib.get_close_matches(name, known, 1, _ALIKE) for name in others}
    return [f"MPT_{name}: there is no such setting; MPT_{close[0]} is meant?" for name, close in meant.items() if close]


def to_toml(settings: Settings) -> str:
    """Write settings as a file for MPT_CONFIG, with a comment to each; keys do not appear."""
    lines = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        lines += ["", f"# {field.description}"]
        if name == "api_keys":
            lines.append(f"# api_keys = [] ({len(value)} set)")
        elif isinstance(value, SecretStr):
            lines.append(f"# {name} = (set)")
        elif value is None:
            lines.append(f"# {name} =")
        else:
            lines.append(f"{name} = {json.dumps(str(value) if isinstance(value, Path) else value)}")
    return "\n".join(lines[1:]) + "\n"
