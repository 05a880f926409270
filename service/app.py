"""The application factory: `uvicorn --factory service.app:create_app`, or `python -m service`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from functools import partial
from importlib import metadata
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from service import problems, routes
from service.http.head_requests import Head
from service.http.ranges import Ranges
from service.http.rate_limit import RateLimit
from service.http.request_log import Observe
from service.http.security_headers import SecurityHeaders
from service.http.server_protocol import ENDING
from service.http.upload_limits import BodySize, BodyTime
from service.http.uploads import Uploads
from service.inference.engine import Engine, Loader, load_reconstructors
from service.inference.upgrade import Upgrade
from service.intake import Intake
from service.jobs.runner import Jobs
from service.queries import ImagesBody
from service.routes.common import Services
from service.settings import MOST_UPLOADS, Settings, read_settings
from service.store import MeshStore, Store

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0
TAGS = [
    {"name": "reconstruction", "description": "A photo in, people out."},
    {"name": "videos", "description": "A video in, and a job that works on it."},
    {"name": "reconstructions", "description": "An answer once more, all of it in one file, and its end."},
    {"name": "meshes", "description": "What an answer links to, for as long as it is kept."},
    {"name": "pictures", "description": "The same as pictures."},
    {"name": "models", "description": "Which networks answer."},
    {"name": "health", "description": "For orchestrators and Prometheus."},
]
"""In the order in which the API's page shows them."""
# Coordinates in binary lose a sixth at most, for as long as it takes to make a GLB.
_NOT_SMALLER_COMPRESSED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/octet-stream", "model/gltf-binary")


def create_app(settings: Settings | None = None, load: Loader = load_reconstructors) -> FastAPI:
    """Build the service.

    Args:
        settings: From the environment if None.
        load: Returns the models; called in the background once the application starts.

    Raises:
        SettingsError: A setting cannot be used.
        OSError: The folder for the meshes cannot be made.
    """
    settings = settings or read_settings()
    upgrade = Upgrade(settings)
    engine = Engine(partial(load, settings), settings.concurrency, settings.queue_size, upgrade)
    rate = RateLimit(settings.rate_limit, settings.rate_burst)
    uploads = Uploads(settings.uploads_per_client, MOST_UPLOADS)
    services = Services(settings, engine, open_store(settings), Intake(settings), Jobs(settings, engine), rate, uploads)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        services.engine.start()
        services.jobs.start()
        sweeping = asyncio.create_task(_sweep_forever(services))
        yield {ENDING: asyncio.Event()}
        sweeping.cancel()
        upgrade.stop()
        await to_thread.run_sync(services.jobs.stop)
        await services.engine.stop()

    app = _App(
        title="MPT",
        summary="From a photo to each person's 3D joints and body mesh.",
        version=_version(),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would send photos, with their keys, past the path of a proxy and its TLS
        lifespan=lifespan,
    )
    app.state.services = services
    problems.install(app, settings.retry_after)
    # The last one added is the outermost.
    app.add_middleware(
        GZipMiddleware, minimum_size=1024, compresslevel=1, exclude_content_types=_NOT_SMALLER_COMPRESSED
    )
    app.add_middleware(Ranges)
    app.add_middleware(Head)
    app.add_middleware(BodySize, photos=settings.max_body_bytes, videos=settings.largest_video)
    app.add_middleware(
        BodyTime,
        uploads=uploads,
        seconds=settings.upload_seconds,
        video_seconds=settings.video_upload_seconds,
        retry_after=settings.retry_after,
    )
    app.add_middleware(Observe)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "X-Request-ID"],
            expose_headers=["Location", "Retry-After", "X-Request-ID", "X-Array-Type", "X-Array-Shape"],
        )
    app.add_middleware(SecurityHeaders)
    routes.mount(app, with_keys=bool(settings.api_keys))
    return app


def open_store(settings: Settings) -> Store:
    """The folder for the meshes, or the address that many machines share.

    Raises:
        OSError: It cannot be used.
        ValueError: There is no such kind of address.
        ImportError: The kind of address needs a package that is not installed.
    """
    if settings.store_url is None:
        return MeshStore(settings.store_dir, settings.store_lifetime, settings.store_quota_bytes)
    from service.remote_store import RemoteStore  # fsspec comes with the extra `cluster`

    return RemoteStore(settings.store_url, settings.store_lifetime, settings.store_quota_bytes)


class _App(FastAPI):
    """FastAPI with a truthful description of errors: they are problems."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            for path in document["paths"].values():
                for operation in path.values():
                    responses = operation["responses"]
                    for status in [status for status in responses if status >= "400"]:
                        content = responses[status].get("content", {}).get("application/json")
                        if content is not None:
                            responses[status]["content"] = {problems.MEDIA_TYPE: content}
            schemas = document["components"]["schemas"]
            bodies = ImagesBody.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= bodies.pop("$defs") | {"ImagesBody": bodies}  # of routes that parse their body themselves
        return super().openapi()


async def _sweep_forever(services: Services) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await to_thread.run_sync(services.store.sweep)
            await to_thread.run_sync(services.jobs.sweep)
        except Exception:  # a store that is away for a moment; the next round tries again
            log.exception("What is past its time could not be deleted")


def _version() -> str:
    try:
        return metadata.version("mpt-human")
    except metadata.PackageNotFoundError:  # run from a folder without installing
        return "0"
