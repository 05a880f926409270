"""Finding hands, with stand-ins for the networks: palms, arms, duplicates, sides."""

from __future__ import annotations

import numpy as np
import pytest

from model.interfaces import Landmarks, PalmOutputs
from model.perception.crops import Crop
from model.perception.detection import Detection
from model.perception.hands import detect_hands, hands_in_boxes, view_of_joints, view_of_palm
from model.perception.limbs import Arm, Foot, arm_of, arms_of, feet_of, is_elbow, is_foot
from model.perception.palms import Palm, detect_palms, suppress_duplicates
from model.reconstructor import better
from model.results import Camera, Person
from tests.support.drawn_hand import JOINTS

NO_FACES = np.zeros((0, 3), np.int32)

HAND = (JOINTS - JOINTS[0]) / 220  # fingers up, one hand long


def palm(x: float, y: float, size: float, score: float = 0.9) -> Palm:
    points = np.full((7, 2), (x, y), float)
    points[2] -= (0, size / 2)
    return Palm(score, np.array([x, y]), size, points)


def none_found(images: np.ndarray) -> PalmOutputs:
    return PalmOutputs(np.full((1, 1), -9.0), np.zeros((1, 1, 4)), np.zeros((1, 1, 7, 2)))


def test_palms_that_overlap_much_are_one() -> None:
    kept = suppress_duplicates([palm(50, 50, 20, 0.6), palm(54, 50, 20, 0.9), palm(75, 50, 20, 0.7), palm(9, 9, 0)])
    assert [p.score for p in kept] == [0.9, 0.7]


def test_palms_are_in_pixels_of_the_photo_whatever_the_scale() -> None:
    """A stand-in that sees one palm in the middle of whatever it looks at, half as large."""

    def find(images: np.ndarray) -> PalmOutputs:
        height, width = images.shape[1:3]  # 448 x 224 and the like: no padding
        points = np.full((1, 1, 7, 2), (width / 2, height / 2))
        points[0, 0, 2] += (0, -height / 8)
        return PalmOutputs(np.array([[3.0]]), np.array([[[width / 2, height / 2, width / 2, width / 2]]]), points)

    for (found,) in detect_palms(find, np.zeros((896, 448, 3), np.uint8)):
        _is_in_the_middle(found)


def _is_in_the_middle(found: Palm) -> None:
    assert found.middle == pytest.approx([224, 448]) and found.size == pytest.approx(224)
    assert found.angle == pytest.approx(0) and found.score == pytest.approx(1 / (1 + np.exp(-3)))
    assert found.points[2] == pytest.approx([224, 336])


def test_nobody_is_looked_for_in_a_photo_that_a_hand_fills() -> None:
    joints = 300 * HAND + (400, 600)
    look, image = looking([(joints, 0.9, 0.9)], photo())

    def find(images: np.ndarray) -> PalmOutputs:
        scale = images.shape[1] / 800
        points = np.full((1, 1, 7, 2), (400.0, 530.0))
        points[0, 0, 2] = (400, 450)
        return PalmOutputs(np.array([[4.0]]), np.array([[[400.0, 480, 130, 130]]]) * scale, points * scale)

    def detect_people(image: np.ndarray) -> list[Detection]:
        raise AssertionError("looked for people")

    (hand,) = detect_hands(find, look, image, detect_people)
    assert np.linalg.norm(hand.keypoints[:, :2] - joints, axis=1).max() < 12


def test_small_photos_are_not_looked_at_closely() -> None:
    sizes = []

    def find(images: np.ndarray) -> PalmOutputs:
        sizes.append(max(images.shape[1:3]))
        return none_found(images)

    for longest, expected in ((60, [128]), (100, [128]), (300, [128, 256]), (400, [128, 256, 448])):
        sizes.clear()
        list(detect_palms(find, np.zeros((longest, longest // 2, 3), np.uint8)))
        assert sizes == expected


def test_the_view_of_a_palm_is_mediapipes() -> None:
    """2.6 times its box, moved by half of it towards the fingers: here to the right."""
    points = np.full((7, 2), (100.0, 80.0))
    points[2] = (120, 80)
    crop = view_of_palm(Palm(0.9, np.array([105.0, 80.0]), 40.0, points))
    assert crop == Crop((125.0, 80.0), 104.0, np.pi / 2)


@pytest.mark.parametrize("angle", [0.0, 1.0, 3.0, -2.0])
def test_the_view_of_joints_turns_with_them(angle: float) -> None:
    straight = view_of_joints(100 * HAND + 300)
    turn = Crop((0.0, 0.0), 1.0, angle).axes.T
    turned = view_of_joints(100 * HAND @ turn.T + 300)
    assert turned.side == pytest.approx(straight.side)
    assert np.cos(turned.angle - straight.angle - angle) == pytest.approx(1)
    expected = turn @ (np.array(straight.centre) - 300) + 300
    assert turned.centre == pytest.approx(expected)


def looking(hands: list[tuple[np.ndarray, float, float]], image: np.ndarray) -> tuple:
    """A landmark network that sees whatever of these hands (joints, presence, right) is near the middle of its crop.

    A photo whose colours say where each pixel is tells the network where it looks.
    """
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    image[..., 0], image[..., 1] = columns // 4, rows // 4

    def look(crops: np.ndarray) -> Landmarks:
        points, presence, right = [], [], []
        for crop in crops:
            at = 4.0 * crop[108:116, 108:116, :2].reshape(-1, 2).mean(axis=0) + 2
            across = 4.0 * (crop[112, 160, :2].astype(float) - crop[112, 64, :2]) / 96  # photo pixels a crop pixel
            down = 4.0 * (crop[160, 112, :2].astype(float) - crop[64, 112, :2]) / 96
            near = min(hands, key=lambda hand: np.linalg.norm(hand[0].mean(axis=0) - at))
            close = np.linalg.norm(near[0].mean(axis=0) - at) < 0.7 * np.ptp(near[0], axis=0).max()
            to_crop = np.linalg.inv(np.column_stack([across, down]))
            points.append(np.column_stack([(near[0] - at) @ to_crop.T + 112, np.zeros(21)]))
            presence.append(near[1] if close else 0.01)
            right.append(near[2])
        return Landmarks(np.array(points), np.array(presence), np.array(right))

    return look, image


def person(wrist: tuple[float, float], elbow: tuple[float, float], side: str = "left") -> Detection:
    keypoints = np.zeros((17, 3), np.float32)
    for joint, place in zip((7, 9) if side == "left" else (8, 10), (elbow, wrist), strict=True):
        keypoints[joint] = (*place, 0.9)
    return Detection((100.0, 100.0, 300.0, 600.0), 0.9, keypoints)


def photo() -> np.ndarray:
    return np.zeros((800, 800, 3), np.uint8)


def test_arms_lead_to_hands_and_tell_their_side() -> None:
    """No palm is found; the landmark network takes the hand for a right one, the arm says that it is the left."""
    joints = 100 * HAND + (400, 400)
    look, image = looking([(joints, 0.9, 0.6)], photo())
    assert detect_hands(none_found, look, image) == []
    (hand,) = detect_hands(none_found, look, image, lambda _: [person(wrist=(400, 400), elbow=(400, 530))])
    assert hand.handedness == "left" and hand.crop is not None and hand.crop.mirrored
    assert np.linalg.norm(hand.keypoints[:, :2] - joints, axis=1).max() < 8
    (hand,) = detect_hands(none_found, look, image, lambda _: [person((400, 400), (400, 530), "right")])
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
        look, image = looking([(joints, presence, 0.9)], photo())

        def find(images: np.ndarray, size: int = size) -> PalmOutputs:
            scale = images.shape[1] / 800
            points = np.full((1, 1, 7, 2), (400.0, 400 - 0.2 * size))
            points[0, 0, 2] -= (0, 0.3 * size)
            return PalmOutputs(
                np.array([[4.0]]), np.array([[[400.0, 400 - 0.4 * size, size, size]]]) * scale, points * scale
            )

        people = [person((400, 400), (400, 400 + 1.3 * size), "right")] if arm else []
        assert len(detect_hands(find, look, image, lambda _, people=people: people)) == count, (size, presence, arm)


def test_an_arms_hand_is_looked_at_closely_even_if_the_first_look_says_little() -> None:
    joints = 100 * HAND + (400, 400)
    seen, image = looking([(joints, 0.9, 0.9)], photo())
    for first, count in ((0.05, 1), (0.01, 0)):
        looks = []

        def look(crops: np.ndarray, first: float = first, looks: list = looks) -> Landmarks:
            looks.append(len(crops))
            said = seen(crops)
            return said if len(looks) > 1 else said._replace(presence=np.full(len(crops), first))

        assert len(detect_hands(none_found, look, image, lambda _: [person((400, 400), (400, 530), "right")])) == count


def test_in_a_loose_box_all_angles_are_looked_at_closely() -> None:
    """A first look says more of a wrong angle than of the right one; closer, the right one is plain."""
    joints = 100 * HAND + (400, 400)
    seen, image = looking([(joints, 0.9, 0.9)], photo())
    looks = []

    def look(crops: np.ndarray) -> Landmarks:
        looks.append(len(crops))
        said = seen(crops)
        first = len(looks) == 1
        lost = np.array([0, 1, 1, 1]) if first else said.presence < 0.1
        presence = np.array([0.2, 0.3, 0.1, 0.1]) if first else said.presence  # upwards is the first of four angles
        return Landmarks(said.points + 80 * lost[:, None, None], presence, said.right)

    (hand,) = hands_in_boxes(look, image, [(250.0, 200.0, 300.0, 300.0)])
    assert hand.score == pytest.approx(0.9)
    assert np.linalg.norm(hand.keypoints[:, :2] - joints, axis=1).max() < 8


def test_a_hand_in_front_comes_before_a_surer_one_far_behind() -> None:
    large, small = 140 * HAND + (200, 400), 50 * HAND + (600, 400)
    look, image = looking([(large, 0.8, 0.9), (small, 0.95, 0.9)], photo())
    people = [person((600, 400), (600, 465), "right"), person((200, 400), (200, 582), "right")]
    first, second = detect_hands(none_found, look, image, lambda _: people)
    assert (first.score, second.score) == (pytest.approx(0.8), pytest.approx(0.95))


def test_a_hand_is_reported_once() -> None:
    joints = 100 * HAND + (400, 400)
    look, image = looking([(joints, 0.9, 0.9)], photo())
    twice = [person((400, 400), (400, 530), "right"), person((404, 398), (410, 530), "right")]
    assert len(detect_hands(none_found, look, image, lambda _: twice)) == 1


def test_what_the_network_doubts_is_left_out_but_for_boxes() -> None:
    look, image = looking([(100 * HAND + (400, 400), 0.3, 0.9)], photo())
    assert detect_hands(none_found, look, image, lambda _: [person((400, 400), (400, 530))]) == []
    box = (340.0, 290.0, 110.0, 120.0)
    (hand,) = hands_in_boxes(look, image, [box])
    assert hand.box == box and hand.score == pytest.approx(0.3) and hand.handedness == "right"


def test_an_elbow_is_no_hand() -> None:
    joints = 100 * HAND + (400, 400)
    middle = joints.mean(axis=0)
    elbow = [Arm("left", middle, middle + 150, 200.0)]
    assert is_elbow(joints, elbow)
    crossed = [*elbow, Arm("right", middle - 200, joints[0] + 5, 200.0)]  # a hand that lies on the other arm's elbow
    assert not is_elbow(joints, crossed)
    assert arm_of(joints, crossed) is crossed[1] and arm_of(joints, []) is None
    assert not is_elbow(joints, [])
    imagined = [Arm("left", middle, middle + 20, 30.0)]  # much smaller than the hand
    assert not is_elbow(joints, imagined) and arm_of(joints, [Arm("left", joints[0] + 20, joints[0], 30.0)]) is None


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
    look, image = looking([(joints, 0.95, 0.9)], photo())

    def find(images: np.ndarray) -> PalmOutputs:
        scale = images.shape[1] / 800
        points = np.full((1, 1, 7, 2), (400.0, 392.0))
        points[0, 0, 2] -= (0, 12)
        return PalmOutputs(np.array([[4.0]]), np.array([[[400.0, 384, 40, 40]]]) * scale, points * scale)

    assert len(detect_hands(find, look, image)) == 1
    assert detect_hands(find, look, image, lambda _: [barefoot]) == []


def test_a_forearm_that_points_at_the_camera_has_the_length_of_others() -> None:
    (arm,) = arms_of([person(wrist=(300, 300), elbow=(300, 296))])
    assert arm.forearm == 60  # a tenth of the person
    assert arm.crop.centre == pytest.approx((300, 327)) and arm.crop.side == pytest.approx(78)
    assert abs(arm.crop.angle) == pytest.approx(np.pi)  # it hangs down
    assert np.isfinite(arms_of([person((300, 300), (300, 300))])[0].crop.centre).all()


def test_a_side_that_is_in_doubt_comes_with_its_twin() -> None:
    joints = 100 * HAND + (400, 400)
    box = (340.0, 290.0, 110.0, 120.0)
    for right, twins in ((0.97, []), (0.6, ["left"]), (0.3, ["right"]), (0.02, [])):
        look, image = looking([(joints, 0.9, right)], photo())
        (hand,) = hands_in_boxes(look, image, [box])
        assert hand.handedness == ("right" if right > 0.5 else "left")
        assert ([hand.twin.handedness] if hand.twin else []) == twins
        if hand.twin:
            assert hand.crop is not None and hand.twin.crop == hand.crop.mirror()


def test_an_arm_that_agrees_leaves_no_doubt() -> None:
    joints = 100 * HAND + (400, 400)
    for right, side, twin in ((0.6, "right", False), (0.6, "left", True), (0.97, "right", False)):
        look, image = looking([(joints, 0.9, right)], photo())
        (hand,) = detect_hands(none_found, look, image, lambda _, side=side: [person((400, 400), (400, 530), side)])
        assert hand.handedness == side and (hand.twin is not None) == twin


def test_the_twin_wins_only_where_it_fits_much_better() -> None:
    joints = np.random.default_rng(0).uniform(-0.1, 0.1, (21, 3))
    camera = Camera(500.0, (320.0, 240.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    seen = np.column_stack([500 * joints[:, :2] / (joints[:, 2:] + 1) + (320, 240), np.ones(21)])

    def answer(error: float, side: str) -> Person:
        return Person(
            0.9,
            (0.0, 0.0, 10.0, 10.0),
            seen + np.array([error, 0, 0]),
            joints,
            joints,
            np.zeros((0, 3), np.int32),
            (),
            camera,
            side,
        )

    for own, other, winner in ((10, 3, "left"), (10, 8, "right"), (3, 10, "right")):
        assert better(answer(own, "right"), answer(other, "left")).handedness == winner
