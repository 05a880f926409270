"""The files that are made of what the store keeps: of one person, and of a whole answer."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from model.arrays import to_npz
from model.body.motion import SkeletonMotion
from model.body.suit import find_worn
from model.formats.mesh import glb_to_obj, to_glb
from model.formats.scene_glb import SceneBody, to_scene_glb
from model.scene.ground import Ground, Scene
from model.scene.up import Up
from model.video.skeleton_files import MovingSkeleton
from service import scene
from service.inference.cancellation import check_cancelled
from service.records import Record, unpack
from service.schemas import Reconstruction

if TYPE_CHECKING:
    from model.body.rig import Rig
    from model.reconstructor import Reconstructor
    from service.store import Store

PERSON, ANSWER, SCENE = "person", "answer", "scene"
"""What the store keeps: a record of each person, the answer as JSON, and the photo with all meshes before it."""


def read_person(store: Store, identifier: str) -> Record | None:
    """What is kept of a person; None if there is nothing, or no longer, or it is broken."""
    data = store.get(f"{identifier}.{PERSON}")
    return None if data is None else unpack(data)


def read_answer(store: Store, identifier: str) -> Reconstruction | None:
    """An answer that is kept, without vertices; None if there is none, or no longer, or it is broken."""
    data = store.get(f"{identifier}.{ANSWER}")
    try:
        return None if data is None else Reconstruction.model_validate_json(data)
    except ValueError:
        return None


def read_whole(store: Store, identifier: str) -> tuple[Reconstruction, list[Record]] | None:
    """An answer and all its people; None if something of it is missing."""
    answer = read_answer(store, identifier)
    if answer is None:
        return None
    records = [record for person in people_of(answer) if (record := read_person(store, person)) is not None]
    return (answer, records) if len(records) == len(people_of(answer)) else None


def forget(store: Store, answer: Reconstruction) -> None:
    """Delete an answer and all that is kept of its people; the answer last, so that a failure can be tried again."""
    for person in people_of(answer):
        store.delete(f"{person}.{PERSON}")
    store.delete(f"{answer.id}.{SCENE}")
    store.delete(f"{answer.id}.{ANSWER}")


def people_of(answer: Reconstruction) -> list[str]:
    """The ids of an answer's people, or hands."""
    return [person.id for person in answer.hands or answer.people]


def topology_id(faces: np.ndarray) -> str:
    """What names the faces (F, 3) wherever the same ones are: 16 hexadecimal digits."""
    return hashlib.sha256(faces.astype("<u4").tobytes()).hexdigest()[:16]


def topologies(models: Iterable[Reconstructor]) -> dict[str, np.ndarray]:
    """The faces (F, 3) of all meshes that the models give, by `topology_id`; left hands' are turned inside out."""
    both = [faces for model in models for faces in (model.faces, model.faces[:, ::-1])]
    return {topology_id(faces): faces for faces in both}


def title(record: Record, suffix: int | str) -> str:
    """What the mesh is called within its files: person-1."""
    return f"{'hand' if record.person.handedness else 'person'}-{suffix}"


def glb(record: Record, called: str) -> bytes:
    """The mesh."""
    return to_glb(record.person.vertices, record.person.faces, called, record.person.colors)


def obj(record: Record, called: str) -> bytes:
    """The same as text."""
    return glb_to_obj(glb(record, called))


def skeleton_file(record: Record, called: str, kind: str, rig: Path | None) -> bytes | None:
    """The fitted body as one of `model.video.skeleton_files`' kinds, rigged or bvh; None if none was fitted."""
    found = _rig_of(record, rig)
    if found is None or record.body is None:
        return None
    motion = SkeletonMotion.of(found, [record.body], keypoints=record.person.joints[None])
    skeleton = MovingSkeleton(called, motion, record.person.faces, "smpl", colors=record.person.colors)
    return next(data for _, _, data in skeleton.files(frozenset([kind])))


def vertices(record: Record) -> bytes:
    """The vertices (V, 3), little-endian float32, as `vertices=true` lists them."""
    return record.person.vertices.astype("<f4").tobytes()


def scene_glb(answer: Reconstruction, records: list[Record]) -> bytes | None:
    """Everyone of an answer on the ground; None if there is nobody, or hands."""
    told = answer.scene
    if told is None or not records:
        return None
    up = Up(np.array(told.up), told.confidence, told.source, 0.0)
    ground = None
    if told.ground is not None:
        standing = np.array([person in told.ground.standing for person in people_of(answer)])
        ground = Ground(np.array(told.ground.normal), told.ground.camera_height, standing)
    people = [record.person for record in records]
    bodies = [
        SceneBody(
            title(record, number),
            person.camera.to_camera(person.vertices),
            person.faces,
            person.root,
            person.colors,
        )
        for number, (record, person) in enumerate(zip(records, people, strict=True), start=1)
    ]
    return to_scene_glb(bodies, Scene(up, ground))


def npz(answer: Reconstruction, records: list[Record], rig: Path | None) -> bytes:
    """All people of an answer as `mpt reconstruct --format npz` writes them; of hands the faces of a right one."""
    people = [record.person for record in records]
    faces = np.zeros((0, 3), np.int32)
    if people:
        faces = people[0].faces[:, ::-1] if people[0].handedness == "left" else people[0].faces
    fitted = next((record for record in records if record.body is not None), None)
    found = None if fitted is None else _rig_of(fitted, rig)
    return to_npz(people, (answer.width, answer.height), faces, found, [record.body for record in records])


def write_zip(
    file: IO[bytes], answer: Reconstruction, records: list[Record], photo: bytes | None, rig: Path | None
) -> None:
    """All files of an answer in one archive: answer.json, arrays.npz, each person's, and the pictures.

    Args:
        file: Where to.
        answer: The answer.
        records: Its people.
        photo: The scene, if photos are kept.
        rig: The operator's own, if there is one.

    Raises:
        Cancelled: Nobody waits for it any more.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("answer.json", answer.model_dump_json(exclude_none=True, indent=1))
        archive.writestr("arrays.npz", npz(answer, records, rig), zipfile.ZIP_STORED)
        for number, record in enumerate(records, start=1):
            check_cancelled()
            called = title(record, number)
            mesh = glb(record, called)
            made = {
                "glb": mesh,
                "obj": glb_to_obj(mesh),
                "rigged.glb": skeleton_file(record, called, "rigged", rig),
                "bvh": skeleton_file(record, called, "bvh", rig),
            }
            for ending, data in made.items():
                if data is not None:
                    archive.writestr(f"{called}.{ending}", data)
        if (everyone := scene_glb(answer, records)) is not None:
            archive.writestr("scene.glb", everyone)
        views: tuple[scene.View, ...] = ("photo", "side")
        for view in views if photo is not None else ():
            check_cancelled()
            picture = scene.draw(photo or b"", view, "png")
            if picture is not None:
                archive.writestr("overlay.png" if view == "photo" else "side.png", picture, zipfile.ZIP_STORED)


def _rig_of(record: Record, rig: Path | None) -> Rig | None:
    """The rig that a person's body was fitted with; None if none was, or the operator has another by now."""
    if record.body is None:
        return None
    found = find_worn(len(record.person.vertices), rig)
    return found if found is not None and len(record.body.shape) == found.shape_count else None
