"""The ground, people's sizes on it, and the world that stands on it: against planes and cameras that are known."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import BadInput
from model.scene.ground import Scene, camera_heights, leveling, world_on
from model.scene.sight import see_scene
from model.scene.up import Tilt, Up, directions
from tests.support.standing_people import KnownCamera, crowd

CAMERA = KnownCamera(pitch=-15.0, roll=4.0, height=1.7)
KNOWN = Tilt(CAMERA.pitch, CAMERA.roll)


def resized(joints: np.ndarray, soles: list[np.ndarray], sizes: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The same picture by a network that is wrong by these factors."""
    return joints * sizes[:, None, None], [points * size for points, size in zip(soles, sizes)]


def test_the_ground_is_under_those_who_stand():
    scene, factors = see_scene(*crowd(CAMERA, 10)[:1], None, crowd(CAMERA, 10)[1])
    assert scene.ground is not None
    assert scene.ground.camera_height == pytest.approx(1.7, abs=0.06)
    assert scene.ground.standing.all()
    np.testing.assert_allclose(factors, 1, atol=0.05)
    np.testing.assert_allclose(scene.ground.height(-scene.up.direction * 1.7), 0, atol=0.06)


def test_a_known_camera_above_one_person_gives_the_ground_exactly():
    joints, soles = crowd(CAMERA, 1)
    scene, _ = see_scene(joints, None, soles, tilt=KNOWN)
    assert scene.ground is not None
    assert scene.ground.camera_height == pytest.approx(1.7)
    np.testing.assert_allclose(scene.ground.height(soles[0]), 0, atol=1e-9)


def test_who_jumps_is_not_on_the_ground_and_keeps_her_size():
    joints, soles = crowd(CAMERA, 6)
    joints[2] += 0.8 * CAMERA.up
    soles[2] = soles[2] + 0.8 * CAMERA.up
    scene, factors = see_scene(joints, None, soles, tilt=KNOWN)
    assert scene.ground is not None
    assert scene.ground.standing.tolist() == [True, True, False, True, True, True]
    assert scene.ground.camera_height == pytest.approx(1.7, abs=0.02)
    assert factors[2] == 1


def test_feet_on_one_ground_tell_the_sizes_of_people():
    sizes = np.array([1.0, 1.06, 0.95, 1.0, 1.0, 0.93])
    joints, soles = resized(*crowd(CAMERA, 6), sizes)
    _, factors = see_scene(joints, None, soles, tilt=KNOWN)
    assert np.abs(np.log(sizes * factors)).max() < 0.5 * np.abs(np.log(sizes)).max()


def test_a_known_camera_height_tells_a_child_from_an_adult():
    sizes = np.array([1.5, 1.05])  # a child of 1.1 m whom the network thinks an adult
    joints, soles = resized(*crowd(CAMERA, 2), sizes)
    scene, factors = see_scene(joints, None, soles, tilt=KNOWN, camera_height=1.7)
    np.testing.assert_allclose(sizes * factors, 1, atol=0.06)
    assert scene.ground is not None
    assert scene.ground.standing.all()
    _, unknown = see_scene(joints, None, soles, tilt=KNOWN)
    assert np.abs(unknown - 1).max() < 0.25  # without it nobody becomes a child


def test_who_was_found_to_be_a_child_may_be_smaller_still():
    """No adult is smaller than 1.4 m by the ground alone; a child's body is, and its age is a guess."""
    joints, soles = crowd(CAMERA, 5)
    height = camera_heights(soles, CAMERA.up)[-1]
    joints[-1], soles[-1] = (0.6 * points - 0.4 * height * CAMERA.up for points in (joints[-1], soles[-1]))
    wrong = np.array([1.0, 1.0, 1.0, 1.0, 1.12])
    joints, soles = resized(joints, soles, wrong)
    _, factors = see_scene(joints, None, soles, tilt=KNOWN)
    assert wrong[-1] * factors[-1] == pytest.approx(1, abs=0.05)


def test_a_person_has_one_size_in_all_of_a_film():
    joints, soles = crowd(CAMERA, 4)
    _, factors = see_scene(
        joints * 1.05, None, [1.05 * s for s in soles], person=[0, 0, 1, 1], tilt=KNOWN, camera_height=1.7
    )
    assert factors[0] == factors[1]
    assert factors[2] == factors[3]


def test_nobody_has_no_ground_but_a_camera_of_known_height_has():
    nobody = np.zeros((0, 17, 3))
    assert see_scene(nobody, None, [])[0].ground is None
    ground = see_scene(nobody, None, [], tilt=KNOWN, camera_height=2.5)[0].ground
    assert ground is not None
    assert (ground.camera_height, len(ground.standing)) == (2.5, 0)


@pytest.mark.parametrize("height", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_heights_that_no_camera_has_are_refused(height):
    with pytest.raises(BadInput, match=r"height must be from 0\.05 to 500 metres"):
        see_scene(np.zeros((0, 17, 3)), None, [], camera_height=height)


def test_the_world_stands_on_the_ground_with_its_feet_at_zero():
    joints, soles = crowd(CAMERA, 3)
    scene, _ = see_scene(joints, None, soles, tilt=KNOWN)
    world = world_on(scene, joints[0, [11, 12]].mean(axis=0))
    np.testing.assert_allclose(np.concatenate([world.to_world(points) for points in soles])[:, 1], 0, atol=1e-6)
    hips = world.to_world(joints[0, [11, 12]].mean(axis=0))
    np.testing.assert_allclose(hips, [0, 0.9, 0], atol=1e-6)
    camera = world.to_world(np.zeros(3))
    assert camera[1] == pytest.approx(1.7)
    assert camera[2] > 1.5  # +z is towards the camera
    np.testing.assert_allclose(world.rotation @ world.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(world.rotation) == pytest.approx(1)


@pytest.mark.parametrize(("pitch", "edge"), [(-90.0, (0, -1, 0)), (90.0, (0, 1, 0))])
def test_straight_down_or_up_the_pictures_edge_is_ahead(pitch, edge):
    up = Up(directions(np.radians(pitch), 0.0), 1.0, "given", 0.02)
    world = world_on(Scene(up, None), np.array([0.0, 0.0, 3.0]))
    np.testing.assert_allclose(world.rotation @ np.array(edge), [0, 0, -1], atol=1e-9)
    np.testing.assert_allclose(world.rotation @ up.direction, [0, 1, 0], atol=1e-9)


def test_a_level_camera_gives_the_axes_that_files_have():
    world = world_on(Scene(Up(np.array([0.0, -1.0, 0.0]), 1.0, "given", 0.02), None), np.zeros(3))
    np.testing.assert_allclose(world.rotation, np.diag([1.0, -1.0, -1.0]), atol=1e-12)


def test_facing_turns_the_world():
    up = Up(np.array([0.0, -1.0, 0.0]), 1.0, "given", 0.02)
    world = world_on(Scene(up, None), np.zeros(3), facing=np.array([1.0, 0.3, 0.0]))
    np.testing.assert_allclose(world.rotation @ [1, 0, 0], [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (-30, 0), (25, -12), (-89, 5)])
def test_levelled_people_stand_upright_and_face_as_before(pitch: float, roll: float):
    up = Up(directions(pitch, roll), 1.0, "given", 0.0)
    turn = leveling(up)
    np.testing.assert_allclose(turn @ up.direction, (0, -1, 0), atol=1e-12)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert (turn @ (0, 0, 1))[2] > 0  # what lies ahead stays ahead
