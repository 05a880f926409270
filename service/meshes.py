"""Body meshes as files: GLB (glTF 2.0 binary) and OBJ, in metres, y up.

Meshes come in the camera frame (x right, y down, z forward) and are turned by 180 degrees about x, which is a rotation:
left stays left and the faces keep their winding.
"""

from __future__ import annotations

import io
import struct

import numpy as np
import trimesh
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

TURN_UP = (1.0, -1.0, -1.0)
_MATERIAL = PBRMaterial(
    name="body",
    baseColorFactor=(0.60, 0.67, 0.76, 1.0),  # linear; a light slate blue
    metallicFactor=0.0,
    roughnessFactor=0.65,
)


def to_glb(vertices: np.ndarray, faces: np.ndarray, name: str = "body") -> bytes:
    """Write one body as a binary glTF 2.0 file with smooth normals and a plain material.

    Args:
        vertices: (V, 3) metres, camera frame.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        name: Name of the node and the mesh.

    Raises:
        ValueError: Not a mesh: wrong shapes, a coordinate that is not finite, or an index without a vertex.
    """
    vertices, faces = np.asarray(vertices), np.asarray(faces)
    _check(vertices, faces)
    visual = TextureVisuals(material=_MATERIAL.copy())
    mesh = trimesh.Trimesh(vertices * TURN_UP, faces, process=False, visual=visual)
    normals = mesh.vertex_normals.copy()
    normals[~normals.any(axis=1)] = (0.0, 1.0, 0.0)  # where there is no face; glTF forbids zero
    mesh.vertex_normals = normals
    scene = trimesh.Scene()
    scene.add_geometry(mesh, node_name=name, geom_name=name)
    return scene.export(file_type="glb", include_normals=True)


def is_whole_glb(data: bytes) -> bool:
    """Whether a file is as long as its header says, which a machine that lost power in a write may have broken."""
    return len(data) >= 12 and struct.unpack_from("<4sII", data) == (b"glTF", 2, len(data))


def glb_to_obj(data: bytes) -> bytes:
    """Write the body in a GLB of `to_glb` as a Wavefront OBJ: the same vertices, normals and faces, y up.

    Coordinates keep 5 decimals (0.01 mm).
    """
    mesh = trimesh.load_mesh(io.BytesIO(data), file_type="glb", process=False)
    text = mesh.export(file_type="obj", header="metres, y up", digits=5, include_normals=True, include_texture=False)
    return text.encode()


def _check(vertices: np.ndarray, faces: np.ndarray) -> None:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or len(vertices) == 0:
        raise ValueError(f"vertices must have the shape (V, 3), not {vertices.shape}")
    if faces.ndim != 2 or faces.shape[1] != 3 or len(faces) == 0:
        raise ValueError(f"faces must have the shape (F, 3), not {faces.shape}")
    if not np.isfinite(vertices).all():
        raise ValueError("a vertex has a coordinate that is not finite")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise ValueError(f"a face names a vertex outside 0 to {len(vertices) - 1}")
