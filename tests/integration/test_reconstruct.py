"""From a picture to people with the shipped weights: a drawn body with known truth, before a known camera."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch

from model.errors import BadInput
from model.joints import BLAZEPOSE_MIRROR, COCO_MIRROR
from model.network.topology import MeshTopology
from model.perception.crops import square_crop
from model.perception.detection import Detection
from model.perception.exposure import well_exposed
from model.reconstructor import Reconstructor
from model.results import Camera, Person
from model.scene.up import Tilt
from model.whole_body import WholeBodies
from tests.support.render import draw_person
from training.bodies.anny import AnnyBody
from training.evaluation.metrics import pa_mpjpe
from training.rotations import axis_angle_to_matrix

SIZE, FOCAL = (480, 640), 700.0


@dataclasses.dataclass(frozen=True)
class Picture:
    """A drawn person and what is true of it."""

    image: np.ndarray
    joints: np.ndarray
    """(17, 3) camera frame, metres, pelvis at the origin."""
    pixels: np.ndarray
    """(17, 2)."""


def _picture(topology: MeshTopology, at: tuple[float, float, float], turn: float = 0.0) -> Picture:
    """A person who stands with the arms half down and steps forward with the left leg, turned about the vertical."""
    body = AnnyBody.load()
    pose = torch.zeros(1, 22, 3)
    pose[0, 0] = torch.tensor([torch.pi / 2, 0, 0])
    pose[0, 16, 2], pose[0, 17, 2] = -0.9, 0.7  # shoulders
    pose[0, 18, 1] = -0.6  # left elbow
    pose[0, 1, 0], pose[0, 4, 0] = -0.5, 0.5  # left hip and knee
    vertices = body.pose(axis_angle_to_matrix(pose), body.mean_shape()[None])[0]
    vertices = vertices @ torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # z up, faces -y: to the camera's axes
    c, s = np.cos(turn), np.sin(turn)
    vertices = vertices @ torch.tensor([[c, 0, -s], [0, 1, 0], [s, 0, c]], dtype=torch.float32)
    joints = topology.joint_regressor @ vertices
    root = topology.root(joints[None])[0]
    joints, vertices = joints - root, vertices - root
    place = np.array(at, np.float32)
    image = draw_person(vertices.numpy() + place, topology.faces.numpy(), topology.template.numpy(), FOCAL, SIZE)
    placed = joints.numpy() + place
    return Picture(image, joints.numpy(), FOCAL * placed[:, :2] / placed[:, 2:] + np.array(SIZE) / 2)


@pytest.fixture(scope="module")
def reconstructor(load: Callable[..., Reconstructor]) -> Reconstructor:
    return load(device="cpu", engine="torch")


@pytest.fixture(scope="module")
def picture(reconstructor: Reconstructor) -> Picture:
    return _picture(reconstructor.network.topology, (0.0, 0.0, 3.2), turn=0.4)


@pytest.fixture(scope="module")
def person(reconstructor: Reconstructor, picture: Picture) -> Person:
    people = reconstructor.reconstruct(picture.image, focal_length=FOCAL).people
    assert len(people) == 1
    return people[0]


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


def test_the_person_stands_on_the_ground_below_a_level_camera(reconstructor: Reconstructor, picture: Picture) -> None:
    found = reconstructor.reconstruct(picture.image, focal_length=FOCAL)
    scene = found.scene
    assert scene is not None and scene.ground is not None
    assert abs(scene.up.pitch) < 15 and abs(scene.up.roll) < 10
    assert scene.ground.standing.tolist() == [True]
    assert scene.ground.height(found[0].camera.to_camera(found[0].vertices)).min() == pytest.approx(0, abs=1e-4)
    assert reconstructor.reconstruct(picture.image, focal_length=FOCAL, ground=False).scene is None


def test_a_known_camera_makes_a_person_larger_where_the_ground_is_lower(
    reconstructor: Reconstructor, picture: Picture
) -> None:
    known = {"focal_length": FOCAL, "pitch": Tilt(0.0, 0.0)}
    one = reconstructor.reconstruct(picture.image, **known)
    assert one.scene is not None and one.scene.ground is not None
    height = 1.08 * one.scene.ground.camera_height
    other = reconstructor.reconstruct(picture.image, **known, camera_height=height)
    (person,), (larger,) = one, other
    factor = larger.camera.translation[2] / person.camera.translation[2]
    assert 1.03 < factor < 1.08  # the network's own size counts as well
    assert np.ptp(larger.vertices[:, 1]) / np.ptp(person.vertices[:, 1]) == pytest.approx(factor, abs=0.02)
    np.testing.assert_allclose(
        larger.camera.project(larger.joints), person.camera.project(person.joints), atol=0.02 * picture.image.shape[0]
    )


def test_a_person_is_as_tall_as_she_is_said_to_be(reconstructor: Reconstructor, picture: Picture) -> None:
    one = reconstructor.reconstruct(picture.image, focal_length=FOCAL)
    other = reconstructor.reconstruct(picture.image, focal_length=FOCAL, person_height=1.9)
    (person,), (taller,), rig = one, other, reconstructor.rig
    assert person.body is not None and taller.body is not None and rig is not None
    assert rig.stature(taller.body.shape) == pytest.approx(1.9, abs=0.01)
    factor = taller.camera.translation[2] / person.camera.translation[2]
    # Limbs grow a little more than heads, as of real people.
    assert factor == pytest.approx(1.9 / rig.stature(person.body.shape), rel=0.02)
    assert one.scene is not None and one.scene.ground is not None
    assert other.scene is not None and other.scene.ground is not None
    assert other.scene.ground.camera_height == pytest.approx(factor * one.scene.ground.camera_height)
    np.testing.assert_allclose(
        taller.camera.project(taller.joints), person.camera.project(person.joints), atol=0.02 * picture.image.shape[0]
    )
    with pytest.raises(BadInput, match="give one of them"):
        reconstructor.reconstruct(picture.image, person_height=1.9, camera_height=1.5)
    with pytest.raises(BadInput, match="count where people stand on a ground"):
        reconstructor.reconstruct(picture.image, person_height=1.9, ground=False)


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
    moved = _picture(reconstructor.network.topology, (0.5, 0.1, 3.6), turn=0.4)
    other = reconstructor.reconstruct(moved.image, focal_length=FOCAL).people[0]
    shift = np.array(other.camera.translation) - np.array(person.camera.translation)
    assert shift[:2] == pytest.approx([0.5, 0.1], abs=0.12)
    assert pa_mpjpe(torch.from_numpy(other.joints)[None], torch.from_numpy(person.joints)[None]).item() < 0.06


def test_seen_from_behind_left_stays_left(reconstructor: Reconstructor) -> None:
    behind = _picture(reconstructor.network.topology, (0.0, 0.0, 3.2), turn=float(np.pi))
    joints = reconstructor.reconstruct(behind.image, focal_length=FOCAL).people[0].joints
    assert joints[5, 0] < joints[6, 0] and joints[0, 2] > joints[3:5, 2].mean()


def test_a_person_cut_off_at_the_hips_stays_upright(reconstructor: Reconstructor, picture: Picture) -> None:
    edge = int(picture.pixels[[11, 12], 1].mean()) + 10
    joints = reconstructor.reconstruct(picture.image[:edge], focal_length=FOCAL).people[0].joints
    down = joints[[15, 16]].mean(axis=0)  # where the ankles were imagined
    assert down[1] > 0.45 and abs(down[0]) < 0.35


def test_nobody_has_legs_in_bars_below_the_picture(reconstructor: Reconstructor, picture: Picture) -> None:
    """Networks guess them there, short ones, which would bend her; and the camera looks at the picture's middle."""
    bottom = round(float(picture.pixels[[11, 12], 1].mean())) + 30
    photo = np.pad(picture.image[:bottom], ((60, 240), (0, 0), (0, 0)))
    found = reconstructor.reconstruct(photo, focal_length=FOCAL).people[0]
    assert found.camera.principal_point == pytest.approx((SIZE[0] / 2, 60 + bottom / 2), abs=5)
    assert (found.keypoints_2d[13:17, 2] == 0).all() and (found.keypoints_2d[5:13, 2] > 0.3).all()
    assert found.joints[[15, 16], 1].mean() > 0.65 and np.abs(found.joints[[15, 16], 2]).max() < 0.35


def test_nobody_has_legs_in_the_next_picture_of_a_collage(
    reconstructor: Reconstructor, picture: Picture, person: Person
) -> None:
    hips = round(float(picture.pixels[[11, 12], 1].mean())) + 30
    gutter = np.full((12, SIZE[0], 3), 250, np.uint8)
    collage = np.concatenate([picture.image[:hips], gutter, picture.image[hips:]])  # hers, of all legs
    x, y, w, _ = person.bbox
    (found,) = reconstructor.reconstruct(collage, boxes=[(x, y, w, hips - y)], focal_length=FOCAL).people
    assert (found.keypoints_2d[13:17, 2] == 0).all() and (found.keypoints_2d[5:11, 2] > 0.3).all()


def test_who_is_at_the_side_of_a_collage_is_not_turned_aside(reconstructor: Reconstructor, picture: Picture) -> None:
    gutter = np.full((SIZE[1], 12, 3), 250, np.uint8)
    collage = np.concatenate([picture.image, gutter, picture.image, gutter, picture.image], axis=1)
    people = reconstructor.reconstruct(collage, mesh="raw", ground=False, twice=False).people
    assert len(people) == 3
    hips = [p.joints[11] - p.joints[12] for p in sorted(people, key=lambda p: p.camera.translation[0])]
    facing = np.degrees(np.unwrap([np.arctan2(across[2], across[0]) for across in hips]))
    assert np.ptp(facing) < 20  # degrees; as a camera sees them whose focal length is the diagonal 34


def test_who_is_hardly_there_makes_no_collage_and_hinders_none(
    reconstructor: Reconstructor, picture: Picture, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos are full of what might just be somebody: at its side, or across the gutter."""
    gutter = np.full((SIZE[1], 12, 3), 250, np.uint8)
    collage, aside = np.concatenate([picture.image, gutter, picture.image], axis=1), SIZE[0] + 12.0
    (x, y, w, h), joints = person.bbox, person.keypoints_2d
    one = Detection((x, y, w, h), 0.9, joints)
    other = Detection((x + aside, y, w, h), 0.9, joints + np.array([aside, 0, 0]))
    across = Detection((aside - 60, y, 120.0, h), 0.15, joints + np.array([aside / 2, 0, 0]), faint=True)
    for found, is_collage in (([one, dataclasses.replace(other, faint=True)], False), ([one, other, across], True)):
        subject = dataclasses.replace(reconstructor._subject, detect=lambda *_, found=found: found)
        monkeypatch.setattr(reconstructor, "_subject", subject)
        anew = Reconstructor.reconstruct  # it remembers answers otherwise
        answer = anew(reconstructor, collage, mesh="raw", ground=False, twice=False, max_people=1).people
        diagonal = np.hypot(*collage.shape[:2])
        assert answer[0].camera.focal_length == pytest.approx((3 if is_collage else 1) * diagonal)


def test_given_boxes_are_used_in_their_order(reconstructor: Reconstructor, picture: Picture, person: Person) -> None:
    x, y, w, h = person.bbox
    left, beside = (0.0, 0.0, 60.0, 100.0), (x + 1.02 * w, y, 0.5 * w, h)
    boxes = [left, person.bbox, beside]
    people = reconstructor.reconstruct(picture.image, boxes=boxes, focal_length=FOCAL).people
    assert [p.bbox for p in people] == boxes
    np.testing.assert_allclose(people[1].joints, person.joints, atol=0.1)  # a pixel is centimetres of depth
    assert people[0].score < 0.5 * people[1].score
    assert people[2].score < 0.2 * people[1].score  # the network looks beyond a box, and sees who is beside it


@pytest.mark.parametrize(("scale", "shift"), [(1.5, 0.1), (2.0, -0.2), (3.0, 0.3)])
def test_a_loose_box_gives_the_person_of_a_fitting_one(
    reconstructor: Reconstructor, picture: Picture, person: Person, scale: float, shift: float
) -> None:
    x, y, w, h = person.bbox
    box = (x + w / 2 + (shift - scale / 2) * w, y + h / 2 - scale * h / 2, scale * w, scale * h)
    (loose,) = reconstructor.reconstruct(picture.image, boxes=[box], focal_length=FOCAL).people
    assert loose.bbox == box and loose.crop is not None and loose.crop.side < 1.2 * square_crop(person.bbox)[2]
    assert np.linalg.norm(loose.joints - person.joints, axis=1).mean() < 0.05
    assert np.abs(loose.camera.project(loose.joints) - person.camera.project(person.joints)).mean() < 6
    s, tx, ty = loose.camera.weak_perspective  # into the crop of the box that was given
    cx, cy, side = square_crop(box)
    in_photo = (s * loose.joints[:, :2] + (tx, ty)) * side / 2 + (cx, cy)
    assert np.abs(in_photo - loose.camera.project(loose.joints)).mean() < 8


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_photo_gives_the_turned_person(
    reconstructor: Reconstructor, picture: Picture, person: Person, quarters: int
) -> None:
    """Who lies, or stands on the hands."""
    turned = np.ascontiguousarray(np.rot90(picture.image, quarters))
    turn = np.linalg.matrix_power(np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], np.float32), quarters)
    corners = np.array([person.bbox[:2], np.add(person.bbox[:2], person.bbox[2:])]) - np.array(SIZE) / 2
    low, high = np.sort(corners @ turn[:2, :2].T, axis=0) + np.array(turned.shape[1::-1]) / 2
    (found,) = reconstructor.reconstruct(turned, boxes=[(*low, *(high - low))], focal_length=FOCAL).people
    # Limbs that lie in the picture's plane: a pixel more or less is a decimetre of depth.
    assert np.linalg.norm(found.joints - person.joints @ turn.T, axis=1).mean() < 0.06
    assert np.linalg.norm(found.joints - person.joints, axis=1).mean() > 0.3
    expected = (person.camera.project(person.joints) - np.array(SIZE) / 2) @ turn[:2, :2].T + np.array(
        turned.shape[1::-1]
    ) / 2
    assert np.abs(found.camera.project(found.joints) - expected).mean() < 4
    assert np.abs(found.keypoints_2d[:, :2] - found.camera.project(found.joints)).mean() < 12


def test_nobody_is_found_where_nobody_is(reconstructor: Reconstructor) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    assert reconstructor.reconstruct(noise).people == []
    assert reconstructor.reconstruct(np.zeros((1, 1, 3), np.uint8)).people == []


@pytest.mark.parametrize(
    "box",
    [(0, 0, np.nan, 5), (0, 0, 1, 50), (900, 0, 10, 10), (-50, 0, 40, 40), (0.0, 0.0, np.inf, 5.0), (0, 0, 6401, 50)],
)
def test_boxes_that_cannot_be_used_get_a_sentence(reconstructor: Reconstructor, picture: Picture, box: tuple) -> None:
    with pytest.raises(BadInput, match="box"):
        reconstructor.reconstruct(picture.image, boxes=[box])


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
