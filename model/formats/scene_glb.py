"""Everyone of a photo in one binary glTF 2.0 file, on the ground: metres, y up, the floor at 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.formats.gltf import GltfWriter
from model.formats.mesh import check_mesh, smooth_normals
from model.scene.ground import Scene, world_on


class SceneBody(NamedTuple):
    """Somebody to put into the file."""

    name: str
    """Of the node and the mesh."""
    vertices: np.ndarray
    """(V, 3) metres, camera frame: where they are before the camera."""
    faces: np.ndarray
    """(F, 3) vertex indices, counter-clockwise seen from outside."""
    root: np.ndarray
    """(3,) the pelvis, likewise."""
    colors: np.ndarray | None = None
    """(V, 3) uint8 sRGB of the vertices; None for one colour."""


def to_scene_glb(bodies: Sequence[SceneBody], scene: Scene) -> bytes:
    """Write all bodies of one photo, a named node each, whose origin is on the ground under the pelvis.

    The first one's is the file's origin; the camera that took the photo is in front of it, towards +z. Who stands is
    set down on the floor, nobody is below it, and without a ground it is under the lowest point of all.

    Args:
        bodies: At least one.
        scene: What they stand in; its ground knows who of them stands.

    Raises:
        ValueError: Nobody, or not a mesh: wrong shapes, a coordinate that is not finite, or an index without a vertex.
    """
    if not bodies:
        raise ValueError("a scene needs somebody in it")
    for body in bodies:
        check_mesh(body.vertices, body.faces)
    world = world_on(scene, bodies[0].root)
    meshes = [world.to_world(np.asarray(body.vertices, np.float64)) for body in bodies]
    low = np.array([mesh[:, 1].min() for mesh in meshes])
    lift = np.where(scene.ground.standing, -low, np.maximum(0, -low)) if scene.ground else np.full(len(low), -low.min())
    file = GltfWriter()
    nodes, contents = [], []
    for number, (body, mesh, up) in enumerate(zip(bodies, meshes, lift.tolist(), strict=True)):
        x, _, z = world.to_world(np.asarray(body.root, np.float64)).round(6).tolist()
        vertices = (mesh + np.array([-x, up, -z])).astype(np.float32)
        attributes = {
            "POSITION": file.points(vertices),
            "NORMAL": file.points(smooth_normals(vertices, body.faces)),
            **({} if body.colors is None else {"COLOR_0": file.colors(body.colors)}),
        }
        primitive = {"attributes": attributes, "indices": file.indices(body.faces), "material": 0}
        nodes.append({"name": body.name, "mesh": number, "translation": [x, 0.0, z]})
        contents.append({"name": body.name, "primitives": [primitive]})
    return file.finish(nodes, *contents)
