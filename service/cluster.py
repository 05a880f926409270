"""The same service on Ray Serve, for more load than one machine takes.

`MPT_STORE_URL=s3://bucket/meshes serve run service.cluster:build max_replicas=8 gpus=1`. Each replica is the whole
application with a queue and a batcher of its own; Ray starts as many as the load asks for and spreads requests over
them. Settings are those of `service.settings`, read where `serve run` is called, but for the host and the port: these
are Ray's. Where replicas run on several machines, MPT_STORE_URL must name a store that all of them reach.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.serve.config import AutoscalingConfig

from service.app import create_app
from service.http import logging_setup
from service.inference.engine import Loader, load_reconstructors
from service.settings import Settings, read_settings

# Beside the photos in a replica's queue: meshes, health, and photos that are refused at once.
_OTHER_REQUESTS = 64


class Options(BaseModel):
    """How much of the cluster the service may take."""

    model_config = ConfigDict(extra="forbid")

    min_replicas: int = Field(1, ge=1)
    max_replicas: int = Field(4, ge=1)
    cpus: float = Field(1.0, ge=0, description="CPU cores of a replica.")
    gpus: float = Field(0.0, ge=0, description="GPUs of a replica.")


def build(options: Mapping[str, str]) -> serve.Application:
    """What `serve run service.cluster:build name=value ...` runs.

    Args:
        options: Those of `Options`.

    Raises:
        SettingsError: A setting cannot be used.
        ValidationError: An option cannot be used.
    """
    return application(read_settings(), Options.model_validate(options))


def application(settings: Settings, options: Options, load: Loader = load_reconstructors) -> serve.Application:
    """The service as a deployment of Ray Serve.

    Args:
        settings: Of every replica.
        options: How many replicas, and what each takes.
        load: Returns the models; called in every replica.
    """

    def make_app() -> FastAPI:  # in the replica: an application with its threads cannot be sent there
        logging_setup.set_up(settings.log_level, settings.log_format)
        # A job is known to the replica alone that took it in.
        return create_app(settings.model_copy(update={"video_queue": 0}), load)

    deployment = serve.deployment(
        name="mpt",
        # More than the service's own queue holds: what is too much, it refuses itself, with a problem.
        max_ongoing_requests=settings.concurrency + settings.queue_size + _OTHER_REQUESTS,
        autoscaling_config=AutoscalingConfig(
            min_replicas=options.min_replicas,
            max_replicas=options.max_replicas,
            target_ongoing_requests=settings.concurrency,
        ),
        ray_actor_options={"num_cpus": options.cpus, "num_gpus": options.gpus},
        graceful_shutdown_timeout_s=settings.upload_seconds + settings.deadline,
    )
    return deployment(serve.ingress(make_app)()).bind()
