"""MediaPipe's hand networks: numbers from TensorFlow.js's own run of the same files, and a drawn hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

import weights
from model.network.backbones import build_backbone
from model.network.backbones.base import load_weights
from model.network.backbones.handlandmark import HandLandmarkNet
from model.network.detectors.mediapipe_palm import PalmDetector
from model.network.detectors.registry import PhotoDetector
from model.network.heatmaps import read_heatmaps
from tests.integration.test_movenet import pattern
from tests.support.drawn_hand import JOINTS, SIZE, background, draw_hand

# By @tensorflow/tfjs's CPU backend on `pattern`: the first and the last joint and the mean; for an anchor of each level
# its cell's middle, then the score, the box, the first and the last point, relative to that middle.
LANDMARKS = {
    "points": (95.2683, 169.0966, -0.0000, 94.5473, 88.5373, 2.5977, 69.3543),
    "presence": 0.021199,
    "right": 0.566994,
}
PALMS = {
    233: ((164.0, 28.0), (-6.6111, 0.3956, 0.1132, 18.9985, 18.9985, 0.7510, -1.8702, 5.1514, 0.0546)),
    2344: ((72.0, 152.0), (-351.9051, -4.2013, 4.0407, 77.7044, 77.7070, -8.4175, -4.9656, -20.3636, -2.0893)),
    2816: ((80.0, 176.0), (-28.8715, -10.8827, 7.7578, 125.4258, 124.5967, 4.6112, 51.7119, 16.3045, 6.8491)),
}


@pytest.fixture(scope="module")
def landmarks() -> HandLandmarkNet:
    network = build_backbone("handlandmark-full", weights.path("handlandmark-full"))
    assert isinstance(network, HandLandmarkNet)
    return network


@pytest.fixture(scope="module")
def palms() -> PalmDetector:
    detector = PalmDetector()
    load_weights(detector, weights.path("handdetect"))
    return detector.eval()


def crop_of(image: np.ndarray, size: int = 224) -> np.ndarray:
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)


def as_batch(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()


@torch.inference_mode()
def test_landmarks_are_the_numbers_of_tfjs(landmarks: HandLandmarkNet) -> None:
    out = landmarks.predict(pattern(224))
    assert out.points.shape == (1, 21, 3)
    places = [*out.points[0, 0].tolist(), *out.points[0, 20].tolist(), out.points.mean().item()]
    assert places == pytest.approx(LANDMARKS["points"], abs=1e-3)
    assert out.presence.item() == pytest.approx(LANDMARKS["presence"], abs=1e-5)
    assert out.right.item() == pytest.approx(LANDMARKS["right"], abs=1e-5)


@torch.inference_mode()
def test_palms_are_the_numbers_of_tfjs(palms: PalmDetector) -> None:
    """Tfjs gives places relative to each anchor's cell; the cells' middles are worked out by hand here."""
    out = palms.predict(pattern(256))
    assert out.scores.shape == (1, 2944) and out.boxes.shape == (1, 2944, 4) and out.points.shape == (1, 2944, 7, 2)
    for anchor, (middle, reference) in PALMS.items():
        score, *place = reference
        assert out.scores[0, anchor].item() == pytest.approx(score, abs=1e-3)
        found = [*(out.boxes[0, anchor, :2] - torch.tensor(middle)), *out.boxes[0, anchor, 2:]]
        found += [
            *(out.points[0, anchor, 0] - torch.tensor(middle)),
            *(out.points[0, anchor, 6] - torch.tensor(middle)),
        ]
        assert [value.item() for value in found] == pytest.approx(place, abs=1e-3)


@torch.inference_mode()
def test_the_joints_of_a_drawn_hand(landmarks: HandLandmarkNet) -> None:
    out = landmarks.predict(as_batch(crop_of(draw_hand(background()))))
    error = np.linalg.norm(out.points[0, :, :2].numpy() - JOINTS * (224 / SIZE), axis=1)
    assert np.median(error) < 4 and error.max() < 16  # fingers are 20 px apart: two that are exchanged cannot pass
    assert out.presence.item() > 0.9 and out.right.item() > 0.9


@torch.inference_mode()
def test_a_mirrored_right_hand_is_a_left_one(landmarks: HandLandmarkNet) -> None:
    out = landmarks.predict(as_batch(crop_of(draw_hand(background()))[:, ::-1]))
    assert out.presence.item() > 0.9 and out.right.item() < 0.1


@torch.inference_mode()
def test_without_a_hand_presence_and_peaks_are_low(landmarks: HandLandmarkNet) -> None:
    for picture in (as_batch(crop_of(background())), pattern(224)):
        assert landmarks.predict(picture).presence.item() < 0.1
        assert landmarks(picture).max().item() < 0.2


@torch.inference_mode()
def test_peaks_are_drawn_where_the_joints_are(landmarks: HandLandmarkNet) -> None:
    """Fingers end beyond the middle of their tips, which the network marks, and the wrist is below its crease."""
    crops = as_batch(crop_of(draw_hand(background(), scale=0.8)))
    heatmaps, points = landmarks(crops)[0], landmarks.predict(crops).points[0, :, :2]
    cells = heatmaps.flatten(1).argmax(1)
    peaks = 4 * (torch.stack([cells % 56, cells // 56], 1) + 0.5)
    moved = peaks - points
    same = [3, 6, 7, 10, 11, 14, 15, 18, 19]  # half a cell
    assert moved[same].abs().max() <= 2.0
    tip, wrist = points[12] + 0.34 * (points[12] - points[11]), points[0] + 0.14 * (points[0] - points[9])
    assert (peaks[12] - tip).abs().max() <= 2.0 and (peaks[0] - wrist).abs().max() <= 2.0
    assert moved[12, 1] < -2 and moved[0, 1] > 5
    assert 0.5 < heatmaps.max().item() <= 1


@torch.inference_mode()
def test_the_refined_crop_covers_the_hand_alone(landmarks: HandLandmarkNet) -> None:
    """The same joints, in a square about them: a third larger than their box."""
    crops = as_batch(crop_of(draw_hand(background(), scale=0.6)))
    whole, (part, squares) = read_heatmaps(landmarks(crops)), landmarks.detect(crops)
    middle, half = squares[:, None, :2], squares[:, None, 2:]
    back = read_heatmaps(part).position * half + middle
    torch.testing.assert_close(back, whole.position, atol=0.025, rtol=0)  # two thirds of a cell of the whole
    extent = (whole.position.amax(dim=1) - whole.position.amin(dim=1)).amax()
    assert squares[0, 2].item() * 2 / extent.item() == pytest.approx(1.37, abs=0.03)


def test_gradients_reach_every_parameter_that_heatmaps_depend_on() -> None:
    network = build_backbone("handlandmark-full", weights.path("handlandmark-full"))
    network(as_batch(crop_of(draw_hand(background())))).square().sum().backward()
    for name, parameter in network.named_parameters():
        # Handedness is asked before the crop is cut, and presence fades only hands that are doubtful.
        if not name.startswith(("handedness", "presence")):
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@torch.inference_mode()
def test_the_palm_of_a_drawn_hand(palms: PalmDetector) -> None:
    image = crop_of(draw_hand(background(), scale=0.6), 256)
    out = palms.predict(as_batch(image))
    best = out.scores[0].argmax()
    assert out.scores[0, best].sigmoid() > 0.5
    joints = (JOINTS - SIZE / 2) * 0.6 * 256 / SIZE + 128
    expected = joints[[0, 5, 9, 13, 17, 1, 2]]
    off = np.linalg.norm(out.points[0, best].numpy() - expected, axis=1)
    assert off[1:5].max() < 8 and off.max() < 24  # the knuckles tell the direction; the drawing's wrist is a long one
    x, y, width, height = out.boxes[0, best].tolist()
    assert abs(x - expected[:, 0].mean()) < 16 and abs(y - expected[:, 1].mean()) < 24
    assert 20 < width < 60 and width == pytest.approx(height, abs=2)


@torch.inference_mode()
def test_pixels_go_in_as_they_are(landmarks: HandLandmarkNet, palms: PalmDetector) -> None:
    image = draw_hand(background(), scale=0.6)
    crop = crop_of(image)
    for found, expected in (
        (PhotoDetector(landmarks)(torch.from_numpy(crop)[None]), landmarks.predict(as_batch(crop))),
        (PhotoDetector(palms)(torch.from_numpy(image)[None]), palms.predict(as_batch(image))),
    ):
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
