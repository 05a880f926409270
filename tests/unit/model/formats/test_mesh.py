"""GLB and OBJ: read back by trimesh, judged by hand-worked numbers and by Khronos's validator where it is there."""

from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest
import trimesh

from model.formats.mesh import glb_to_obj, to_glb
from tests.support.glb import Glb
from tests.support.gltf_validator import validate

# A tetrahedron in the camera frame (y down, z forward), counter-clockwise seen from outside.
VERTICES = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], np.float32)
FACES = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)], np.int32)


def sphere(rings: int = 83) -> tuple[np.ndarray, np.ndarray]:
    mesh = trimesh.creation.uv_sphere(count=[rings, rings + 1])
    return np.array(mesh.vertices, np.float32), np.array(mesh.faces, np.int32)


def load(data: bytes, kind: str) -> trimesh.Trimesh:
    return trimesh.load_mesh(io.BytesIO(data), file_type=kind, process=False, maintain_order=True)


def document(glb: bytes) -> dict:
    (length,) = struct.unpack_from("<I", glb, 12)
    return json.loads(glb[20 : 20 + length])


def stored_normals(glb: bytes) -> np.ndarray:
    """The normals in the file itself; trimesh would compute its own."""
    content = document(glb)
    ((primitive,),) = [mesh["primitives"] for mesh in content["meshes"]]
    view = content["bufferViews"][content["accessors"][primitive["attributes"]["NORMAL"]]["bufferView"]]
    start = 28 + struct.unpack_from("<I", glb, 12)[0] + view["byteOffset"]
    return np.frombuffer(glb, "<f4", view["byteLength"] // 4, start).reshape(-1, 3)


def test_glb_is_turned_y_up_and_keeps_its_outside_outside():
    mesh = load(to_glb(VERTICES, FACES), "glb")
    np.testing.assert_array_equal(mesh.vertices, [(0, 0, 0), (1, 0, 0), (0, -1, 0), (0, 0, -1)])
    np.testing.assert_array_equal(mesh.faces, FACES)
    assert mesh.volume == pytest.approx(1 / 6)  # negative if it were inside out


def test_normals_of_a_tetrahedron():
    normals = stored_normals(to_glb(VERTICES, FACES))
    # At the origin three right angles meet: the mean of -x, -y, -z, turned y up.
    np.testing.assert_allclose(normals[0], np.array([-1, 1, 1]) / np.sqrt(3), atol=1e-6)
    # At (1, 0, 0), faces weighted by their areas: (0, 0, -1) / 2 + (0, -1, 0) / 2 + (1, 1, 1) / 2 is along x.
    np.testing.assert_allclose(normals[1], (1, 0, 0), atol=1e-6)


def test_normals_of_a_sphere_point_outwards():
    glb = to_glb(*sphere())
    assert (stored_normals(glb) * load(glb, "glb").vertices).sum(axis=1).min() > 0.999


def test_normals_have_length_one_even_where_there_is_no_face():
    vertices = np.concatenate([VERTICES, [(5, 5, 5)]]).astype(np.float32)  # no face has it
    degenerate = np.concatenate([FACES, [(0, 0, 1)]])
    normals = stored_normals(to_glb(vertices, degenerate))
    assert normals.shape == (5, 3)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)


def test_glb_structure():
    glb = to_glb(*sphere(), name="person-1")
    magic, version, total = struct.unpack_from("<4sII", glb)
    assert (magic, version, total) == (b"glTF", 2, len(glb))
    content = document(glb)
    assert content["asset"]["version"] == "2.0"
    assert {"name": "person-1", "mesh": 0} in content["nodes"]
    ((primitive,),) = [mesh["primitives"] for mesh in content["meshes"]]
    positions, normals = (content["accessors"][primitive["attributes"][name]] for name in ("POSITION", "NORMAL"))
    indices = content["accessors"][primitive["indices"]]
    vertices, faces = sphere()
    assert positions["count"] == normals["count"] == len(vertices)
    assert indices["count"] == faces.size
    assert positions["min"] == pytest.approx([-1, -1, -1], abs=1e-3)
    (material,) = content["materials"]
    surface = material["pbrMetallicRoughness"]
    assert surface["baseColorFactor"] == pytest.approx([0.20, 0.29, 0.41, 1], abs=0.5 / 255)
    assert (surface["metallicFactor"], surface["roughnessFactor"], material["doubleSided"]) == (0, 0.75, False)
    offsets = [view["byteOffset"] for view in content["bufferViews"]]
    assert all(offset % 4 == 0 for offset in offsets)
    # chunks: JSON padded by spaces, then the binary, both multiples of four, nothing behind
    (text,) = struct.unpack_from("<I", glb, 12)
    (binary,) = struct.unpack_from("<I", glb, 20 + text)
    assert text % 4 == binary % 4 == 0
    assert 28 + text + binary == len(glb)
    assert content["buffers"] == [{"byteLength": binary}]


def test_colours_of_vertices_are_linear_and_take_four_bytes_each():
    """GlTF 2.0 says so of COLOR_0: sRGB 188 is half of the light."""
    colors = np.array([(0, 255, 188), (10, 10, 10), (255, 255, 255), (188, 0, 0)], np.uint8)
    plain, coloured = Glb(to_glb(VERTICES, FACES)), Glb(to_glb(VERTICES, FACES, "body", colors))
    np.testing.assert_array_equal(
        coloured.attribute("COLOR_0"), [(0, 255, 128, 255), (1, 1, 1, 255), (255, 255, 255, 255), (128, 0, 0, 255)]
    )
    (primitive,) = coloured.content["meshes"][0]["primitives"]
    assert coloured.content["accessors"][primitive["attributes"]["COLOR_0"]]["normalized"] is True
    (material,) = coloured.content["materials"]
    assert material["pbrMetallicRoughness"]["baseColorFactor"] == [1, 1, 1, 1]  # it is multiplied with them
    assert len(coloured.data) - len(plain.data) == 16


def test_glb_and_obj_hold_the_same_mesh():
    vertices, faces = sphere(20)
    glb = to_glb(vertices, faces)
    first, second = load(glb, "glb"), load(glb_to_obj(glb), "obj")
    np.testing.assert_array_equal(first.faces, faces)
    np.testing.assert_array_equal(second.faces, faces)
    np.testing.assert_allclose(first.vertices, vertices * (1, -1, -1), atol=1e-7)
    np.testing.assert_allclose(second.vertices, first.vertices, atol=6e-6)
    assert second.is_watertight


def test_large_meshes_keep_their_indices():
    count = 70_000  # more than 16 bits hold
    vertices = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    faces = np.array([(0, 1, count - 1)])
    glb = to_glb(vertices, faces)
    np.testing.assert_array_equal(load(glb, "glb").faces, faces)
    assert glb_to_obj(glb).rstrip().endswith(f"\nf 1//1 2//2 {count}//{count}".encode())


def test_obj_names_its_normals():
    lines = glb_to_obj(to_glb(VERTICES, FACES, name="person-1")).decode().splitlines()
    assert "o person-1" in lines
    assert sum(line.startswith("vn ") for line in lines) == 4
    assert next(line for line in lines if line.startswith("f ")) == "f 1//1 3//3 2//2"
    assert not any(line.startswith("mtllib") for line in lines)  # we send no such file


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_coordinate_that_is_not_finite_is_refused(bad):
    vertices = VERTICES.copy()
    vertices[2, 1] = bad
    with pytest.raises(ValueError, match="finite"):
        to_glb(vertices, FACES)


@pytest.mark.parametrize("faces", [FACES + 1, FACES - 1, FACES[:, :2], FACES[:0]])
def test_faces_that_make_no_sense_are_refused(faces):
    with pytest.raises(ValueError, match="face"):
        to_glb(VERTICES, faces)


@pytest.mark.parametrize("vertices", [VERTICES[:, :2], VERTICES[:0]])
def test_vertices_that_make_no_sense_are_refused(vertices):
    with pytest.raises(ValueError, match="vertices"):
        to_glb(vertices, FACES)


@pytest.mark.parametrize("isolated", [False, True])
def test_khronos_validator_finds_nothing(isolated):
    vertices, faces = sphere()
    if isolated:
        vertices = np.concatenate([vertices, [(0, 0, 0)]]).astype(np.float32)
    for colors in (None, np.full(vertices.shape, 90, np.uint8)):
        messages = validate(to_glb(vertices, faces, "body", colors))
        assert [message for message in messages if message["severity"] < 2] == []  # errors and warnings
