"""BlazePose: numbers from TensorFlow.js's own runs of the same files, and a drawn person."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import weights
from model.errors import BadCheckpoint
from model.explain import explain_person
from model.interfaces import LANDMARKS
from model.joints import BLAZEPOSE_COCO, COCO_JOINTS
from model.network.backbones import build_backbone
from model.network.backbones.blazepose import BlazePose, BlazePoseHeavy
from model.network.heatmaps import CROP_SIZE
from model.reconstructor import Reconstructor
from tests.integration.test_movenet import as_crop, pattern, summary
from tests.support.drawn_figure import COCO_LIMBS, JOINTS, background, draw_figure

# By @tensorflow/tfjs's CPU backend, of `pattern(256)`: as THUNDER in test_movenet.py, after the sigmoid; and x, y, z
# and the two logits of some landmarks.
HEATMAPS = {
    "heavy": (0.01264, 0.03177, 0.0, 0.03432, 0.0, 0.0),
    "full": (0.00525, 0.01077, 0.0, 0.00882, 0.00124, 0.0004),
    "lite": (0.01424, 0.03093, 0.00001, 0.01199, 0.00002, 0.00091),
}
POINTS = {
    "heavy": {
        0: (129.374, 72.816, -44.075, -2.609, -3.082),
        28: (116.297, 187.715, 87.267, -6.141, -5.584),
        34: (134.791, 42.371, -0.980, -16.581, 17.103),
    },
    "full": {
        0: (129.744, 122.067, -84.560, 4.802, 6.595),
        28: (136.983, 148.718, 145.695, -0.620, 4.134),
        34: (123.265, 49.415, 0.152, -19.650, 18.953),
    },
    "lite": {
        0: (132.692, 85.205, 4.647, 1.855, 3.357),
        28: (133.852, 166.704, 91.180, -2.185, 4.889),
        34: (138.255, 48.573, -0.486, -17.616, 17.998),
    },
}

# Likewise of the mask's 256 x 256 pixels, as one channel.
MASKS = {
    "heavy": (0.07889, 0.24424, 0.03731, 0.0, 0.00224, 0.0),
    "full": (0.0, 0.00001, 0.0, 0.0, 0.00059, 0.0),
    "lite": (0.03328, 0.13642, 0.0, 0.0, 0.00765, 0.0),
}


@pytest.fixture(scope="module")
def blazepose() -> BlazePoseHeavy:
    network = build_backbone("blazepose-heavy", weights.path("blazepose-heavy"))
    assert isinstance(network, BlazePoseHeavy)
    return network


def drawn(dx: int = 0) -> Tensor:
    """A person who fills half of a crop of 256 pixels, as the network was trained."""
    return as_crop(draw_figure(background(256, 256), 16 + dx, 16))


@pytest.mark.parametrize("size", HEATMAPS)
@torch.inference_mode()
def test_it_gives_the_numbers_of_tfjs(size: str) -> None:
    network = build_backbone(f"blazepose-{size}", weights.path(f"blazepose-{size}"))
    assert isinstance(network, BlazePose)
    heatmaps, points, mask = network.raw(pattern(256))
    assert heatmaps.shape == (1, 39, 64, 64) and points.shape == (1, 39, 5)
    assert summary(heatmaps[0]) == pytest.approx(HEATMAPS[size], abs=1e-4)
    assert summary(mask) == pytest.approx(MASKS[size], abs=1e-4)
    for landmark, expected in POINTS[size].items():
        assert points[0, landmark].tolist() == pytest.approx(expected, abs=1e-2)


@torch.inference_mode()
def test_a_mask_of_half_the_size_is_nearly_the_same(blazepose: BlazePoseHeavy) -> None:
    whole, half = blazepose.raw(drawn())[2], blazepose.raw(drawn(), half=True)[2]
    person, other = torch.nn.functional.avg_pool2d(whole, 2) > 0.5, half > 0.5
    assert (person & other).sum() > 0.9 * (person | other).sum() > 0


@torch.inference_mode()
def test_landmarks_lie_on_a_drawn_persons_joints(blazepose: BlazePoseHeavy) -> None:
    out = blazepose.predict(drawn())
    coco = list(BLAZEPOSE_COCO)
    assert out.points.shape == (1, 39, 2) and out.peaks.shape == (1, 39)
    truth = np.array([JOINTS[name] for name in COCO_LIMBS]) + 16
    away = np.linalg.norm(out.points[0, coco[5:]].numpy() - truth, axis=1)
    assert np.median(away) < 6 and away.max() < 16  # left and right are 24 px apart or more
    assert out.peaks[0, coco].mean() > 0.6
    assert out.mask.shape == (1, 128, 128)
    x, y = (out.points[0, [11, 12, 23, 24]] / 2).long().T  # shoulders and hips
    assert (out.mask[0, y, x] > 0.5).all() and out.mask[0, :, :8].mean() < 0.01


@torch.inference_mode()
def test_heatmaps_peak_at_the_landmarks_as_high_as_their_channels(blazepose: BlazePoseHeavy) -> None:
    out, heatmaps = blazepose.predict(drawn()), blazepose(drawn())
    cells = heatmaps[0].flatten(1).argmax(1)
    places = torch.stack([cells % 56, cells // 56], 1) + 0.5  # (17, 2), cells of 4 of the crop's 224 pixels
    coco = list(BLAZEPOSE_COCO)
    expected = out.points[0, coco] * (CROP_SIZE / 256 / 4)
    assert (places - expected).abs().max() <= 0.5 + 1e-3
    assert len(coco) == len(COCO_JOINTS)
    heights = heatmaps[0].amax((1, 2))
    assert (heights <= out.peaks[0, coco] + 1e-6).all() and (heights > 0.3 * out.peaks[0, coco]).all()


def test_a_sure_heatmap_refines_its_landmark_and_an_unsure_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cell i is at pixel 4 i; the window is 4 cells on either side of the landmark's own."""
    network = BlazePoseHeavy().eval()
    heatmaps, points = torch.zeros(1, 39, 64, 64), torch.full((1, 39, 5), 101.0)  # all in cell 25, 25
    heatmaps[0, 0, 24, 27], heatmaps[0, 0, 24, 29] = 0.5, 0.5  # row 24 is y = 96; columns 27 and 29: x = 112
    heatmaps[0, 0, 24, 30] = 0.9  # beyond the window
    heatmaps[0, 1, 24, 27] = 0.4
    rows = torch.arange(8.0)[:, None].expand(8, 8)  # a map of 8 x 8 cells, each of 32 pixels, that tells the row
    maps, last = [torch.stack([rows, rows.T])[None]], torch.arange(6.0)[None]
    monkeypatch.setattr(network, "_run", lambda *_, **__: (heatmaps, points, torch.zeros(1, 128, 128), maps, last))
    out = network.predict(torch.zeros(1, 3, 256, 256))
    assert out.local.shape == (1, 29, 2) and out.overall.tolist() == [[0, 1, 2, 3, 4, 5]]
    assert out.local[0, 0].tolist() == pytest.approx([96 / 32 - 0.5, 112 / 32 - 0.5])  # the middle of a cell counts
    assert out.local[0, 17].tolist() == pytest.approx([101 / 32 - 0.5] * 2)
    assert out.points[0, 0].tolist() == pytest.approx([112, 96])
    assert out.points[0, 1].tolist() == [101, 101]
    assert out.peaks[0, :3].tolist() == pytest.approx([0.9, 0.4, 0])


def test_another_networks_file_is_refused() -> None:
    with pytest.raises(BadCheckpoint, match="BlazePose"):
        build_backbone("blazepose-heavy", weights.path("movenet-thunder"))


@pytest.fixture(scope="module")
def reconstructor(load: Callable[..., Reconstructor]) -> Reconstructor:
    return load(device="cpu", engine="torch")


def test_who_it_is_sure_of_is_lifted_from_its_joints(reconstructor: Reconstructor) -> None:
    """And others by the backbone; what explains them shows the heatmaps that the mesh network saw."""
    photo = draw_figure(background(256, 256), 16, 16)
    truth = np.array([JOINTS[name] for name in COCO_LIMBS]) + 16
    (person,) = reconstructor.reconstruct(photo)
    assert person.landmarks_2d is not None and person.landmarks_2d.shape == (33, 3)
    np.testing.assert_allclose(person.landmarks_2d[list(BLAZEPOSE_COCO)], person.keypoints_2d, atol=1e-3)
    assert np.median(np.linalg.norm(person.keypoints_2d[5:, :2] - truth, axis=1)) < 6
    assert np.median(np.linalg.norm(person.camera.project(person.joints)[5:] - truth, axis=1)) < 10
    insight = explain_person(reconstructor, photo, person)
    cells = insight.heatmaps.reshape(17, -1).argmax(axis=1)
    peaks = insight.crop.to_photo(4 * (np.stack([cells % 56, cells // 56], axis=1) + 0.5), 224)
    assert (
        np.abs(peaks - person.keypoints_2d[:, :2]).max() < 3 * insight.crop.side / 224 + 1e-3
    )  # half a cell's diagonal

    never = Reconstructor(reconstructor.network)
    never.landmarks_from = 2.0
    (other,) = never.reconstruct(photo)
    assert other.landmarks_2d is None
    assert np.median(np.linalg.norm(other.joints - person.joints, axis=1)) < 0.15
    assert not Reconstructor.load(device="cpu", engine="torch", landmarks=False).network.info.lifts


def test_who_is_in_the_dark_is_seen_as_in_the_light(reconstructor: Reconstructor) -> None:
    """And explained so; the overlay is drawn over the photo as it is."""
    photo = draw_figure(background(256, 256), 16, 16)
    dark = photo // 12
    (lit,) = reconstructor.reconstruct(photo, mesh="raw")
    found = reconstructor.reconstruct(dark, mesh="raw")
    (person,) = found
    assert np.abs(person.keypoints_2d - lit.keypoints_2d)[5:, :2].mean() < 4
    assert found.photo is dark
    assert explain_person(reconstructor, dark, person).picture.max() > 200


@pytest.mark.parametrize(
    ("people", "options", "few", "sights"),
    [(1, {}, 4, 2), (1, {"twice": False}, 4, 1), (1, {}, 0, 1), (4, {}, 4, 8), (5, {}, 4, 5)],
)
def test_few_people_are_seen_twice_and_a_crowd_once(
    people: int,
    options: dict[str, bool],
    few: int,
    sights: int,
    reconstructor: Reconstructor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, seen = reconstructor.network, 0
    assert reconstructor.seen_twice == 4
    monkeypatch.setattr(reconstructor, "seen_twice", few)
    detect = network.detect

    def counted(name: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
        nonlocal seen
        seen += len(images) * (name == LANDMARKS)
        return detect(name, images)

    monkeypatch.setattr(network, "detect", counted)
    photo = draw_figure(background(256, 256), 16, 16)
    boxes = [(x, 0.0, 200.0, 256.0) for x in range(20, 20 + people)]
    assert len(reconstructor.reconstruct(photo, boxes=boxes, **options)) == people
    assert seen == sights
