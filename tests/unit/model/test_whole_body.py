"""Which hands in a photo pose those of bodies: large ones, surely seen, of the arm's own side, at its wrist."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit
from model.body.hand_posing import HandPoser
from model.body.rig import Rig
from model.body.suit import find_worn
from model.joints import COCO_JOINTS, HAND_JOINTS, JOINTS
from model.perception.hands import SeenHand
from model.results import Camera, Person
from model.whole_body import _DEEPER, _PALM, WholeBodies, _deepened, pose_hands
from tests.support.fake_landmarker import HAND, fake_landmarker

SIDE, FOCAL, WRIST = 800, 1500.0, (500.0, 600.0)


@pytest.fixture(scope="module")
def rig() -> Rig:
    worn = find_worn(13_718)
    assert worn is not None
    return worn


@pytest.fixture(scope="module")
def poser(rig: Rig) -> HandPoser:
    return HandPoser(rig)


def person(rig: Rig, distance: float = 3.0, confidence: float = 0.9) -> Person:
    """Who raises the right forearm, straight up before the camera: the wrist at `WRIST`, the elbow below it."""
    scale = FOCAL / distance
    rotations = np.tile(np.eye(3), (JOINTS, 1, 1))
    rotations[0] = np.diag([1.0, -1.0, -1.0])  # facing the camera
    rotations[19] = [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]  # the right forearm from the side to upwards
    joints, keypoints = np.zeros((17, 3), np.float32), np.zeros((17, 3), np.float32)
    joints[10] = (*(np.array(WRIST) - SIDE / 2) / scale, 0)
    joints[8] = joints[10] + [0, 0.26, 0]
    keypoints[10], keypoints[8] = (*WRIST, confidence), (WRIST[0], WRIST[1] + 0.26 * scale, confidence)
    return Person(
        score=0.9,
        bbox=(100.0, 100.0, 600.0, 600.0),
        keypoints_2d=keypoints,
        joints=joints,
        vertices=np.zeros((rig.vertex_count, 3), np.float32),
        faces=np.zeros((0, 3), np.int32),
        joint_names=COCO_JOINTS,
        camera=Camera(FOCAL, (SIDE / 2, SIDE / 2), (0.0, 0.0, distance), (1.0, 0.0, 0.0)),
        body=BodyFit(rotations, np.zeros(rig.shape_count), np.zeros(3), 0.0),
    )


def posed(
    people: list[Person], poser: HandPoser, presence: float = 0.95, right: float = 0.95, off: float = 0.0
) -> dict:
    """What comes of a right hand of these people, its palm to the camera, and a network that is so sure of it."""
    size = 0.19 * FOCAL / 3.0
    points = np.array(WRIST) + [off * size, 0] + HAND * [1, 1] * size
    landmarker, image = fake_landmarker([(points, presence, right)], np.zeros((SIDE, SIDE, 3), np.uint8))
    return pose_hands(people, image, landmarker, poser)


def test_a_hand_that_is_surely_seen_poses_the_bodys(rig: Rig, poser: HandPoser) -> None:
    who = person(rig)
    found = posed([dataclasses.replace(who, body=None), who], poser)
    assert list(found) == [1] and found[1].fingers is not None and rig.hands is not None
    assert np.allclose(found[1].fingers[:15], rig.hands.relaxed_rotations[:15])
    assert not np.allclose(found[1].fingers[15:], rig.hands.relaxed_rotations[15:])


@pytest.mark.parametrize(
    "doubt", [{"presence": 0.6}, {"right": 0.2}, {"off": 0.6}], ids=["unsure", "the other side", "not at the wrist"]
)
def test_a_hand_in_doubt_poses_nothing(rig: Rig, poser: HandPoser, doubt: dict[str, float]) -> None:
    assert posed([person(rig)], poser, **doubt) == {}


@pytest.mark.parametrize("who", [{"distance": 12.0}, {"confidence": 0.3}], ids=["small", "a wrist nobody saw"])
def test_what_cannot_be_seen_is_not_looked_for(rig: Rig, poser: HandPoser, who: dict[str, float]) -> None:
    def never(crops: np.ndarray) -> None:
        raise AssertionError("nothing is to be seen here")

    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    assert pose_hands([person(rig, **who)], image, never, poser) == {}  # type: ignore[arg-type]


def test_one_hand_is_not_two_peoples(rig: Rig, poser: HandPoser) -> None:
    """Two people whose wrists are in the same place: one of them gets it."""
    assert len(posed([person(rig), person(rig)], poser)) == 1


def test_of_a_film_joints_are_kept_for_later(rig: Rig) -> None:
    """The right hand's, and nothing of the left one; the body stays as it is."""
    who, size = person(rig), 0.19 * FOCAL / 3.0
    landmarker, image = fake_landmarker(
        [(np.array(WRIST) + HAND * size, 0.95, 0.95)], np.zeros((SIDE, SIDE, 3), np.uint8)
    )
    (found,) = WholeBodies(rig, rig, COCO_JOINTS, landmarker).see_hands([who], image)
    assert found.body is who.body and found.hand_joints is not None
    assert np.isnan(found.hand_joints[0]).all() and np.isfinite(found.hand_joints[1]).all()
    (unseen,) = WholeBodies(rig, rig, COCO_JOINTS).see_hands([who], image)
    assert unseen.hand_joints is None


@pytest.mark.parametrize(("share", "factor"), [(0.5, 2.0), (1.0, 1.0), (0.1, _DEEPER)])
def test_depths_are_those_of_a_palm_that_is_as_long_as_palms_are(share: float, factor: float) -> None:
    """The palm points to the camera by 60 degrees; the network sees a share of its depth."""
    size, bases = 100.0, [HAND_JOINTS.index(f"{finger}_1") for finger in ("index", "middle", "ring", "little")]
    points, depths = np.full((21, 2), (300.0, 200.0)), np.full(21, 7.0)
    points[bases, 1] -= np.cos(np.radians(60)) * size * _PALM
    depths[bases] -= share * np.sin(np.radians(60)) * size * _PALM
    found = _deepened(SeenHand(points, 0.9, 0.9, depths), size)
    np.testing.assert_allclose(found, factor * depths)


def test_a_hand_as_large_as_hands_are_keeps_its_depths() -> None:
    points, depths = np.zeros((21, 2)), np.random.default_rng(0).normal(0, 3, 21)
    points[1:, 0] = 100.0
    np.testing.assert_array_equal(_deepened(SeenHand(points, 0.9, 0.9, depths), 100.0), depths)


def test_bodies_are_a_little_larger_than_meshes_whose_limbs_a_network_draws_short(rig: Rig) -> None:
    bodies = WholeBodies(rig, rig, COCO_JOINTS)
    who = bodies.resized(person(rig), 1.0)
    seen = who.camera.project(who.joints)
    (larger,) = bodies.fit([dataclasses.replace(who, keypoints_2d=np.column_stack([seen, np.ones(17)]))])
    assert bodies.stature(larger) == pytest.approx(1.02 * bodies.stature(who), abs=0.004)
    assert larger.camera.translation[2] == pytest.approx(1.02 * who.camera.translation[2], abs=0.02)
    off = np.linalg.norm(larger.camera.project(larger.joints) - seen, axis=1)
    # Her forearm turns farther than forearms do, and is turned back.
    raised = [COCO_JOINTS.index("right_elbow"), COCO_JOINTS.index("right_wrist")]
    assert np.delete(off, raised).max() < 2.0


def test_who_is_turned_covers_what_she_did(rig: Rig) -> None:
    bodies = WholeBodies(rig, rig, COCO_JOINTS)
    who = bodies.resized(person(rig), 1.0)
    turn = Rotation.from_euler("x", 6, degrees=True).as_matrix()
    turned = bodies.turned(who, turn)
    np.testing.assert_allclose(turned.joints, who.joints @ turn.T, atol=1e-5)
    np.testing.assert_allclose(turned.vertices, who.vertices @ turn.T, atol=1e-5)
    moved = np.linalg.norm(turned.camera.project(turned.joints) - who.camera.project(who.joints), axis=1)
    assert moved.mean() < 0.01 * np.ptp(who.camera.project(who.joints), axis=0).max()


def test_who_is_known_to_be_small_is_a_child_and_who_is_as_tall_as_adults_is_none(rig: Rig) -> None:
    bodies = WholeBodies(rig, rig, COCO_JOINTS)
    who = bodies.resized(person(rig), 1.0)
    seen = np.column_stack([who.camera.project(who.joints), np.ones(17)])
    who = dataclasses.replace(who, keypoints_2d=seen)
    (child,) = bodies.with_children([who], [who], person_height=1.1)
    assert child.body is not None and child.camera.translation[2] < 0.75 * who.camera.translation[2]
    assert rig.stature(child.body.shape) == pytest.approx(1.1, abs=0.03)
    np.testing.assert_array_equal(child.body.shape[: rig.build_count], 0)
    off = np.linalg.norm(child.camera.project(child.joints) - who.camera.project(who.joints), axis=1)
    assert off.mean() < 0.05 * np.ptp(who.camera.project(who.joints), axis=0).max()
    for height in (1.5, None):
        (same,) = bodies.with_children([who], [who], person_height=height)
        assert same is who
