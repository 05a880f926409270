"""One request's work from bytes to answer: decode, reconstruct, keep the people."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from model.body.rig_file import require_rig
from model.errors import BadInput
from model.formats.photo import decode
from service import metrics, scene, schemas
from service.downloads import ANSWER, PERSON, SCENE, topology_id
from service.inference.cancellation import check_cancelled
from service.queries import ReconstructQuery
from service.records import Record, pack
from service.responses import encode_answer, encode_parameters, encode_person
from service.store import Store, all_or_nothing, new_id

if TYPE_CHECKING:
    from model.body.rig import Rig
    from model.reconstructor import Reconstructor
    from model.results import Person
    from service.settings import Settings

_NO_VERTICES = {"__all__": {"vertices"}}  # they are in the records


def reconstruct(
    data: bytes,
    query: ReconstructQuery,
    mode: str,
    model: Reconstructor,
    store: Store,
    settings: Settings,
    base: str,
) -> schemas.Reconstruction:
    """Answer one `POST /reconstruct`. Blocks: runs in a worker thread.

    Args:
        data: The image file as it came.
        query: What was asked for.
        mode: The mode that `model` serves.
        model: The network.
        store: Keeps the meshes.
        settings: The service's limits.
        base: What links begin with: the path under which clients see the API.

    Raises:
        BadInput: The image or a box cannot be used, or the mesh has no rig.
        OSError: The meshes or the scene could not be kept.
        Cancelled: The client has gone meanwhile, or its deadline; nothing is kept.
    """
    check_cancelled()
    start = time.perf_counter()
    photo = decode(data, settings.max_pixels)
    if (boxes := len(query.bbox)) > settings.max_people:
        raise BadInput(f"{boxes} boxes are too many: at most {settings.max_people} are reconstructed in one photo.")
    check_cancelled()
    rig = _rig(query, model)
    decoded = time.perf_counter()
    found = model.reconstruct(
        photo.pixels,
        boxes=query.boxes or None,
        max_people=min(query.max_people or settings.max_people, settings.max_people),
        focal_length=query.focal_length or photo.focal_length,
        pitch=photo.tilt if query.pitch is None else query.pitch,
        camera_height=query.camera_height,
        person_height=query.person_height,
        colors=query.colors,
        mesh=query.mesh,
        hands=query.hands,
    )
    check_cancelled()
    reconstructed = time.perf_counter()
    identifier = new_id()
    with all_or_nothing(store) as put:
        people = [_person(person, query, rig, put, base) for person in found.people]
        if settings.keep_photos:
            up = found.scene.up if found.scene else None
            put(f"{identifier}.{SCENE}", scene.pack(photo.pixels, found.people, up))
        end = time.perf_counter()
        seconds = {
            **{stage: value / 1000 for stage, value in found.timings_ms.items()},
            **{"decode": decoded - start, "meshes": end - reconstructed},
        }
        for stage, value in seconds.items():
            metrics.STAGE_SECONDS.labels(stage).observe(value)
        seconds["total"] = end - start
        this = f"{base}/reconstructions/{identifier}"
        links: dict[str, str | None] = {"npz": f"{this}.npz", "zip": f"{this}.zip"}
        links["scene"] = f"{base}/mesh/{identifier}.scene.glb"
        if settings.keep_photos:
            links["overlay"] = f"{this}/overlay.png"
        timings = {stage: 1000 * value for stage, value in seconds.items()}
        answer = encode_answer(identifier, photo, mode, model, people, found.scene, timings, links)
        kept = answer.model_dump_json(exclude_none=True, exclude={"people": _NO_VERTICES, "hands": _NO_VERTICES})
        put(f"{identifier}.{ANSWER}", kept.encode())
        check_cancelled()
    return answer


def _rig(query: ReconstructQuery, model: Reconstructor) -> Rig | None:
    """The rig of what was asked for, if that needs one.

    Raises:
        BadInput: There is none, or no body was asked for.
    """
    if not (query.rigged or query.parameters):
        return None
    if query.mesh == "raw":
        raise BadInput("The network's own mesh has no skeleton and no parameters: leave mesh=raw out, or these.")
    if model.subject == "hand":
        raise BadInput("Hands have no skeleton and no body parameters: leave rigged and parameters out.")
    return require_rig(model.rig, model.info()["vertices"])


def _person(
    person: Person, query: ReconstructQuery, rig: Rig | None, put: Callable[[str, bytes], None], base: str
) -> schemas.Person | schemas.Hand:
    identifier = new_id()
    check_cancelled()  # a crowd takes a while
    put(f"{identifier}.{PERSON}", pack(Record(person)))
    kinds = {"glb": "glb", "obj": "obj", "vertices": "f32"}
    if person.body is not None:
        kinds |= {"rigged": "rigged.glb", "bvh": "bvh"}
    links = {kind: f"{base}/mesh/{identifier}.{ending}" for kind, ending in kinds.items()}
    links["topology"] = f"{base}/topology/{topology_id(person.faces)}"
    parameters = encode_parameters(rig, person.body) if rig is not None and person.body is not None else None
    return encode_person(identifier, person, links, parameters, query.vertices)
