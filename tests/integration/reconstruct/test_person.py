"""From a picture to a person with the shipped weights, beside what is true of her."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from model.errors import BadInput
from model.joints import BLAZEPOSE_MIRROR, COCO_MIRROR
from model.perception.exposure import well_exposed
from model.reconstructor import Reconstructor
from model.results import Camera, Person
from model.whole_body import WholeBodies
from tests.support.drawn import FOCAL, Picture, draw_picture
from training.evaluation.metrics import pa_mpjpe


def test_projection_by_hand() -> None:
    camera = Camera(100.0, (50.0, 40.0), (0.5, 0.0, 1.0), (1.0, 0.0, 0.0))
    assert camera.to_camera(np.array([[0.5, 0.25, 1.0]])).tolist() == [[1.0, 0.25, 2.0]]
    assert camera.project(np.array([[0.5, 0.25, 1.0]])).tolist() == [[100.0, 52.5]]


def test_the_pose_is_the_drawn_one(person: Person, picture: Picture) -> None:
    error = pa_mpjpe(torch.from_numpy(person.joints)[None], torch.from_numpy(picture.joints)[None])
    assert error.item() < 0.09  # metres; the mean pose is at about 0.19
    # Left is left, up is up, and the nose looks at the camera.
    assert person.joints[5, 0] > person.joints[6, 0]
    assert person.joints[0, 1] < person.joints[11, 1] < person.joints[15, 1]
    assert person.joints[0, 2] < person.joints[3:5, 2].mean()


def test_who_is_lifted_again_comes_out_by_the_keypoints_that_she_has_now(
    reconstructor: Reconstructor, picture: Picture
) -> None:
    """As she was, if they are what they were; and with the other leg ahead, if those of the legs are exchanged."""
    (seen,) = reconstructor.reconstruct(picture.image, focal_length=FOCAL, ground=False, bodies="fitted", twice=False)
    assert seen.landmarks_2d is not None
    (again,) = reconstructor.lift_again([seen]) or ()
    np.testing.assert_allclose(again.camera.to_camera(again.joints), seen.camera.to_camera(seen.joints), atol=0.01)
    landmarks, legs = seen.landmarks_2d.copy(), list(range(25, 33))
    landmarks[legs] = landmarks[[BLAZEPOSE_MIRROR[joint] for joint in legs]]
    (other,) = reconstructor.lift_again([dataclasses.replace(seen, landmarks_2d=landmarks)]) or ()
    assert other.body is not None
    knees = [13, 14]
    assert np.diff(seen.camera.project(seen.joints)[knees], axis=0)[0, 0] < -20
    assert np.diff(other.camera.project(other.joints)[knees], axis=0)[0, 0] > 20


def test_hands_of_a_films_dark_frame_are_looked_for_in_good_light_as_people_are(
    reconstructor: Reconstructor, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []
    monkeypatch.setattr(WholeBodies, "see_hands", lambda self, people, image: seen.append(image) or people)
    dark = picture.image // 8
    reconstructor.see_hands(dark, [])
    np.testing.assert_array_equal(seen[0], well_exposed(dark))
    assert seen[0].max() > 4 * dark.max()


def test_keypoints_lie_on_the_joints_in_the_picture(person: Person, picture: Picture) -> None:
    height = np.ptp(picture.pixels[:, 1])
    distance = np.linalg.norm(person.keypoints_2d[:, :2] - picture.pixels, axis=1)
    assert np.median(distance) < 0.03 * height
    assert person.keypoints_2d[:, 2].min() >= 0 and person.keypoints_2d[:, 2].max() <= 1


def test_projected_mesh_and_joints_land_on_the_person(person: Person, picture: Picture) -> None:
    height = np.ptp(picture.pixels[:, 1])
    distance = np.linalg.norm(person.camera.project(person.joints) - picture.pixels, axis=1)
    assert distance.mean() < 0.06 * height
    outline = person.camera.project(person.vertices)
    assert abs(outline[:, 1].min() - picture.pixels[0, 1]) < 0.2 * height
    assert abs(outline[:, 1].max() - picture.pixels[15:, 1].max()) < 0.2 * height
    assert person.camera.translation[2] == pytest.approx(3.2, rel=0.2)


def test_both_cameras_agree(person: Person) -> None:
    """Weak perspective in the crop and the full camera put the joints on nearly the same pixels."""
    x, y, width, height = person.bbox
    side = 1.25 * max(width, height)
    scale, shift = person.camera.weak_perspective[0], np.array(person.camera.weak_perspective[1:])
    in_crop = scale * person.joints[:, :2] + shift
    pixels = in_crop * side / 2 + np.array([x + width / 2, y + height / 2])
    assert np.linalg.norm(pixels - person.camera.project(person.joints), axis=1).max() < 0.06 * side


def test_joints_hang_on_the_mesh_whose_pelvis_is_the_origin(person: Person, reconstructor: Reconstructor) -> None:
    assert np.abs(person.joints[[11, 12]].mean(axis=0)).max() < 1e-4
    regressed = reconstructor.network.topology.joint_regressor.numpy() @ person.vertices
    assert np.linalg.norm(regressed - person.joints, axis=1).max() < 2e-3
    assert person.vertices.shape == (13718, 3) and reconstructor.faces.shape == (27420, 3)
    assert 1.2 < np.ptp(person.vertices[:, 1]) < 2.1  # metres


def test_the_networks_own_mesh_is_one_word_away(reconstructor: Reconstructor, picture: Picture, person: Person) -> None:
    (raw,) = reconstructor.reconstruct(picture.image, focal_length=FOCAL, mesh="raw")
    assert (person.mesh_kind, raw.mesh_kind) == ("body", "raw") and raw.body is None and person.body is not None
    np.testing.assert_array_equal(raw.keypoints_2d, person.keypoints_2d)
    seen = person.keypoints_2d[:, :2]
    off = [np.linalg.norm(one.camera.project(one.joints) - seen, axis=1).mean() for one in (person, raw)]
    assert off[0] < 0.9 * off[1]
    rig = reconstructor.rig
    assert rig is not None
    posed = rig.pose(person.body.rotations, person.body.shape, person.body.translation)
    assert np.linalg.norm(posed - person.vertices, axis=1).mean() < 5e-3  # the suit evens its surface
    with pytest.raises(BadInput, match="choose body or raw"):
        reconstructor.reconstruct(picture.image, mesh="cooked")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="There is no 'cooked'; choose refined or fitted"):
        reconstructor.reconstruct(picture.image, bodies="cooked")  # type: ignore[arg-type]


def test_mirrored_in_mirrored_out(reconstructor: Reconstructor, picture: Picture, person: Person) -> None:
    flipped = np.ascontiguousarray(picture.image[:, ::-1])
    other = reconstructor.reconstruct(flipped, focal_length=FOCAL).people[0]
    expected = person.joints[list(COCO_MIRROR)] * np.array([-1.0, 1.0, 1.0])
    assert np.linalg.norm(other.joints - expected, axis=1).mean() < 0.06


def test_a_moved_person_keeps_its_pose_and_moves_its_translation(reconstructor: Reconstructor, person: Person) -> None:
    moved = draw_picture(reconstructor.network.topology, (0.5, 0.1, 3.6), turn=0.4)
    other = reconstructor.reconstruct(moved.image, focal_length=FOCAL).people[0]
    shift = np.array(other.camera.translation) - np.array(person.camera.translation)
    assert shift[:2] == pytest.approx([0.5, 0.1], abs=0.12)
    assert pa_mpjpe(torch.from_numpy(other.joints)[None], torch.from_numpy(person.joints)[None]).item() < 0.06


def test_seen_from_behind_left_stays_left(reconstructor: Reconstructor) -> None:
    behind = draw_picture(reconstructor.network.topology, (0.0, 0.0, 3.2), turn=float(np.pi))
    joints = reconstructor.reconstruct(behind.image, focal_length=FOCAL).people[0].joints
    assert joints[5, 0] < joints[6, 0] and joints[0, 2] > joints[3:5, 2].mean()


def test_nobody_is_found_where_nobody_is(reconstructor: Reconstructor) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    assert reconstructor.reconstruct(noise).people == []
    assert reconstructor.reconstruct(np.zeros((1, 1, 3), np.uint8)).people == []


@pytest.mark.parametrize("image", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)])
def test_arrays_that_are_no_image_get_a_sentence(reconstructor: Reconstructor, image: np.ndarray) -> None:
    with pytest.raises(BadInput, match="image"):
        reconstructor.reconstruct(image)


def test_everybody_is_dressed_alike_or_each_in_a_colour(
    reconstructor: Reconstructor, picture: Picture, person: Person
) -> None:
    """And the vertices are those of the rig that wears the suit."""
    assert person.colors is reconstructor.garment.colors() and person.body is not None
    again = reconstructor.reconstruct(picture.image, focal_length=FOCAL, boxes=[person.bbox] * 2, colors="person")
    assert [one.colors is reconstructor.garment.colors(k) for k, one in enumerate(again)] == [True, True]
    raw = reconstructor.reconstruct(picture.image, focal_length=FOCAL, mesh="raw").people[0]
    assert raw.colors is person.colors
    rig, body = reconstructor.rig, person.body
    worn = rig.pose(body.rotations, body.shape, body.translation, body.fingers)
    assert np.abs(worn - person.vertices).max() < 1e-4
    with pytest.raises(BadInput, match="choose plain or person"):
        reconstructor.reconstruct(picture.image, colors="red")


def test_it_says_what_it_is(reconstructor: Reconstructor) -> None:
    about = reconstructor.info()
    assert about.keys() == {"name", "subject", "size", "engine", "joints", "vertices", "scores"}
    assert (about["size"], about["joints"], about["vertices"]) == ("tiny", 17, 13718)
    assert about["engine"] == "PyTorch on cpu, float32"
    assert about["scores"]["validation"]["MPJPE"] > 0


def test_precisions_and_devices_that_there_are_not_get_a_sentence() -> None:
    with pytest.raises(BadInput, match="float32, float16, bfloat16"):
        Reconstructor.load(device="cpu", engine="torch", precision="int1")
    with pytest.raises(BadInput, match="cannot use the device 'abacus'"):
        Reconstructor.load(device="abacus", engine="torch")
