"""The service's addresses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, File, HTTPException, Query, Request, UploadFile
from fastapi.responses import FileResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from model.formats.mesh import glb_to_obj, is_whole_glb
from service import metrics, pipeline, scene
from service.auth import Guarded
from service.http.deadlines import answer_in_time
from service.inference.engine import Engine, NotReady
from service.schemas import Health, Model, Problem, Reconstruction, ReconstructQuery
from service.settings import Settings
from service.store import Store, is_id

STATIC = Path(__file__).parent / "static"

router = APIRouter()
guarded = APIRouter(route_class=Guarded)


@dataclass(frozen=True)
class Services:
    """What the routes work with; `create_app` keeps one in `app.state.services`."""

    settings: Settings
    engine: Engine
    store: Store


async def _services(request: Request) -> Services:  # not def: FastAPI would run it in a thread
    services: Services = request.app.state.services
    return services


Context = Annotated[Services, Depends(_services)]

_PROBLEMS: dict[int, str] = {
    400: "The request is no well-formed multipart form.",
    401: "A key is needed.",
    404: "Nothing is there, or no longer.",
    408: "The request took too long to arrive.",
    413: "The request has too many bytes, or the image too many pixels.",
    415: "The file is no JPEG, PNG, WebP, HEIC or AVIF image, or the service cannot read HEIC.",
    422: "The image is missing or broken, or a parameter cannot be used.",
    500: "The service failed.",
    503: "The model is not ready, or too many requests wait; `Retry-After` says when to try again.",
    504: "The photo could not be answered in time.",
}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem, "description": _PROBLEMS[status]} for status in statuses}


@guarded.post(
    "/reconstruct",
    tags=["reconstruction"],
    summary="From a photo to each person's 3D joints and body mesh",
    response_model=Reconstruction,
    response_model_exclude_none=True,
    responses=_problems(400, 401, 408, 413, 415, 422, 500, 503, 504),
)
async def reconstruct(
    request: Request,
    services: Context,
    image: Annotated[UploadFile, File(description="The photo: JPEG, PNG, WebP, AVIF or HEIC. It is turned upright.")],
    query: Annotated[ReconstructQuery, Query()],
) -> Response:
    """Find the people of a photo and reconstruct each one's 3D joints and body mesh.

    ```
    curl -F image=@photo.jpg "http://localhost:8000/reconstruct?max_people=1"
    ```

    A photo without people gives an empty list. Each person's mesh lies under the links in `mesh` for a while; who has
    the link has the mesh. Sending the same photo again is safe: it gives a new answer with new links.
    """
    mode, model = services.engine.model(query.subject, query.mode)
    root_path = request.scope.get("root_path", "")

    def work() -> bytes:
        data = image.file.read()  # in its turn: until then a large one lies on the disk
        answer = pipeline.reconstruct(data, query, mode, model, services.store, services.settings, root_path)
        return answer.model_dump_json(exclude_none=True).encode()  # here, not on the event loop: it can be megabytes

    answer = await answer_in_time(services.engine.run(work), request, services.settings.deadline)
    return Response(answer, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get(
    "/mesh/{mesh_id}.rigged.glb",  # before the next one, which it would fit as well
    tags=["meshes"],
    summary="A person's fitted body with its skeleton as binary glTF 2.0",
    response_class=Response,
    responses={200: {"content": {"model/gltf-binary": {}}, "description": "The body."}, **_problems(404)},
)
async def mesh_rigged(mesh_id: str, services: Context) -> Response:
    """The body in metres, y up, with 22 joints in SMPL's names, skinning weights and the pose.

    It is there if the photo was sent with `rigged=true`. With all rotations zero the skeleton stands in a T-pose.
    """
    glb = await _mesh(mesh_id, services, "rigged")
    return _file(glb, "model/gltf-binary", f"{mesh_id}.rigged.glb", services)


@router.get(
    "/mesh/{mesh_id}.glb",
    tags=["meshes"],
    summary="A person's mesh as binary glTF 2.0",
    response_class=Response,
    responses={200: {"content": {"model/gltf-binary": {}}, "description": "The mesh."}, **_problems(404)},
)
async def mesh_glb(mesh_id: str, services: Context) -> Response:
    """The mesh in metres, y up, pelvis at the origin, with smooth normals."""
    glb = await _mesh(mesh_id, services)
    return _file(glb, "model/gltf-binary", f"{mesh_id}.glb", services)


@router.get(
    "/mesh/{mesh_id}.obj",
    tags=["meshes"],
    summary="A person's mesh as Wavefront OBJ",
    response_class=Response,
    responses={200: {"content": {"model/obj": {}}, "description": "The mesh."}, **_problems(404)},
)
async def mesh_obj(mesh_id: str, services: Context) -> Response:
    """The same mesh as the GLB's: metres, y up, pelvis at the origin, with smooth normals."""
    glb = await _mesh(mesh_id, services)
    return _file(await to_thread.run_sync(glb_to_obj, glb), "model/obj", f"{mesh_id}.obj", services)


@router.get(
    "/reconstructions/{reconstruction_id}/overlay.png",
    tags=["pictures"],
    summary="The meshes over the photo, or from the side, as PNG",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}}, "description": "The picture."},
        **_problems(404, 422, 503, 504),
    },
)
async def overlay(
    request: Request,
    reconstruction_id: str,
    services: Context,
    view: Annotated[scene.View, Query(description="From the photo's camera, or from the photo's right.")] = "photo",
) -> Response:
    """A picture of all people of one answer, drawn with the answer's camera, 1,600 pixels at most on a side."""
    kept = None
    if is_id(reconstruction_id):
        kept = await to_thread.run_sync(services.store.get, f"{reconstruction_id}.scene")
    if kept is None:
        raise _gone("picture", services)
    drawing = services.engine.run(partial(scene.draw, kept, view))
    picture = await answer_in_time(drawing, request, services.settings.deadline)
    if picture is None:
        raise _gone("picture", services)
    return _file(picture, "image/png", f"{reconstruction_id}-{view}.png", services, "inline")


async def _mesh(mesh_id: str, services: Services, kind: str = "glb") -> bytes:
    glb = await to_thread.run_sync(services.store.get, f"{mesh_id}.{kind}") if is_id(mesh_id) else None
    if glb is None or not is_whole_glb(glb):
        raise _gone("mesh", services)
    return glb


def _gone(what: str, services: Services) -> HTTPException:
    if what == "picture" and not services.settings.keep_photos:
        return HTTPException(404, "This service keeps no photos, and so draws no pictures of them (MPT_KEEP_PHOTOS).")
    minutes = services.settings.store_lifetime / 60
    return HTTPException(
        404,
        f"There is no {what} with this id, or no longer: it is kept for {minutes:.0f} minutes at most. "
        "Send the photo again to get a new one.",
    )


def _file(content: bytes, media_type: str, name: str, services: Services, disposition: str = "attachment") -> Response:
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'{disposition}; filename="{name}"',
            # What has an id never changes under its id; it shows a person, so that shared caches shall not keep it.
            "Cache-Control": f"private, max-age={services.settings.store_lifetime}, immutable",
        },
    )


@router.get("/v2/health/live", tags=["health"], summary="Whether the process answers")
async def live() -> Health:
    """Answers 200 as long as the process runs, also while the model loads."""
    return Health(status="live")


@router.get(
    "/v2/health/ready", tags=["health"], summary="Whether photos can be reconstructed", responses=_problems(503)
)
async def ready(services: Context) -> Health:
    """Answers 503 with the reason while the model loads, and if it failed to."""
    if services.engine.obstacle is not None:
        raise NotReady(services.engine.obstacle)
    return Health(status="ready")


@guarded.get("/models", tags=["models"], summary="Which models answer", responses=_problems(401, 503))
async def models(services: Context) -> list[Model]:
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
    responses={200: {"content": {"text/plain": {}}, "description": "Metrics as text."}, **_problems(401)},
)
async def metrics_text(services: Context) -> Response:
    """Requests, errors, latency by stage, queue, batch sizes and meshes of this process."""
    metrics.READY.set(services.engine.obstacle is None)
    count, size = services.store.usage
    metrics.STORED.set(count)
    metrics.STORED_BYTES.set(size)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The page to drop a photo on."""
    return FileResponse(STATIC / "index.html")


@router.get("/docs", include_in_schema=False)
async def docs() -> FileResponse:
    """The API's description to read and try out; FastAPI's own page would load scripts from elsewhere."""
    return FileResponse(STATIC / "docs.html")
