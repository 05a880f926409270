"""The real networks: numbers from TensorFlow.js's own run of the same files, and a drawn person."""

from __future__ import annotations

import copy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

import weights
from model.errors import BadCheckpoint, BadInput, WeightsMissing
from model.interfaces import DetectorOutputs
from model.network.backbones import backbone_names, build_backbone
from model.network.backbones.movenet import MoveNetThunder
from model.network.detectors.registry import PhotoDetector, load_detector
from model.perception.detection import Detection
from model.perception.people import PeopleSearch, detect_people
from tests.support.drawn_figure import COCO_LIMBS, JOINTS, background, draw_figure
from tests.support.drawn_hand import background as hand_background
from tests.support.drawn_hand import draw_hand
from weights.registry import brought_weights


def pattern(size: int) -> Tensor:
    """(1, 3, size, size): a picture made by formula, the input of the reference numbers."""
    y, x = np.mgrid[:size, :size].astype(np.int64)
    image = np.stack([(x * 3 + y * 5) % 256, (x * x // 7 + y * 2) % 256, ((x ^ y) * 2) % 256])
    return torch.from_numpy(image).float()[None]


# By @tensorflow/tfjs's CPU backend. A head: mean and standard deviation of all its values, then the values at
# (channel, row, column) = (0, 0, 0), (middle, n / 2, n / 3), (last, n - 1, n - 1) and (last, 5, n - 2).
THUNDER = {
    224: {
        "heatmap": (-5.1639, 1.2101, -4.2381, -4.1928, -4.3197, -5.5967),
        "center": (-4.4947, 0.7632, -5.1227, -3.2538, -4.4540, -6.2888),
        "displacement": (0.4356, 6.2277, -1.1328, -1.1390, 4.3736, 1.9142),
    },
    256: {
        "heatmap": (-5.3255, 1.2411, -4.1889, -4.5447, -3.4582, -4.8132),
        "center": (-4.5300, 0.8132, -5.1039, -2.8548, -3.5773, -4.6664),
        "displacement": (-0.0050, 6.1970, -1.1262, -2.5209, 4.2574, 0.5025),
    },
}
MULTIPOSE = {
    "heatmap": (-4.9622, 1.2951, -4.9526, -3.3589, -7.8618, -8.6238),
    "center": (-4.9455, 1.5997, -6.1123, -4.3642, -12.0526, -8.6370),
    "displacement": (0.3773, 4.8253, -1.5384, 4.3854, -2.3596, -3.9186),
    "offset": (0.5833, 0.7659, 0.9268, 1.6143, -1.4996, 0.7972),
    "box_offset": (0.4951, 0.1184, -0.0750, 0.5154, 1.2187, 0.5649),
    "box_size": (17.9849, 7.0234, 12.8529, 23.9135, -0.7532, 0.0487),
}


def summary(values: Tensor) -> list[float]:
    channels, size, _ = values.shape
    last = channels - 1
    cells = [(0, 0, 0), (last // 2, size // 2, size // 3), (last, size - 1, size - 1), (last, 5, size - 2)]
    return [values.mean().item(), values.std(correction=0).item(), *(values[cell].item() for cell in cells)]


@pytest.fixture(scope="module")
def thunder() -> MoveNetThunder:
    network = build_backbone("movenet-thunder", weights.path("movenet-thunder"))
    assert isinstance(network, MoveNetThunder)
    return network


@pytest.fixture(scope="module")
def detector() -> PhotoDetector:
    return load_detector("movenet-multipose", weights.path("movenet-multipose"))


@torch.inference_mode()
def detect(detector: PhotoDetector, image: np.ndarray, threshold: float = 0.2) -> list[Detection]:
    def find(images: np.ndarray) -> DetectorOutputs:
        return DetectorOutputs(*(head.numpy() for head in detector(torch.from_numpy(images))))

    return detect_people(find, image, PeopleSearch(threshold=threshold))


def as_crop(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].float()


def limb_peaks(heatmaps: Tensor) -> np.ndarray:
    """(12, 2) x, y in pixels of the limb joints' peaks, COCO's joints 5 to 16."""
    cells = heatmaps[0, 5:].flatten(1).argmax(1)
    side = heatmaps.shape[-1]
    return 4 * (torch.stack([cells % side, cells // side], 1) + 0.5).numpy()


@pytest.mark.parametrize("size", [224, 256])
@torch.inference_mode()
def test_thunder_gives_the_numbers_of_tfjs(thunder: MoveNetThunder, size: int) -> None:
    outputs = thunder.predict(pattern(size))
    assert outputs.heatmap.shape == (1, 17, size // 4, size // 4)
    for head, reference in THUNDER[size].items():
        assert summary(getattr(outputs, head)[0]) == pytest.approx(reference, abs=1e-3), head


@torch.inference_mode()
def test_multipose_gives_the_numbers_of_tfjs(detector: PhotoDetector) -> None:
    outputs = detector.network.predict(pattern(256))  # type: ignore[operator]
    for head, reference in MULTIPOSE.items():
        assert summary(getattr(outputs, head)[0]) == pytest.approx(reference, abs=1e-3), head


@torch.inference_mode()
def test_heatmaps_peak_at_a_drawn_persons_joints(thunder: MoveNetThunder) -> None:
    heatmaps = thunder(as_crop(draw_figure(background())))
    assert heatmaps[0, 5:].amax((1, 2)).min() > 0.3
    truth = np.array([JOINTS[name] for name in COCO_LIMBS])
    distance = np.linalg.norm(limb_peaks(heatmaps) - truth, axis=1)
    # Left and right are 24 px apart or more: a swapped pair cannot pass.
    assert distance.max() < 16 and np.median(distance) < 5


@pytest.mark.parametrize(("dx", "dy"), [(8, 0), (0, 8), (-8, -8)])
@torch.inference_mode()
def test_peaks_follow_a_person_who_moves(thunder: MoveNetThunder, dx: int, dy: int) -> None:
    """By the maps' centres of mass: the peaks themselves move in steps of a cell, 4 px.

    Half a cell is allowed: a network of stride 32 follows a move of 8 px only roughly, and the floor stays in place.
    """
    places = []
    for moved in ((0, 0), (dx, dy)):
        heatmaps = thunder(as_crop(draw_figure(background(), *moved)))[0, 5:]  # (12, 56, 56)
        cells = 4 * (torch.arange(56) + 0.5)
        mass = heatmaps.sum((1, 2))
        places.append(torch.stack([heatmaps.sum(1) @ cells / mass, heatmaps.sum(2) @ cells / mass], 1).numpy())
    assert np.median(places[1] - places[0], axis=0) == pytest.approx([dx, dy], abs=2)


@torch.inference_mode()
def test_only_the_person_in_the_middle_is_in_the_heatmaps(thunder: MoveNetThunder) -> None:
    crop = as_crop(draw_figure(draw_figure(background()), dx=80))
    ungated = thunder.predict(crop).heatmap.sigmoid()[0, 5:, :, 42:]
    gated = thunder(crop)
    assert (ungated.amax((1, 2)) > 0.3).sum() >= 6  # she sees the neighbour
    truth = np.array([JOINTS[name] for name in COCO_LIMBS])
    assert np.median(np.linalg.norm(limb_peaks(gated) - truth, axis=1)) < 6


def test_gradients_reach_every_parameter_that_heatmaps_depend_on() -> None:
    network = build_backbone("movenet-thunder", weights.path("movenet-thunder"))
    crop = as_crop(draw_figure(background())).requires_grad_()
    network(crop).sum().backward()
    assert crop.grad is not None and crop.grad.abs().sum() > 0
    for name, parameter in network.named_parameters():
        if not name.startswith(("heads.center", "heads.displacement")):  # they only choose where the gate is
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


BROUGHT = {name for network in brought_weights().values() for name in network.backbones}  # nobody has them here


@pytest.mark.parametrize("name", sorted({*backbone_names()} - BROUGHT))
@torch.inference_mode()
def test_every_backbone_keeps_the_contract(name: str) -> None:
    network = build_backbone(name, weights.path(name))
    picture = draw_figure(background()) if network.joints == 17 else draw_hand(hand_background())
    crops = torch.cat([as_crop(cv2.resize(picture, (224, 224))), pattern(224)])
    crops = torch.nn.functional.interpolate(crops, size=(network.input_size, network.input_size))
    heatmaps = network(crops)
    assert not network.training
    assert heatmaps.shape == (2, network.joints, network.heatmap_size, network.heatmap_size)
    assert heatmaps.dtype == torch.float32
    assert heatmaps.min() >= 0 and heatmaps.max() <= 1
    assert heatmaps[0].amax((1, 2)).median() > 0.3 > heatmaps[1].amax((1, 2)).median()  # somebody; nobody
    torch.testing.assert_close(heatmaps[:1], network(crops[:1]), atol=1e-4, rtol=1e-3)


def test_errors_of_build_backbone(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="movenet-thunder"):
        build_backbone("resnet")
    with pytest.raises(WeightsMissing, match=r"weights\.fetch"):
        build_backbone("movenet-thunder", tmp_path / "none.safetensors")
    with pytest.raises(BadCheckpoint, match="MoveNetThunder"):
        build_backbone("movenet-thunder", weights.path("movenet-multipose"))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(weights.path("movenet-thunder").read_bytes()[:1000])
    with pytest.raises(BadCheckpoint, match="broken"):
        load_detector("movenet-multipose", broken)


def test_the_detector_finds_two_people_in_image_pixels(detector: PhotoDetector) -> None:
    """Two people side by side in a wide image, so that scale, padding and box order all matter."""
    places = ((60, 10), (330, 30))
    image = background(260, 560)
    for dx, dy in places:
        draw_figure(image, dx, dy)
    people = sorted(detect(detector, image), key=lambda person: person.box[0])
    assert len(people) == 2
    for (dx, dy), person in zip(places, people, strict=True):
        truth = np.array([JOINTS[name] for name in COCO_LIMBS]) + np.array([dx, dy])
        assert np.median(np.linalg.norm(person.keypoints[5:, :2] - truth, axis=1)) < 8
        x, y, width, height = person.box  # the drawing spans x 66 to 158, y 22 to 207
        assert [x, y, x + width, y + height] == pytest.approx([dx + 66, dy + 22, dx + 158, dy + 207], abs=16)
        assert 0.2 <= person.score <= 1
    assert detect(detector, image, threshold=0.99) == []
    assert detect(detector, background()) == []


def test_a_neighbour_who_is_small_is_found_too(detector: PhotoDetector) -> None:
    """One person fills the image, another stands far behind: the first scale finds one, a finer one both."""
    image = cv2.resize(draw_figure(background()), None, fx=2.4, fy=2.4, interpolation=cv2.INTER_CUBIC)
    image = cv2.copyMakeBorder(image, 0, 0, 0, 300, cv2.BORDER_REPLICATE)
    small = cv2.resize(draw_figure(background()), None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA)
    image[300 : 300 + len(small), 640 : 640 + len(small)] = small
    people = detect(detector, image)
    assert len(people) == 2
    assert sorted(round(person.box[3] / 185, 1) for person in people) == pytest.approx([0.45, 2.4], abs=0.25)


def test_the_detector_takes_images_of_any_size(detector: PhotoDetector) -> None:
    for height, width in ((1, 1), (3, 700), (500, 2)):
        assert detect(detector, np.zeros((height, width, 3), np.uint8)) == []


def test_pixels_go_in_as_they_are(detector: PhotoDetector) -> None:
    """From (B, H, W, 3) uint8, at whatever precision the network runs, to float32."""
    images = torch.from_numpy(np.stack([draw_figure(background())] * 2))
    with torch.inference_mode():
        expected = detector.network.predict(as_crop(images[0].numpy()))  # type: ignore[operator]
        answer = detector(images)
        half = copy.deepcopy(detector).bfloat16()(images)
    for name in DetectorOutputs._fields:
        torch.testing.assert_close(getattr(answer, name)[1:], getattr(expected, name), atol=1e-3, rtol=1e-3)
        assert getattr(half, name).dtype == torch.float32
    torch.testing.assert_close(half.heatmap.sigmoid(), answer.heatmap.sigmoid(), atol=0.1, rtol=0)
