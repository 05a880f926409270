"""For operators and orchestrators: what is loaded, whether it answers, what it counts."""

from __future__ import annotations

from importlib.util import find_spec

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service import metrics
from service.auth import Guarded
from service.inference.engine import NotReady
from service.routes.common import Context, files, problems
from service.status import Health, Limits, Model

router = APIRouter()
guarded = APIRouter(route_class=Guarded)
models = APIRouter(route_class=Guarded)


@router.get("/v2/health/live", tags=["health"], summary="Whether the process answers", response_model_exclude_none=True)
async def live() -> Health:
    """Answers 200 as long as the process runs, also while the model loads."""
    return Health(status="live")


@router.get("/v2/health/ready", tags=["health"], summary="Whether photos can be reconstructed", responses=problems(503))
async def ready(services: Context) -> Health:
    """Answers 503 with the reason while the model loads, and if it failed to."""
    if services.engine.obstacle is not None:
        raise NotReady(services.engine.obstacle)
    settings = services.settings
    limits = Limits(
        max_body_bytes=settings.max_body_bytes,
        store_lifetime=settings.store_lifetime,
        keep_photos=settings.keep_photos,
        heic=find_spec("pillow_heif") is not None,
        image_urls=settings.image_urls,
        videos=settings.video_queue > 0,
        max_video_bytes=settings.largest_video,
        job_lifetime=settings.job_lifetime,
    )
    return Health(status="ready", limits=limits)


@models.get("/models", tags=["models"], summary="Which models answer", responses=problems(401, 503))
async def loaded(services: Context) -> list[Model]:
    """One entry for each subject and mode that `POST /reconstruct` offers. Answers 503 while the models load."""
    engine = services.engine
    if engine.obstacle is not None:
        raise NotReady(engine.obstacle)
    return [Model(mode=mode, **model.info()) for (_, mode), model in engine.models.items()]


@guarded.get(
    "/metrics",
    tags=["health"],
    summary="What the service counts, for Prometheus",
    response_class=Response,
    responses=files("text/plain", "Metrics as text.", 401),
)
async def metrics_text(services: Context) -> Response:
    """Requests, errors, latency by stage, queue, batch sizes and meshes of this process."""
    metrics.READY.set(services.engine.obstacle is None)
    count, size = services.store.usage
    metrics.STORED.set(count)
    metrics.STORED_BYTES.set(size)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
