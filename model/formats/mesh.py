"""Body meshes as files: GLB (glTF 2.0 binary) and OBJ, in metres, y up.

Meshes come in the camera frame (x right, y down, z forward) and are turned by 180 degrees about x, which is a rotation:
left stays left and the faces keep their winding.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from model.body.normals import vertex_normals
from model.body.skeleton import TURN_UP
from model.formats.gltf import GltfWriter

if TYPE_CHECKING:
    import trimesh  # takes most of a second to import: only who asks for it waits


def to_glb(vertices: np.ndarray, faces: np.ndarray, name: str = "body", colors: np.ndarray | None = None) -> bytes:
    """Write one body as a binary glTF 2.0 file with smooth normals and a physically based material.

    Args:
        vertices: (V, 3) metres, camera frame.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        name: Name of the node and the mesh.
        colors: (V, 3) uint8 sRGB of the vertices; None for one colour.

    Raises:
        ValueError: Not a mesh: wrong shapes, a coordinate that is not finite, or an index without a vertex.
    """
    vertices, faces = np.asarray(vertices), np.asarray(faces)
    check_mesh(vertices, faces)
    vertices = vertices * np.array(TURN_UP, np.float32)
    file = GltfWriter()
    attributes = {
        "POSITION": file.points(vertices),
        "NORMAL": file.points(smooth_normals(vertices, faces)),
        **({} if colors is None else {"COLOR_0": file.colors(colors)}),
    }
    primitive = {"attributes": attributes, "indices": file.indices(faces), "material": 0}
    return file.finish([{"name": name, "mesh": 0}], {"name": name, "primitives": [primitive]})


def to_trimesh(vertices: np.ndarray, faces: np.ndarray) -> trimesh.Trimesh:
    """The mesh of `to_glb` for trimesh: vertices and faces in their order, y up.

    Args:
        vertices: (V, 3) metres, camera frame.
        faces: (F, 3) vertex indices.
    """
    import trimesh

    return trimesh.Trimesh(vertices * np.array(TURN_UP, np.float32), faces, process=False)


def smooth_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals as glTF wants them: never zero, not even where there is no face."""
    normals = vertex_normals(vertices, faces)
    normals[~normals.any(axis=1)] = (0.0, 1.0, 0.0)
    return normals


def glb_to_obj(data: bytes) -> bytes:
    """Write the body in a GLB of `to_glb` as a Wavefront OBJ: the same vertices, normals and faces, y up.

    Coordinates keep 5 decimals (0.01 mm).
    """
    import trimesh

    mesh = trimesh.load_mesh(io.BytesIO(data), file_type="glb", process=False)
    text = mesh.export(file_type="obj", header="metres, y up", digits=5, include_normals=True, include_texture=False)
    return text.encode()


def check_mesh(vertices: np.ndarray, faces: np.ndarray) -> None:
    """Raises ValueError unless it is one: shapes, finite coordinates, and indices that have a vertex."""
    if vertices.ndim != 2 or vertices.shape[1] != 3 or len(vertices) == 0:
        raise ValueError(f"vertices must have the shape (V, 3), not {vertices.shape}")
    if faces.ndim != 2 or faces.shape[1] != 3 or len(faces) == 0:
        raise ValueError(f"faces must have the shape (F, 3), not {faces.shape}")
    if not np.isfinite(vertices).all():
        raise ValueError("a vertex has a coordinate that is not finite")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise ValueError(f"a face names a vertex outside 0 to {len(vertices) - 1}")
