"""Finding hands, with stand-ins for the networks: palms, arms, duplicates, sides."""

from __future__ import annotations

import numpy as np
import pytest

from model.interfaces import Landmarks, PalmOutputs
from model.perception.crops import Crop
from model.perception.detection import Detection
from model.perception.hands import crop_of_joints, crop_of_palm, detect_hands, hands_in_boxes
from model.perception.limbs import Arm, Foot, feet_of, is_foot
from model.perception.palms import Palm
from tests.support.fake_landmarker import HAND, fake_landmarker, person


def none_found(images: np.ndarray) -> PalmOutputs:
    return PalmOutputs(np.full((1, 1), -9.0), np.zeros((1, 1, 4)), np.zeros((1, 1, 7, 2)))


def test_people_are_not_detected_in_a_photo_that_a_hand_fills() -> None:
    joints = 300 * HAND + (400, 600)
    landmarker, image = fake_landmarker([(joints, 0.9, 0.9)], photo())

    def find(images: np.ndarray) -> PalmOutputs:
        scale = images.shape[1] / 800
        points = np.full((1, 1, 7, 2), (400.0, 530.0))
        points[0, 0, 2] = (400, 450)
        return PalmOutputs(np.array([[4.0]]), np.array([[[400.0, 480, 130, 130]]]) * scale, points * scale)

    def detect_people(image: np.ndarray) -> list[Detection]:
        raise AssertionError("detected people")

    (hand,) = detect_hands(find, landmarker, image, detect_people)
    assert np.linalg.norm(hand.keypoints[:, :2] - joints, axis=1).max() < 12


def test_the_crop_of_a_palm_is_mediapipes() -> None:
    """2.6 times its box, moved by half of it towards the fingers: here to the right."""
    points = np.full((7, 2), (100.0, 80.0))
    points[2] = (120, 80)
    crop = crop_of_palm(Palm(0.9, np.array([105.0, 80.0]), 40.0, points))
    assert crop == Crop((125.0, 80.0), 104.0, np.pi / 2)


@pytest.mark.parametrize("angle", [0.0, 1.0, 3.0, -2.0])
def test_the_crop_of_joints_turns_with_them(angle: float) -> None:
    straight = crop_of_joints(100 * HAND + 300)
    turn = Crop((0.0, 0.0), 1.0, angle).axes.T
    turned = crop_of_joints(100 * HAND @ turn.T + 300)
    assert turned.side == pytest.approx(straight.side)
    assert np.cos(turned.angle - straight.angle - angle) == pytest.approx(1)
    expected = turn @ (np.array(straight.centre) - 300) + 300
    assert turned.centre == pytest.approx(expected)


def photo() -> np.ndarray:
    return np.zeros((800, 800, 3), np.uint8)


def test_arms_lead_to_hands_and_tell_their_side() -> None:
    """No palm is found; the landmark network takes the hand for a right one, the arm says that it is the left."""
    joints = 100 * HAND + (400, 400)
    landmarker, image = fake_landmarker([(joints, 0.9, 0.6)], photo())
    assert detect_hands(none_found, landmarker, image) == []
    (hand,) = detect_hands(none_found, landmarker, image, lambda _: [person(wrist=(400, 400), elbow=(400, 530))])
    assert hand.handedness == "left" and hand.crop is not None and hand.crop.mirrored
    assert np.linalg.norm(hand.keypoints[:, :2] - joints, axis=1).max() < 8
    (hand,) = detect_hands(none_found, landmarker, image, lambda _: [person((400, 400), (400, 530), "right")])
    assert hand.handedness == "right" and not hand.crop.mirrored


def test_a_palm_alone_must_be_surer_if_it_is_small() -> None:
    """Where an arm leads, or where it is large, a presence above a half is enough."""
    for size, presence, arm, count in (
        (40, 0.7, False, 0),
        (40, 0.9, False, 1),
        (40, 0.7, True, 1),
        (80, 0.7, False, 1),
    ):
        joints = size * HAND + (400, 400)
        landmarker, image = fake_landmarker([(joints, presence, 0.9)], photo())

        def find(images: np.ndarray, size: int = size) -> PalmOutputs:
            scale = images.shape[1] / 800
            points = np.full((1, 1, 7, 2), (400.0, 400 - 0.2 * size))
            points[0, 0, 2] -= (0, 0.3 * size)
            return PalmOutputs(
                np.array([[4.0]]), np.array([[[400.0, 400 - 0.4 * size, size, size]]]) * scale, points * scale
            )

        people = [person((400, 400), (400, 400 + 1.3 * size), "right")] if arm else []
        assert len(detect_hands(find, landmarker, image, lambda _, people=people: people)) == count, (
            size,
            presence,
            arm,
        )


@pytest.mark.parametrize(("presence", "count"), [(0.7, 0), (0.9, 1)])
def test_a_palm_beside_people_to_whom_it_does_not_belong_must_be_surer(presence: float, count: int) -> None:
    joints = 200 * HAND + (400, 400)
    landmarker, image = fake_landmarker([(joints, presence, 0.9)], photo())

    def find(images: np.ndarray) -> PalmOutputs:
        scale = images.shape[1] / 800
        points = np.full((1, 1, 7, 2), (400.0, 350.0))
        points[0, 0, 2] = (400, 300)
        return PalmOutputs(np.array([[4.0]]), np.array([[[400.0, 320, 90, 90]]]) * scale, points * scale)

    assert len(detect_hands(find, landmarker, image)) == 1
    somebody = person(wrist=(700, 700), elbow=(700, 600))
    assert len(detect_hands(find, landmarker, image, lambda _: [somebody])) == count


def test_an_arms_hand_is_refined_even_if_the_first_crop_says_little() -> None:
    joints = 100 * HAND + (400, 400)
    seen, image = fake_landmarker([(joints, 0.9, 0.9)], photo())
    for first, count in ((0.05, 1), (0.01, 0)):
        batches = []

        def landmarker(crops: np.ndarray, first: float = first, batches: list = batches) -> Landmarks:
            batches.append(len(crops))
            said = seen(crops)
            return said if len(batches) > 1 else said._replace(presence=np.full(len(crops), first))

        assert (
            len(detect_hands(none_found, landmarker, image, lambda _: [person((400, 400), (400, 530), "right")]))
            == count
        )


def test_in_a_loose_box_all_angles_are_refined() -> None:
    """The first crops say more of a wrong angle than of the right one; refined, the right one is plain."""
    joints = 100 * HAND + (400, 400)
    seen, image = fake_landmarker([(joints, 0.9, 0.9)], photo())
    batches = []

    def landmarker(crops: np.ndarray) -> Landmarks:
        batches.append(len(crops))
        said = seen(crops)
        first = len(batches) == 1
        lost = np.array([0, 1, 1, 1]) if first else said.presence < 0.1
        presence = np.array([0.2, 0.3, 0.1, 0.1]) if first else said.presence  # upwards is the first of four angles
        return Landmarks(said.points + 80 * lost[:, None, None], presence, said.right)

    (hand,) = hands_in_boxes(landmarker, image, [(250.0, 200.0, 300.0, 300.0)])
    assert hand.score == pytest.approx(0.9)
    assert np.linalg.norm(hand.keypoints[:, :2] - joints, axis=1).max() < 8


def test_a_hand_in_front_comes_before_a_surer_one_far_behind() -> None:
    large, small = 140 * HAND + (200, 400), 50 * HAND + (600, 400)
    landmarker, image = fake_landmarker([(large, 0.8, 0.9), (small, 0.95, 0.9)], photo())
    people = [person((600, 400), (600, 465), "right"), person((200, 400), (200, 582), "right")]
    first, second = detect_hands(none_found, landmarker, image, lambda _: people)
    assert (first.score, second.score) == (pytest.approx(0.8), pytest.approx(0.95))


def test_a_hand_is_reported_once() -> None:
    joints = 100 * HAND + (400, 400)
    landmarker, image = fake_landmarker([(joints, 0.9, 0.9)], photo())
    twice = [person((400, 400), (400, 530), "right"), person((404, 398), (410, 530), "right")]
    assert len(detect_hands(none_found, landmarker, image, lambda _: twice)) == 1


def test_what_the_network_doubts_is_left_out_but_for_boxes() -> None:
    landmarker, image = fake_landmarker([(100 * HAND + (400, 400), 0.3, 0.9)], photo())
    assert detect_hands(none_found, landmarker, image, lambda _: [person((400, 400), (400, 530))]) == []
    box = (340.0, 290.0, 110.0, 120.0)
    (hand,) = hands_in_boxes(landmarker, image, [box])
    assert hand.box == box and hand.score == pytest.approx(0.3) and hand.handedness == "right"


def test_a_bare_foot_is_no_hand() -> None:
    """Toes look like fingers: to the palm detector and to the landmark network too."""
    joints = 40 * HAND + (400, 400)
    foot = [Foot(joints[0] + (0, -30), 100.0)]
    assert is_foot(joints, foot, [])
    assert not is_foot(joints, [Foot(joints[0] + (0, -70), 100.0)], [])
    assert not is_foot(joints, foot, [Arm("left", joints[0] + (0, 100), joints[0], 100.0)])  # a hand on a foot

    barefoot = person((0, 0), (0, 0))
    barefoot.keypoints[:, 2] = 0
    barefoot.keypoints[[14, 16]] = (400, 260, 0.9), (400, 370, 0.9)
    (found,) = feet_of([barefoot])
    assert found.ankle.tolist() == [400, 370] and found.shin == pytest.approx(110)
    landmarker, image = fake_landmarker([(joints, 0.95, 0.9)], photo())

    def find(images: np.ndarray) -> PalmOutputs:
        scale = images.shape[1] / 800
        points = np.full((1, 1, 7, 2), (400.0, 392.0))
        points[0, 0, 2] -= (0, 12)
        return PalmOutputs(np.array([[4.0]]), np.array([[[400.0, 384, 40, 40]]]) * scale, points * scale)

    assert len(detect_hands(find, landmarker, image)) == 1
    assert detect_hands(find, landmarker, image, lambda _: [barefoot]) == []


def test_a_side_that_is_in_doubt_comes_with_its_twin() -> None:
    joints = 100 * HAND + (400, 400)
    box = (340.0, 290.0, 110.0, 120.0)
    for right, twins in ((0.97, []), (0.6, ["left"]), (0.3, ["right"]), (0.02, [])):
        landmarker, image = fake_landmarker([(joints, 0.9, right)], photo())
        (hand,) = hands_in_boxes(landmarker, image, [box])
        assert hand.handedness == ("right" if right > 0.5 else "left")
        assert ([hand.twin.handedness] if hand.twin else []) == twins
        if hand.twin:
            assert hand.crop is not None and hand.twin.crop == hand.crop.mirror()


def test_an_arm_that_agrees_leaves_no_doubt() -> None:
    joints = 100 * HAND + (400, 400)
    for right, side, twin in ((0.6, "right", False), (0.6, "left", True), (0.97, "right", False)):
        landmarker, image = fake_landmarker([(joints, 0.9, right)], photo())
        (hand,) = detect_hands(
            none_found, landmarker, image, lambda _, side=side: [person((400, 400), (400, 530), side)]
        )
        assert hand.handedness == side and (hand.twin is not None) == twin
