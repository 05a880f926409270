"""One request's work from bytes to answer: decode, reconstruct, write the meshes, keep them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from model.body.fitting import fit
from model.body.motion import SkeletonMotion
from model.body.rig import find_rig
from model.errors import BadInput
from model.formats.mesh import to_glb
from model.formats.photo import decode
from model.formats.rigged_glb import to_rigged_glb
from service import metrics, scene, schemas
from service.inference.cancellation import check_cancelled
from service.responses import encode_answer, encode_parameters, encode_person
from service.store import Store, new_id

if TYPE_CHECKING:
    from model.body.rig import Rig
    from model.reconstructor import Reconstructor
    from model.results import Person
    from service.settings import Settings


def reconstruct(
    data: bytes,
    query: schemas.ReconstructQuery,
    mode: str,
    model: Reconstructor,
    store: Store,
    settings: Settings,
    root_path: str,
) -> schemas.Reconstruction:
    """Answer one `POST /reconstruct`. Blocks: runs in a worker thread.

    Args:
        data: The image file as it came.
        query: What was asked for.
        mode: The mode that `model` serves.
        model: The network.
        store: Keeps the meshes.
        settings: The service's limits.
        root_path: Path under which clients see the service; links begin with it.

    Raises:
        BadInput: The image or a box cannot be used, or the mesh has no rig.
        OSError: The meshes or the scene could not be kept.
        Cancelled: The client has gone meanwhile, or its deadline.
    """
    check_cancelled()
    start = time.perf_counter()
    photo = decode(data, settings.max_pixels)
    if (boxes := len(query.bbox)) > settings.max_people:
        raise BadInput(f"{boxes} boxes are too many: at most {settings.max_people} are reconstructed in one photo.")
    check_cancelled()
    rig = find_rig(model.info()["vertices"], settings.rig) if query.rigged or query.parameters else None
    decoded = time.perf_counter()
    found = model.reconstruct(
        photo.pixels,
        boxes=query.boxes or None,
        max_people=min(query.max_people or settings.max_people, settings.max_people),
        focal_length=query.focal_length or photo.focal_length,
    )
    check_cancelled()
    reconstructed = time.perf_counter()
    identifier = new_id()
    people = [_person(person, model, query, rig, store, root_path) for person in found.people]
    if settings.keep_photos:
        store.put(f"{identifier}.scene", scene.pack(photo.pixels, found.people))
    end = time.perf_counter()
    seconds = {
        **{stage: value / 1000 for stage, value in found.timings_ms.items()},
        **{"decode": decoded - start, "meshes": end - reconstructed},
    }
    for stage, value in seconds.items():
        metrics.STAGE_SECONDS.labels(stage).observe(value)
    seconds["total"] = end - start
    overlay = f"{root_path}/reconstructions/{identifier}/overlay.png" if settings.keep_photos else None
    return encode_answer(identifier, photo, mode, model, people, {k: 1000 * v for k, v in seconds.items()}, overlay)


def _person(
    person: Person, model: Reconstructor, query: schemas.ReconstructQuery, rig: Rig | None, store: Store, root_path: str
) -> schemas.Person | schemas.Hand:
    identifier = new_id()
    name = f"{'person' if model.subject == 'body' else 'hand'}-{identifier[:8]}"
    links = {kind: f"{root_path}/mesh/{identifier}.{kind}" for kind in ("glb", "obj")}
    store.put(f"{identifier}.glb", to_glb(person.vertices, person.faces, name))
    parameters = None
    if rig is not None:
        check_cancelled()  # a crowd takes a while
        body = fit(rig, person.vertices)
        parameters = encode_parameters(rig, body)
        if query.rigged:
            links["rigged"] = f"{root_path}/mesh/{identifier}.rigged.glb"
            store.put(f"{identifier}.rigged", to_rigged_glb(SkeletonMotion.of(rig, [body]), person.faces, name))
    return encode_person(identifier, person, links, parameters, query.vertices)
