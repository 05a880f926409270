"""Body meshes as files: GLB (glTF 2.0 binary) and OBJ, in metres, y up.

Meshes come in the camera frame (x right, y down, z forward) and are turned by 180 degrees about x, which is a rotation:
left stays left and the faces keep their winding.
"""

from __future__ import annotations

import json
import struct

import numpy as np

_MAGIC, _VERSION = b"glTF", 2
_JSON_CHUNK, _BINARY_CHUNK = b"JSON", b"BIN\0"
_FLOAT, _UNSIGNED_SHORT, _UNSIGNED_INT = 5126, 5123, 5125
_VERTEX_BUFFER, _INDEX_BUFFER = 34962, 34963

_TURN_UP = np.array([1.0, -1.0, -1.0], dtype=np.float32)
_MATERIAL = {
    "name": "body",
    "pbrMetallicRoughness": {
        "baseColorFactor": [0.60, 0.67, 0.76, 1.0],  # linear; a light slate blue
        "metallicFactor": 0.0,
        "roughnessFactor": 0.65,
    },
}


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Smooth normals: at each vertex, the mean of its faces' normals weighted by area.

    Args:
        vertices: (V, 3).
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.

    Returns:
        (V, 3) float32 of length 1. A vertex without a face of any area gets (0, 1, 0), since glTF forbids zero.
    """
    a, b, c = (vertices[faces[:, corner]].astype(np.float64) for corner in range(3))
    face_normals = np.cross(b - a, c - a)  # (F, 3), twice the face's area long
    corners = faces.T.ravel()
    summed = np.stack(
        [np.bincount(corners, np.tile(face_normals[:, axis], 3), len(vertices)) for axis in range(3)], axis=1
    )  # (V, 3)
    lengths = np.linalg.norm(summed, axis=1, keepdims=True)
    flat = lengths[:, 0] < 1e-18
    summed[flat], lengths[flat] = (0.0, 1.0, 0.0), 1.0
    return (summed / lengths).astype(np.float32)


def to_glb(vertices: np.ndarray, faces: np.ndarray, name: str = "body") -> bytes:
    """Write one body as a binary glTF 2.0 file with smooth normals and a plain material.

    Args:
        vertices: (V, 3) metres, camera frame.
        faces: (F, 3) vertex indices.
        name: Name of the node and the mesh.

    Raises:
        ValueError: Not a mesh: wrong shapes, a coordinate that is not finite, or an index without a vertex.
    """
    vertices, faces = _checked(vertices, faces)
    positions = np.ascontiguousarray(vertices * _TURN_UP, dtype="<f4")
    normals = vertex_normals(positions, faces).astype("<f4")
    # glTF reserves the largest index of a type
    index_type, index_code = ("<u2", _UNSIGNED_SHORT) if len(positions) < 65535 else ("<u4", _UNSIGNED_INT)
    parts = [positions.tobytes(), normals.tobytes(), faces.astype(index_type).tobytes()]
    binary = _padded(b"".join(parts), b"\0")

    document = {
        "asset": {"version": "2.0", "generator": "MPT"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": name, "mesh": 0}],
        "meshes": [
            {"name": name, "primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2, "material": 0}]}
        ],
        "materials": [_MATERIAL],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": _FLOAT,
                "count": len(positions),
                "type": "VEC3",
                "min": positions.min(axis=0).tolist(),
                "max": positions.max(axis=0).tolist(),
            },
            {"bufferView": 1, "componentType": _FLOAT, "count": len(normals), "type": "VEC3"},
            {"bufferView": 2, "componentType": index_code, "count": int(faces.size), "type": "SCALAR"},
        ],
        "bufferViews": [
            {
                "buffer": 0,
                "byteOffset": sum(map(len, parts[:index])),
                "byteLength": len(part),
                "target": _INDEX_BUFFER if index == 2 else _VERTEX_BUFFER,
            }
            for index, part in enumerate(parts)
        ],
        "buffers": [{"byteLength": len(binary)}],
    }
    text = _padded(json.dumps(document, separators=(",", ":")).encode(), b" ")
    total = 12 + 8 + len(text) + 8 + len(binary)
    return b"".join(
        [
            struct.pack("<4sII", _MAGIC, _VERSION, total),
            struct.pack("<I4s", len(text), _JSON_CHUNK),
            text,
            struct.pack("<I4s", len(binary), _BINARY_CHUNK),
            binary,
        ]
    )


def is_whole_glb(data: bytes) -> bool:
    """Whether a file is as long as its header says, which a machine that lost power in a write may have broken."""
    return len(data) >= 12 and struct.unpack_from("<4sII", data) == (_MAGIC, _VERSION, len(data))


def glb_to_obj(data: bytes) -> bytes:
    """Write the body in a GLB of `to_glb` as a Wavefront OBJ: the same vertices, normals and faces, y up.

    Coordinates keep 5 decimals (0.01 mm).
    """
    (length,) = struct.unpack_from("<I", data, 12)
    document = json.loads(data[20 : 20 + length])
    views, start = document["bufferViews"], 20 + length + 8

    def values(index: int, dtype: str) -> list[float]:
        count = views[index]["byteLength"] // np.dtype(dtype).itemsize
        return np.frombuffer(data, dtype, count, start + views[index]["byteOffset"]).tolist()

    positions, normals = values(0, "<f4"), values(1, "<f4")
    wide = document["accessors"][2]["componentType"] == _UNSIGNED_INT
    corners = [index + 1 for index in values(2, "<u4" if wide else "<u2") for _ in range(2)]  # f v//vn, both from 1
    # One format string for all rows is several times faster than a loop over them.
    return "".join(
        [
            f"# metres, y up\no {document['nodes'][0]['name']}\n",
            ("v %.5f %.5f %.5f\n" * (len(positions) // 3)) % tuple(positions),
            ("vn %.4f %.4f %.4f\n" * (len(normals) // 3)) % tuple(normals),
            "s 1\n",
            ("f %d//%d %d//%d %d//%d\n" * (len(corners) // 6)) % tuple(corners),
        ]
    ).encode()


def _checked(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    vertices, faces = np.asarray(vertices), np.asarray(faces)
    if vertices.ndim != 2 or vertices.shape[1] != 3 or len(vertices) == 0:
        raise ValueError(f"vertices must have the shape (V, 3), not {vertices.shape}")
    if faces.ndim != 2 or faces.shape[1] != 3 or len(faces) == 0:
        raise ValueError(f"faces must have the shape (F, 3), not {faces.shape}")
    if not np.isfinite(vertices).all():
        raise ValueError("a vertex has a coordinate that is not finite")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise ValueError(f"a face names a vertex outside 0 to {len(vertices) - 1}")
    return vertices, faces


def _padded(data: bytes, filler: bytes) -> bytes:
    return data + filler * (-len(data) % 4)
