"""Where BlazePose is asked, and what becomes of its answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from model.interfaces import CameraSpaceMeshes
from model.joints import BLAZEPOSE_COCO, COCO_BONES, COCO_JOINTS, COCO_MIRROR
from model.perception.bone_depths import BonesSeen
from model.perception.crop_regressor import CropRegressor
from model.perception.crops import Crop
from model.perception.landmarks import landmark_crop, lift_crop, lift_landmarks

SIZE, FOCAL = 400, 400.0
ALL = (0, 0, SIZE, SIZE)
BOX = (160.0, 100.0, 80.0, 200.0)


def standing(x: float = 200.0, y: float = 200.0, lean: float = 0.0, confidence: float = 0.9) -> np.ndarray:
    """(17, 3) joints of somebody whose hips are there, a hundred pixels from head to hips, who leans clockwise."""
    joints = np.zeros((17, 2))
    joints[:5, 1], joints[[5, 6]], joints[[7, 8]] = -100, [(20, -80), (-20, -80)], [(25, -40), (-25, -40)]
    joints[[9, 10]], joints[[11, 12]] = [(25, 0), (-25, 0)], [(10, 0), (-10, 0)]
    joints[[13, 14]], joints[[15, 16]] = [(10, 50), (-10, 50)], [(0, 100), (0, 100)]
    c, s = math.cos(math.radians(lean)), math.sin(math.radians(lean))
    return np.column_stack([joints @ [[c, s], [-s, c]] + (x, y), np.full(17, confidence)])


class Networks:
    """BlazePose sees whoever is put into `seen`; the mesh network answers with bodies of 200 pixels."""

    def __init__(self, seen: np.ndarray, lifts: bool = True):
        self.info = SimpleNamespace(lifts=lifts, crop_size=8)
        self.seen, self.lifted, self.regressed = seen, 0, 0

    def detect(self, detector: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
        assert detector == "blazepose-heavy" and images.shape[1:] == (256, 256, 3)
        points = np.zeros((len(images), 39, 2), np.float32)
        peaks, depths = np.zeros((2, len(images), 39), np.float32)
        for index, crop in enumerate(self.crops[-len(images) :]):
            turned = (self.seen[:, :2] - crop.centre) @ crop.axes.T * (256 / crop.side) + 128
            points[index] = turned.mean(axis=0)
            names = list(COCO_MIRROR) if crop.mirrored else range(17)  # who is mirrored has her left where her right is
            points[index, list(BLAZEPOSE_COCO)], peaks[index, list(BLAZEPOSE_COCO)] = turned[names], self.seen[names, 2]
            depths[index, list(BLAZEPOSE_COCO)] = self.depths[names] + (40 if crop.mirrored else 0)
        mask = np.full((len(images), 128, 128), 0.5, np.float32)
        return points, peaks, depths, mask, np.zeros((len(images), 29, 2)), np.zeros((len(images), 3))

    crops: Sequence[Crop] = ()
    depths = np.arange(17.0)
    """In BlazePose's units; in the mirror it sees everybody 40 of them farther away."""

    def lift(self, keypoints: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        self.lifted += len(keypoints)
        return meshes(keypoints)

    def regress(self, pixels: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        self.regressed += len(pixels)
        return meshes(np.tile(np.append((crops[:, :2]).mean(axis=0), 0.5).astype(np.float32), (len(pixels), 17, 1)))


def meshes(keypoints: np.ndarray) -> CameraSpaceMeshes:
    """Bodies two metres high, upright in their crops, 4 m before a camera of 400 pixels: 200 pixels high."""
    count = len(keypoints)
    outline = np.tile(np.array([[-0.8, -1, 0], [0.8, -1, 0], [-0.8, 1, 0], [0.8, 1, 0]], np.float32), (count, 1, 1))
    joints = np.zeros((count, 17, 3), np.float32)
    joints[:, [5, 6], 1], joints[:, [13, 14], 1] = -0.6, 0.5
    translation = np.tile(np.array([0, 0, 4], np.float32), (count, 1))
    return CameraSpaceMeshes(outline, joints, keypoints[:, :17], translation, np.zeros((count, 3), np.float32))


def regressor(network: Networks, monkeypatch: pytest.MonkeyPatch) -> CropRegressor:
    """Notes which crops were cut, so that the network can tell what they show."""
    crops: list[Crop] = []
    monkeypatch.setattr(
        Crop, "cut", lambda self, image, size: crops.append(self) or np.zeros((size, size, 3), np.uint8)
    )
    network.crops = crops
    return CropRegressor(network, np.zeros((SIZE, SIZE, 3), np.uint8), FOCAL)  # type: ignore[arg-type]


def test_the_crop_is_about_the_hips_and_holds_all_that_was_seen() -> None:
    crop = landmark_crop(standing())
    assert crop is not None
    assert crop.centre == (200, 200) and crop.angle == 0
    assert crop.side == pytest.approx(2.5 * 1.1 * 100)


@pytest.mark.parametrize("lean", [30, -90, 170])
def test_the_crop_is_turned_with_the_trunk(lean: float) -> None:
    crop = landmark_crop(standing(lean=lean))
    assert crop is not None
    assert math.degrees(crop.angle) == pytest.approx(lean)
    up = crop.axes @ (standing(lean=lean)[5:7, :2].mean(axis=0) - crop.centre)
    assert up == pytest.approx([0, -80], abs=1e-9)


def test_joints_that_were_not_seen_do_not_count() -> None:
    joints = standing()
    joints[0, :2], joints[0, 2] = 5000, 0.1
    joints[11, 2] = joints[5, 2] = 0.1  # one hip and one shoulder are left
    crop = landmark_crop(joints)
    assert crop is not None and crop.centre == (190, 200) and crop.side < 400
    joints[:5, 2] = joints[12, 2] = 0.1
    assert landmark_crop(joints) is None
    assert landmark_crop(np.tile([7.0, 7.0, 0.9], (17, 1))) is None  # all on one spot


def test_hips_below_the_photo_are_where_face_and_shoulders_say() -> None:
    joints = standing()
    joints[7:, 2] = 0.1
    crop = landmark_crop(joints)
    assert crop is not None and crop.angle == pytest.approx(0)
    assert crop.centre == pytest.approx((200, 200 - 80 + 2 * 20))
    assert crop.side == pytest.approx(2.5 * 1.1 * 60)  # to the face


def test_shoulders_below_a_photo_that_a_face_fills_are_where_it_says() -> None:
    face = np.zeros((17, 3))
    # Upright, 80 pixels from ear to ear; then lying on the left ear.
    face[:5] = [(200, 120, 0.9), (220, 90, 0.9), (180, 90, 0.9), (240, 100, 0.9), (160, 100, 0.9)]
    crop = landmark_crop(face)
    assert crop is not None and crop.angle == pytest.approx(0)
    assert crop.centre == pytest.approx((200, 100 + 3 * 1.35 * 80))
    face[:5, :2] = face[:5, 1::-1] * (-1, 1)
    lying = landmark_crop(face)
    assert lying is not None and math.degrees(lying.angle) == pytest.approx(90)
    assert lying.centre == pytest.approx((-100 - 3 * 1.35 * 80, 200))
    face[[3, 4], 2] = 0.1
    by_eyes = landmark_crop(face)
    assert by_eyes is not None and by_eyes.centre == pytest.approx((-100 - 3 * 1.35 * 1.85 * 40, 200))
    face[1, 2] = 0.1
    assert landmark_crop(face) is None


def test_who_is_a_face_stands_upright_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Her shoulders lie below the photo and count, and what lies further down was not seen."""
    close = standing(y=0)
    close[:, :2] = (close[:, :2] - (200, -100)) * 4 + (200, 380)
    (result,) = lift_landmarks([close], regressor(Networks(close), monkeypatch))
    assert result is not None and result.landmarks is not None
    seen = result.landmarks[list(BLAZEPOSE_COCO), 2] > 0
    assert seen.nonzero()[0].tolist() == list(range(7))
    keypoints = result.mesh.keypoints
    assert keypoints[:7, :2] == pytest.approx(close[:7, :2], abs=1e-3) and keypoints[7:, 2].max() == 0


def test_who_is_cut_off_below_her_shoulders_is_no_face(monkeypatch: pytest.MonkeyPatch) -> None:
    """Face and shoulders lie above the photo: they are guesses, and the crop is about what it shows."""
    legs = standing(y=30)
    (result,) = lift_landmarks([legs], regressor(Networks(legs), monkeypatch))
    assert result is not None and result.landmarks is not None
    assert not result.landmarks[list(BLAZEPOSE_COCO), 2][:7].any()
    landmarks = np.tile([200.0, 30.0, 0.9], (33, 1))
    landmarks[list(BLAZEPOSE_COCO)] = legs
    crop = lift_crop(landmarks, ALL)
    assert crop is not None and crop.centre[1] == pytest.approx(65) and crop.side == pytest.approx(1.25 * 1.08 * 130)


def test_a_portrait_from_behind_is_no_face(monkeypatch: pytest.MonkeyPatch) -> None:
    """BlazePose exchanges left and right where the other network saw shoulders and ears alone."""
    rough = standing(y=480)
    rough[[3, 4], :2] += [(10, 0), (-10, 0)]
    turned = rough[list(COCO_MIRROR)]
    rough[7:, 2] = 0.1
    regress = regressor(Networks(turned), monkeypatch)
    assert lift_landmarks([rough], regress) == [None]
    assert lift_landmarks([rough[list(COCO_MIRROR)]], regress) != [None]


def test_what_the_edge_cuts_off_neither_counts_nor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = standing(y=380)
    below = cut[:, 1] >= SIZE
    cut[below, 2] = 0.1
    assert below.sum() == 4 and cut[:, 2].mean() < 0.75
    (result,) = lift_landmarks([cut], regressor(Networks(cut), monkeypatch), sure=0.8)
    assert result is not None and result.landmarks is not None
    confidence = result.landmarks[list(BLAZEPOSE_COCO), 2]
    assert confidence[below] == pytest.approx(0) and confidence[~below] == pytest.approx(0.9)


def test_nothing_is_seen_in_bars_beside_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    regress = regressor(Networks(standing()), monkeypatch)
    regress.shown = (0, 0, SIZE, 240)
    (result,) = lift_landmarks([standing()], regress)
    assert result is not None and result.landmarks is not None
    confidence = result.landmarks[list(BLAZEPOSE_COCO), 2]
    below = standing()[:, 1] > 240
    assert below.sum() == 4 and (confidence[below] == 0).all() and (confidence[~below] > 0.8).all()


@pytest.mark.parametrize(("height", "seen"), [(0.5, False), (0.9, True)])
def test_a_low_hand_below_an_elbow_out_of_the_photo_was_made_up(
    height: float, seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    portrait = standing(y=420)
    left, right = COCO_JOINTS.index("left_wrist"), COCO_JOINTS.index("right_wrist")
    portrait[COCO_JOINTS.index("left_elbow"), 1] = 450
    portrait[[left, right], 1:] = [(390, height), (390, 0.5)]
    (result,) = lift_landmarks([portrait], regressor(Networks(portrait), monkeypatch), sure=0.5)
    assert result is not None and result.landmarks is not None
    confidence = result.landmarks[list(BLAZEPOSE_COCO), 2]
    assert confidence[left] == pytest.approx(height if seen else 0)
    assert confidence[right] == pytest.approx(0.5)


@pytest.mark.parametrize("lean", [0, 30, 180])
def test_the_mesh_network_gets_her_upright_and_whole(lean: float) -> None:
    """She is 200 pixels high; a little is left about her, then a quarter more."""
    landmarks = np.tile([200.0, 200.0, 0.9], (33, 1))
    landmarks[list(BLAZEPOSE_COCO)] = standing(lean=lean)
    crop = lift_crop(landmarks, ALL)
    assert crop is not None
    assert crop.centre == pytest.approx((200, 200), abs=3)
    assert crop.side == pytest.approx(1.25 * 1.08 * 200)
    assert abs(math.remainder(math.degrees(crop.angle) - lean, 360)) < 1e-6


@pytest.mark.parametrize("quarters", [0, 1, 2])
def test_knees_that_were_made_up_turn_no_portrait(quarters: int) -> None:
    landmarks = np.tile([200.0, 200.0, 0.9], (33, 1))
    landmarks[list(BLAZEPOSE_COCO)] = standing(lean=90 * quarters + 15)
    knees = [25, 26]
    landmarks[knees, :2] = 400, 200
    landmarks[[23, 24, *knees], 2] = 0
    crop = lift_crop(landmarks, ALL)
    assert crop is not None and abs(math.remainder(math.degrees(crop.angle) - 90 * quarters, 360)) < 1e-6


def test_what_lies_beyond_the_photo_is_no_part_of_the_crop() -> None:
    landmarks = np.tile([200.0, 200.0, 0.9], (33, 1))
    landmarks[list(BLAZEPOSE_COCO)] = standing()
    crop = lift_crop(landmarks, (0, 0, SIZE, 250))  # cut off at the knees
    assert crop is not None and crop.centre[1] == pytest.approx(175)
    assert crop.side == pytest.approx(1.25 * 1.08 * 150)
    assert lift_crop(landmarks - (1000, 0, 0), (0, 0, SIZE, 1)) is None


def test_what_it_is_sure_of_is_lifted_where_it_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = standing(210, 190, lean=20)
    network = Networks(truth)
    (result,) = lift_landmarks([standing()], regressor(network, monkeypatch))
    assert result is not None
    np.testing.assert_allclose(result.mesh.keypoints, truth, atol=1e-3)
    assert result.confidence == pytest.approx(0.9)


def test_the_unsure_get_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful, unseen = standing(), standing()
    doubtful[:, 2], unseen[:, 2] = 0.6, 0.1
    network = Networks(doubtful)
    regress = regressor(network, monkeypatch)
    assert lift_landmarks([standing(), unseen], regress) == [None, None]
    assert network.lifted == 0
    assert lift_landmarks([unseen, standing()], regress, sure=0.5)[1] is not None
    assert lift_landmarks([], regress) == []


def test_the_doubted_are_seen_in_the_mirror_too(monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful, sure = standing(), standing()
    doubtful[:, 2], sure[:, 2] = 0.7, 0.8
    network = Networks(doubtful)
    regress = regressor(network, monkeypatch)
    (result,) = lift_landmarks([standing(203)], regress)
    assert [crop.mirrored for crop in network.crops] == [False, True]
    assert result is not None
    np.testing.assert_allclose(result.mesh.keypoints, doubtful, atol=1e-3)
    network.seen = sure
    assert lift_landmarks([standing()], regress)[0] is not None
    assert [crop.mirrored for crop in network.crops] == [False, True, False]
    assert lift_landmarks([standing()], regress, doubted=math.inf)[0] is not None
    assert [crop.mirrored for crop in network.crops[3:]] == [False, True]
    network.seen = doubtful
    assert lift_landmarks([standing()], regress, sure=0.71, doubted=math.inf) == [None]
    assert [crop.mirrored for crop in network.crops[5:]] == [False]


class Reader:
    """Tells of all bones that their ends are 10 cm farther away, and keeps what it was told."""

    seen: BonesSeen | None = None

    def __init__(self) -> None:
        self.looks: list[BonesSeen] = []

    def reads(self, local: np.ndarray, overall: np.ndarray) -> bool:
        return local.shape[-2:] == (29, 2)

    def __call__(self, seen: BonesSeen) -> np.ndarray:
        self.seen = seen
        return np.full((len(seen.numbers), len(COCO_BONES)), 0.1)


def test_depths_are_what_is_read_in_photo_pixels_and_none_of_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = standing(y=330)  # the ankles lie below the photo
    regress = regressor(Networks(cut), monkeypatch)
    assert lift_landmarks([cut], regress)[0].depths is None  # type: ignore[union-attr]
    regress.bones = reader = Reader()  # type: ignore[assignment]
    (result,) = lift_landmarks([cut], regress)
    assert result is not None and result.depths is not None and reader.seen is not None
    metre = FOCAL / 4  # pixels, where she stands
    told = 0.1 * metre * np.array([-1] * 5 + [-1.5, -0.5, -0.5, 0.5, 0.5, 1.5, -0.5, 0.5, 0.5, 1.5])
    assert result.depths[:15] == pytest.approx(told)
    assert np.isnan(result.depths[15:]).all()
    assert len(reader.seen.numbers) == 1


def test_who_is_seen_twice_is_read_twice_and_what_is_as_it_was_lifted_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read in the mirror is the other side's; a reader that changes nothing answers with both as lifted."""

    class Same(Reader):
        def __call__(self, seen: BonesSeen) -> np.ndarray:
            self.looks.append(seen)
            return seen.lifted

    class Deep(Networks):
        def lift(self, keypoints: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
            joints = np.random.default_rng(0).normal(0, 0.3, (1, 17, 3)).astype(np.float32)
            joints[:, [11, 12]] = [(0.1, 0, 0.05), (-0.1, 0, -0.05)]
            return meshes(keypoints)._replace(joints=joints)

    regress = regressor(Deep(standing()), monkeypatch)
    regress.bones = same = Same()  # type: ignore[assignment]
    (result,) = lift_landmarks([standing()], regress, doubted=math.inf)
    assert result is not None and result.depths is not None and len(same.looks) == 2
    pairs = COCO_BONES.index((13, 15)), COCO_BONES.index((14, 16))
    assert same.looks[0].lifted[0, pairs[0]] == same.looks[1].lifted[0, pairs[1]]
    deep = FOCAL / 4 * result.mesh.joints[:, 2]
    for start, end in COCO_BONES:
        if {start, end} != {5, 11} and {start, end} != {6, 12}:  # both sides of the trunk are one
            assert result.depths[end] - result.depths[start] == pytest.approx(deep[end] - deep[start], abs=1e-3)


def test_who_was_not_seen_at_all_is_looked_for_about_her_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a box that somebody drew: nothing that was seen contradicts."""
    network = Networks(standing())
    (found,) = lift_landmarks([standing(confidence=0.1)], regressor(network, monkeypatch), about=[BOX])
    assert found is not None and network.lifted == 1
