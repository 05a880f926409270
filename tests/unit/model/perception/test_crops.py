"""Crops into photos: what is cut, and the way from the network's answer back to the photo."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.interfaces import CameraSpaceMeshes
from model.network import projection
from model.perception.crops import Crop, cut_crop, square_crop, upright_crop

CENTRE = (320.0, 240.0)
FOCAL = 700.0
VIEWS = [Crop((300.0, 200.0), 90.0, angle, mirrored) for angle in (0.0, 0.7, np.pi / 2, -2.5) for mirrored in (0, 1)]


def dot(x: int, y: int) -> np.ndarray:
    """A photo that is black but for a soft dot in the middle of a pixel."""
    rows, columns = np.mgrid[:480, :640]
    peak = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)
    return np.repeat((255 * peak)[..., None], 3, axis=2).astype(np.uint8)


def middle(image: np.ndarray) -> np.ndarray:
    """(2,) x, y of the light's centre, pixel centres at 0.5."""
    light = image[..., 0].astype(float)
    rows, columns = np.mgrid[: len(light), : len(light)] + 0.5
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


@pytest.mark.parametrize("crop", VIEWS)
@pytest.mark.parametrize("size", [224, 60])
def test_what_is_cut_lies_where_the_view_says(crop: Crop, size: int) -> None:
    image = dot(315, 190)
    cut = crop.cut(image, size)
    assert cut.shape == (size, size, 3)
    assert crop.to_photo(middle(cut)[None], size)[0] == pytest.approx([315.5, 190.5], abs=0.15)


@pytest.mark.parametrize("angle", [0.0, 0.6, 2.2])
def test_a_strong_reduction_does_not_shift(angle: float) -> None:
    """Averages blocks first, of a turned square's whole reach."""
    crop = Crop((330.0, 230.0), 600.0, angle)
    image = np.zeros((480, 640, 3), np.uint8)
    image[300:340, 400:440] = 255
    assert crop.to_photo(middle(crop.cut(image, 64))[None], 64)[0] == pytest.approx([420, 320], abs=0.5)


def test_up_in_the_view_is_where_the_angle_points() -> None:
    """A crop turned by 90 degrees clockwise has the photo's right on its upper side; mirrored, that stays."""
    for mirrored in (False, True):
        crop = Crop(CENTRE, 100.0, np.pi / 2, mirrored)
        assert crop.to_photo(np.array([[50.0, 0.0]]), 100)[0] == pytest.approx([370, 240])
    assert Crop(CENTRE, 100.0, 0.0, True).to_photo(np.array([[100.0, 50.0]]), 100)[0] == pytest.approx([270, 240])


@pytest.mark.parametrize("angle", [0.0, 0.6, np.pi])
def test_what_is_outside_of_a_box_is_hidden(angle: float) -> None:
    photo = np.full((480, 640, 3), 255, np.uint8)
    box = (300.0, 200.0, 60.0, 80.0)
    seen = Crop((320.0, 230.0), 150.0, angle, within=box).cut(photo, 300)
    open_, hidden = (seen == 255).all(axis=2), (seen == 128).all(axis=2)
    assert (open_ | hidden).all()
    assert open_.sum() == pytest.approx(60 * 80 * (300 / 150) ** 2, rel=0.01)
    rows, columns = np.nonzero(open_)
    places = Crop((320.0, 230.0), 150.0, angle).to_photo(np.column_stack([columns, rows]) + 0.5, 300)
    assert places.min(axis=0) == pytest.approx([300, 200], abs=0.5)
    assert places.max(axis=0) == pytest.approx([360, 280], abs=0.5)


def answer(crop: Crop) -> tuple[CameraSpaceMeshes, np.ndarray]:
    """A network's answer for a crop, consistent with its camera, and the crop's crop."""
    random = np.random.default_rng(1)
    joints = random.uniform(-0.1, 0.1, (21, 3)).astype(np.float32)
    x, y, side = crop.to_upright(CENTRE)
    translation = np.array([(x - CENTRE[0]) / FOCAL, (y - CENTRE[1]) / FOCAL, 1.0], np.float32)
    weak = np.array([2 * FOCAL / side, 0.02, -0.03], np.float32)
    placed = joints + translation
    keypoints = np.column_stack([FOCAL * placed[:, :2] / placed[:, 2:] + CENTRE, np.ones(21)]).astype(np.float32)
    return CameraSpaceMeshes(joints, joints, keypoints, translation, weak), np.array([x, y, side])


@pytest.mark.parametrize("crop", VIEWS)
def test_the_way_back_keeps_projection_and_shape(crop: Crop) -> None:
    there, (x, y, side) = answer(crop)
    back = crop.uncrop(there, CENTRE)
    placed = back.joints + back.translation
    projected = FOCAL * placed[:, :2] / placed[:, 2:] + CENTRE
    np.testing.assert_allclose(projected, back.keypoints[:, :2], atol=1e-2)
    # A keypoint of the turned photo, seen through the crop, is that of the photo.
    in_cut = (there.keypoints[:, :2] - (x, y)) / side * 100 + 50
    np.testing.assert_allclose(crop.to_photo(in_cut, 100), back.keypoints[:, :2], atol=1e-2)
    # Distances stay; a mirrored hand has the other orientation.
    np.testing.assert_allclose(np.linalg.norm(back.joints, axis=1), np.linalg.norm(there.joints, axis=1), rtol=1e-5)
    assert np.sign(np.linalg.det(back.joints[:3]) / np.linalg.det(there.joints[:3])) == (-1 if crop.mirrored else 1)


@pytest.mark.parametrize("crop", VIEWS)
def test_weak_perspective_moves_to_the_crop_of_the_box(crop: Crop) -> None:
    there, _ = answer(crop)
    back = crop.uncrop(there, CENTRE)
    weakly_there = (there.weak_perspective[0] * there.joints[:, :2] + there.weak_perspective[1:]) * 50 + 50
    box = (270.0, 150.0, 60.0, 80.0)
    scale, *shift = crop.weak_perspective(back.weak_perspective, box)
    square = upright_crop(box)
    weakly = (scale * back.joints[:, :2] + shift) * square.side / 2 + square.centre
    np.testing.assert_allclose(weakly, crop.to_photo(weakly_there, 100), atol=1e-3)


def test_an_upright_view_is_left_as_it_is() -> None:
    crop = upright_crop((100.0, 50.0, 40.0, 80.0))
    there, square = answer(crop)
    assert crop.uncrop(there, CENTRE) is there
    assert tuple(square) == (120, 90, 100)
    assert crop.weak_perspective(there.weak_perspective, (100.0, 50.0, 40.0, 80.0)) == pytest.approx(
        there.weak_perspective
    )


def test_crops_are_those_that_training_cuts() -> None:
    boxes = [(10.0, 20.0, 30.0, 80.0), (-5.0, 0.0, 300.5, 200.0)]
    expected = projection.square_crop(torch.tensor(boxes))
    torch.testing.assert_close(torch.tensor([square_crop(box) for box in boxes]), expected)


@pytest.mark.parametrize("side", [90.0, 224.0, 500.0, 760.0])
def test_crops_keep_places(side: float) -> None:
    """A white dot at the crop's quarter point is at the quarter of the crop, at any scale."""
    image = np.zeros((900, 900, 3), np.uint8)
    x, y = 400.0 - side / 4, 450.0 - side / 4
    ys, xs = np.mgrid[:900, :900] + 0.5
    image[np.hypot(xs - x, ys - y) < max(2.5, side / 40)] = 255
    crop = cut_crop(image, (400.0, 450.0, side), 224)[..., 0].astype(float)
    assert crop.shape == (224, 224) and crop.max() > 100
    ys, xs = np.mgrid[:224, :224] + 0.5
    assert (crop * xs).sum() / crop.sum() == pytest.approx(56, abs=0.7)
    assert (crop * ys).sum() / crop.sum() == pytest.approx(56, abs=0.7)
