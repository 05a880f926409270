"""A photo in, people out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Query, Request, UploadFile
from fastapi.responses import Response

from service import pipeline
from service.auth import Guarded
from service.http.deadlines import answer_in_time
from service.routes.common import Context, base_path, problems
from service.schemas import Reconstruction, ReconstructQuery

router = APIRouter(route_class=Guarded)


@router.post(
    "/reconstruct",
    tags=["reconstruction"],
    summary="From a photo to each person's 3D joints and body mesh",
    response_model=Reconstruction,
    response_model_exclude_none=True,
    responses=problems(400, 401, 408, 413, 415, 422, 500, 503, 504),
)
async def reconstruct(
    request: Request,
    services: Context,
    image: Annotated[UploadFile, File(description="The photo: JPEG, PNG, WebP, AVIF or HEIC. It is turned upright.")],
    query: Annotated[ReconstructQuery, Query()],
) -> Response:
    """Find the people of a photo and reconstruct each one's 3D joints and body mesh.

    ```
    curl -F image=@photo.jpg "http://localhost:8000/v1/reconstruct?max_people=1"
    ```

    A photo without people gives an empty list. Each person's mesh lies under the links in `mesh` for a while; who has
    the link has the mesh. Sending the same photo again is safe: it gives a new answer with new links.
    """
    mode, model = services.engine.model(query.subject, query.mode)
    base = base_path(request)

    def work() -> bytes:
        data = image.file.read()  # in its turn: until then a large one lies on the disk
        answer = pipeline.reconstruct(data, query, mode, model, services.store, services.settings, base)
        return answer.model_dump_json(exclude_none=True).encode()  # here, not on the event loop: it can be megabytes

    answer = await answer_in_time(services.engine.run(work), request, services.settings.deadline)
    return Response(answer, media_type="application/json", headers={"Cache-Control": "no-store"})
