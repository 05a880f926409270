"""A person's mesh in every format that it is asked for, made of the record that is kept of her."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from anyio import to_thread
from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from service import downloads
from service.records import Record
from service.routes.common import Context, Services, files, gone, kept
from service.schemas import Topology
from service.store import is_id

router = APIRouter(tags=["meshes"])

_GLB = "model/gltf-binary"
_BINARY = "application/octet-stream"
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.get(
    "/mesh/{answer_id}.scene.glb",  # before those of a person, which it would fit as well
    summary="Everyone of an answer on the ground as binary glTF 2.0",
    response_class=Response,
    responses=files(_GLB, "The scene.", 404),
)
async def mesh_scene(answer_id: str, services: Context) -> Response:
    """A named node for each person, in metres, y up, the floor at 0, the origin under the first person's pelvis.

    The camera that took the photo is towards +z. Who stands is set down on the floor.
    """

    def work() -> bytes:
        whole = downloads.read_whole(services.store, answer_id)
        if whole is None:
            raise gone("scene", services)
        made = downloads.scene_glb(*whole)
        if made is None:
            raise HTTPException(404, "Nobody was found in this photo, or hands alone, so that there is no scene.")
        return made

    if not is_id(answer_id):
        raise gone("scene", services)
    return kept(await to_thread.run_sync(work), _GLB, f"{answer_id}.scene.glb", services)


@router.get(
    "/mesh/{mesh_id}.rigged.glb",
    summary="A person's fitted body with its skeleton as binary glTF 2.0",
    response_class=Response,
    responses=files(_GLB, "The body.", 404),
)
async def mesh_rigged(mesh_id: str, services: Context) -> Response:
    """The body in metres, y up, with 22 joints in SMPL's names, skinning weights and the pose.

    It is there of fitted bodies. With all rotations zero the skeleton stands in a T-pose.
    """
    rig = services.settings.rig
    glb = await _made(mesh_id, services, lambda record, called: downloads.skeleton_file(record, called, "rigged", rig))
    return kept(glb, _GLB, f"{mesh_id}.rigged.glb", services)


@router.get(
    "/mesh/{mesh_id}.glb",
    summary="A person's mesh as binary glTF 2.0",
    response_class=Response,
    responses=files(_GLB, "The mesh.", 404),
)
async def mesh_glb(mesh_id: str, services: Context) -> Response:
    """The mesh in metres, y up, pelvis at the origin, with smooth normals."""
    return kept(await _made(mesh_id, services, downloads.glb), _GLB, f"{mesh_id}.glb", services)


@router.get(
    "/mesh/{mesh_id}.obj",
    summary="A person's mesh as Wavefront OBJ",
    response_class=Response,
    responses=files("model/obj", "The mesh.", 404),
)
async def mesh_obj(mesh_id: str, services: Context) -> Response:
    """The same mesh as the GLB's: metres, y up, pelvis at the origin, with smooth normals."""
    return kept(await _made(mesh_id, services, downloads.obj), "model/obj", f"{mesh_id}.obj", services)


@router.get(
    "/mesh/{mesh_id}.bvh",
    summary="The pose of a person's fitted body as BVH",
    response_class=Response,
    responses=files("text/plain", "One frame of 22 joints.", 404),
)
async def mesh_bvh(mesh_id: str, services: Context) -> Response:
    """The skeleton of `rigged.glb` in its pose, for animation programs; there if that is."""
    rig = services.settings.rig
    bvh = await _made(mesh_id, services, lambda record, called: downloads.skeleton_file(record, called, "bvh", rig))
    return kept(bvh, "text/plain", f"{mesh_id}.bvh", services)


@router.get(
    "/mesh/{mesh_id}.f32",
    summary="A person's vertices as numbers and nothing else",
    response_class=Response,
    responses=files(_BINARY, "Little-endian float32, a vertex after the other, x, y, z.", 404),
)
async def mesh_vertices(mesh_id: str, services: Context) -> Response:
    """What `vertices=true` lists, unrounded and a fifth as long: metres, camera frame, pelvis at the origin.

    `X-Array-Shape` says how many there are. The faces are those under `topology` in `mesh`.
    """
    data = await _made(mesh_id, services, lambda record, _: downloads.vertices(record))
    return kept(data, _BINARY, f"{mesh_id}.f32", services, headers=_array_headers("float32", len(data) // 12))


@router.get(
    "/topology/{topology_id}.u32",
    summary="The faces of a network's meshes as numbers and nothing else",
    response_class=Response,
    responses=files(_BINARY, "Little-endian uint32, a face after the other, three vertices each.", 404),
)
async def topology_faces(topology_id: str, services: Context) -> Response:
    """The faces of the same topology as JSON, in less space."""
    faces = (await _topology(topology_id, services)).astype("<u4")
    headers = {**_FOR_EVER, **_array_headers("uint32", len(faces))}
    return Response(faces.tobytes(), media_type=_BINARY, headers=headers)


@router.get(
    "/topology/{topology_id}",
    summary="The faces that all meshes of a network share",
    response_model=Topology,
    responses=files("application/json", "The faces.", 404),
)
async def topology(topology_id: str, services: Context) -> Response:
    """Which three vertices make each face, counter-clockwise seen from outside. It never changes: fetch it once."""
    faces = await _topology(topology_id, services)
    told = Topology(id=topology_id, vertices=int(faces.max()) + 1, faces=faces.tolist())
    body = await to_thread.run_sync(told.model_dump_json)
    return Response(body, media_type="application/json", headers=_FOR_EVER)


async def _made(mesh_id: str, services: Services, make: Callable[[Record, str], bytes | None]) -> bytes:
    """A file of what is kept of a person; `make` gets the record and what to call the mesh."""

    def work() -> bytes:
        record = downloads.read_person(services.store, mesh_id)
        if record is None:
            raise gone("mesh", services)
        made = make(record, downloads.title(record, mesh_id[:8]))
        if made is None:
            raise HTTPException(404, "This mesh is raw: no body was fitted to it, so that it has no skeleton.")
        return made

    if not is_id(mesh_id):
        raise gone("mesh", services)
    return await to_thread.run_sync(work)


async def _topology(topology_id: str, services: Services) -> np.ndarray:
    faces = (await to_thread.run_sync(downloads.topologies, services.engine.models.values())).get(topology_id)
    if faces is None:
        raise HTTPException(404, "None of the networks that are loaded has meshes of this topology.")
    return faces


def _array_headers(kind: str, rows: int) -> dict[str, str]:
    return {"X-Array-Type": kind, "X-Array-Shape": f"{rows},3"}
