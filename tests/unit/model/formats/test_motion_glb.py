"""Motion as few shapes in a GLB: read back as the glTF specification says, it is the motion that went in."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from model.body.normals import vertex_normals
from model.formats.motion_glb import Motion, find_motion, to_glb
from tests.support.glb import Glb
from tests.support.gltf_validator import validate

TURN_UP = np.array([1, -1, -1])


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.array(trimesh.creation.icosphere(subdivisions=3).faces)


@pytest.fixture(scope="module")
def meshes() -> np.ndarray:
    """(60, 642, 3): a ball of 1 m that turns round once and a half, bulges and bends."""
    ball = np.array(trimesh.creation.icosphere(subdivisions=3).vertices) * (0.5, 0.8, 0.3)
    x, y, _ = ball.T
    bulge, bend = ball * (x > 0)[:, None], np.column_stack([0.4 * y**2, 0 * y, 0 * y])
    phase = np.linspace(0, 3 * np.pi, 60)
    shaped = [ball + 0.3 * np.sin(2 * p) * bulge + np.cos(p) * bend for p in phase]
    turns = Rotation.from_euler("yz", np.column_stack([phase, 0.3 * np.sin(phase)])).as_matrix()
    return np.stack([mesh @ turn.T for mesh, turn in zip(shaped, turns)]).astype(np.float32)


TIMES = [index / 30 for index in range(60)]
PLACES = [(0.1 * index, 0.5, 3.0 + 0.01 * index) for index in range(60)]


@pytest.fixture(scope="module")
def motion(meshes: np.ndarray, faces: np.ndarray) -> Motion:
    return find_motion(TIMES, meshes, PLACES, faces)


def test_few_shapes_are_enough(motion):
    assert 2 <= len(motion.shapes) <= 6
    assert motion.error < 0.003
    assert motion.weights.max(axis=0) == pytest.approx(1, abs=1e-5)
    assert (motion.weights >= 0).all()  # or Blender would take them for 0


def test_every_frame_comes_back_in_its_place(motion, meshes, faces):
    glb = Glb(to_glb(motion, faces, "clip-1"))
    assert [node["name"] for node in glb.content["nodes"]] == ["clip-1"]
    errors = []
    for index in range(0, 60, 7):
        expected = (meshes[index] + PLACES[index]) * TURN_UP
        errors.append(np.linalg.norm(glb.frame(index, "POSITION") - expected, axis=1))
    assert np.mean(errors) < 0.003 and np.max(errors) < 0.02
    np.testing.assert_array_equal(glb.array(glb.content["meshes"][0]["primitives"][0]["indices"])[:, 0], faces.ravel())
    times, _ = glb.channels()["weights"]
    np.testing.assert_allclose(times, TIMES, atol=1e-6)


def test_normals_follow_the_motion(motion, meshes, faces):
    glb = Glb(to_glb(motion, faces, "x"))
    for index in (0, 20, 59):
        expected = vertex_normals(meshes[index] * TURN_UP, faces)
        angle = np.degrees(np.arccos(np.clip((glb.frame(index, "NORMAL") * expected).sum(axis=1), -1, 1)))
        assert angle.mean() < 5
    base = glb.array(glb.content["meshes"][0]["primitives"][0]["attributes"]["NORMAL"])
    np.testing.assert_allclose(np.linalg.norm(base, axis=1), 1, atol=1e-5)


def test_rotations_do_not_jump(motion):
    """Between keys players turn the short way, which a flipped sign would make the long one."""
    assert ((motion.rotations[1:] * motion.rotations[:-1]).sum(axis=1) > 0.9).all()
    np.testing.assert_allclose(np.linalg.norm(motion.rotations, axis=1), 1, atol=1e-5)


def test_before_it_plays_the_first_frame_is_shown(motion, faces):
    content = Glb(to_glb(motion, faces, "x")).content
    assert content["meshes"][0]["weights"] == pytest.approx(motion.weights[0].tolist())
    assert content["nodes"][0]["translation"] == pytest.approx([0.0, -0.5, -3.0])
    assert content["nodes"][0]["rotation"] == pytest.approx(motion.rotations[0].tolist())


def test_a_body_that_only_moves_needs_no_shapes(meshes, faces):
    turns = Rotation.from_euler("y", np.linspace(0, 2, 10)[:, None]).as_matrix()
    rigid = np.stack([meshes[0] @ turn for turn in turns]).astype(np.float32)
    motion = find_motion(TIMES[:10], rigid, PLACES[:10], faces)
    assert len(motion.shapes) == 0
    glb = Glb(to_glb(motion, faces, "x"))
    assert set(glb.channels()) == {"translation", "rotation"}
    np.testing.assert_allclose(glb.frame(9, "POSITION"), (rigid[9] + PLACES[9]) * TURN_UP, atol=1e-4)


def test_who_is_out_of_sight_is_hidden_meanwhile(meshes, faces):
    times = [*np.arange(5) / 30, *(2 + np.arange(5) / 30), *(5 + np.arange(5) / 30)]
    glb = Glb(to_glb(find_motion(times, meshes[:15], PLACES[:15], faces), faces, "x"))
    assert [glb.size(time, 0) for time in times] == [1] * 15
    assert [glb.size(time, 0) for time in (0.14, 1.0, 1.99, 2.15, 3.0, 4.99)] == [0] * 6
    assert validate(to_glb(find_motion(times, meshes[:15], PLACES[:15], faces), faces, "x")) == []


def test_one_frame_is_a_motion(meshes, faces):
    glb = Glb(to_glb(find_motion([0.5], meshes[:1], PLACES[:1], faces), faces, "x"))
    np.testing.assert_allclose(glb.frame(0, "POSITION"), (meshes[0] + PLACES[0]) * TURN_UP, atol=1e-5)


def test_the_number_of_shapes_is_bounded_and_the_error_said(meshes, faces):
    random = np.random.default_rng(0)
    noisy = meshes[:1] + random.normal(0, 0.02, (300, *meshes.shape[1:])).astype(np.float32)
    times = [index / 30 for index in range(300)]
    motion = find_motion(times, noisy, [(0.0, 0.0, 0.0)] * 300, faces)
    assert len(motion.shapes) == 64 + 1
    glb = Glb(to_glb(motion, faces, "x"))
    errors = [np.linalg.norm(glb.frame(i, "POSITION") - noisy[i] * TURN_UP, axis=1).mean() for i in range(0, 300, 10)]
    assert motion.error == pytest.approx(np.mean(errors), rel=0.05)
    assert motion.error > 0.01


def test_khronos_validator_finds_nothing(motion, faces):
    colors = np.full((len(motion.mean), 3), (201, 90, 3), np.uint8)
    assert validate(to_glb(motion, faces, "x", colors)) == []
