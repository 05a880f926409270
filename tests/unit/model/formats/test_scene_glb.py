"""Everyone in one GLB: on the floor, in place, by name; read back by trimesh and judged by Khronos's validator."""

from __future__ import annotations

import io

import numpy as np
import pytest
import trimesh

from model.formats.scene_glb import SceneBody, to_scene_glb
from model.scene.ground import Ground, Scene
from model.scene.up import Up
from tests.support.gltf_validator import validate
from tests.support.standing_people import KnownCamera

CAMERA = KnownCamera(pitch=-20.0, roll=5.0, height=1.7)
# A body of eight corners, 1.8 m high, in the world that the camera sees.
BOX = np.array([(x, y, z) for x in (-0.2, 0.2) for y in (0.0, 1.8) for z in (-0.1, 0.1)])
FACES = np.array(
    [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1), (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4),
     (1, 5, 7), (1, 7, 3)]
)  # fmt: skip


def body(name: str, place: tuple[float, float, float]) -> SceneBody:
    return SceneBody(name, CAMERA.see(BOX + place), FACES, CAMERA.see(np.add(place, (0, 0.9, 0))))


def scene(*standing: bool) -> Scene:
    return Scene(Up(CAMERA.up, 1.0, "given", 0.02), Ground(CAMERA.up, CAMERA.height, np.array(standing)))


def read(glb: bytes) -> dict[str, np.ndarray]:
    """Vertices of each node where the file puts them, in the file's own order of corners."""
    loaded = trimesh.load_scene(io.BytesIO(glb), file_type="glb", process=False, maintain_order=True)
    found = {}
    for node in loaded.graph.nodes_geometry:
        turn, name = loaded.graph[node]
        assert node == name
        found[node] = trimesh.transform_points(loaded.geometry[name].vertices, turn)
    return found


def test_everyone_is_on_the_floor_where_they_stood():
    glb = to_scene_glb([body("ann", (0.5, 0, -4)), body("bob", (-1.5, 0, -7))], scene(True, True))
    found = read(glb)
    assert set(found) == {"ann", "bob"}
    # The origin is under ann; the camera's right stays right, towards the camera is +z, and outside stays outside.
    np.testing.assert_allclose(found["ann"], BOX, atol=1e-5)
    np.testing.assert_allclose(found["bob"], np.add(BOX, (-2, 0, -3)), atol=1e-5)
    assert trimesh.Trimesh(found["bob"], FACES).volume == pytest.approx(0.4 * 1.8 * 0.2, rel=1e-4)


def test_who_stands_is_set_down_who_jumps_stays_up_and_nobody_is_below():
    bodies = [body("stands", (0, 0.04, -4)), body("jumps", (1, 0.5, -4)), body("sunk", (2, -0.3, -4))]
    found = read(to_scene_glb(bodies, scene(True, False, False)))
    lowest = {name: points[:, 1].min() for name, points in found.items()}
    assert lowest == {
        "stands": pytest.approx(0, abs=1e-5), "jumps": pytest.approx(0.5, abs=1e-5), "sunk": pytest.approx(0, abs=1e-5)
    }  # fmt: skip


def test_without_a_ground_the_floor_is_under_the_lowest():
    bodies = [body("sits", (0, 0.2, -4)), body("lies", (1, -0.1, -4))]
    found = read(to_scene_glb(bodies, Scene(scene().up, None)))
    assert found["lies"][:, 1].min() == pytest.approx(0, abs=1e-5)
    assert found["sits"][:, 1].min() == pytest.approx(0.3, abs=1e-5)


def test_khronos_validator_has_nothing_to_say():
    assert validate(to_scene_glb([body("a", (0, 0, -3)), body("b", (1, 0, -3))], scene(True, True))) == []


def test_nobody_and_what_is_no_mesh_are_refused():
    with pytest.raises(ValueError, match="needs somebody"):
        to_scene_glb([], scene())
    broken = body("a", (0, 0, -3))
    broken.vertices[0, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        to_scene_glb([broken], scene(True))
