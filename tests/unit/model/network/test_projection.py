"""Virtual cameras, weak perspective, crops and the way back to the photo."""

from __future__ import annotations

import math

import pytest
import torch

from model.network.projection import (
    from_crop,
    project_weak_perspective,
    smallest_rotation,
    square_crop,
    to_crop,
)
from training.synthesis.virtual_cameras import look_at, sample_cameras


def test_a_level_camera_sees_up_as_up_and_right_as_right() -> None:
    zero = torch.zeros(1)
    rotation = look_at(zero, zero, zero)[0]
    world = torch.eye(3)  # +x, +y, +z (up)
    seen = world @ rotation.T
    expected = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # right, forward, up is -y
    torch.testing.assert_close(seen, expected)


def test_a_raised_camera_looks_down() -> None:
    rotation = look_at(torch.zeros(1), torch.tensor([math.radians(30)]), torch.zeros(1))[0]
    # The camera's own place, in the world: behind (-y) and above (+z) the origin.
    place = rotation.T @ torch.tensor([0.0, 0.0, -1.0])
    assert place.tolist() == pytest.approx([0, -math.cos(math.radians(30)), 0.5], abs=1e-6)


@pytest.mark.parametrize("views", [None, 4])
def test_sampled_cameras_are_rotations_with_the_head_up(views: int | None) -> None:
    cameras = sample_cameras(256, torch.Generator().manual_seed(0), views)
    eye = cameras.rotation @ cameras.rotation.transpose(1, 2)
    torch.testing.assert_close(eye, torch.eye(3).expand(256, 3, 3), atol=1e-5, rtol=0)
    assert torch.linalg.det(cameras.rotation).min() > 0.999
    up = cameras.rotation @ torch.tensor([0.0, 0.0, 1.0])
    assert (up[:, 1] < -0.7).all()
    if views == 4:
        assert torch.unique(cameras.rotation.round(decimals=4), dim=0).shape[0] == 4
        assert (up[:, 2] < 0).all()  # above head height: the camera looks down, so up leans towards it


def test_cameras_from_anywhere_see_the_body_from_all_sides_evenly() -> None:
    cameras = sample_cameras(4096, torch.Generator().manual_seed(0), anywhere=1.0)
    up = cameras.rotation @ torch.tensor([0.0, 0.0, 1.0])
    assert up.mean(dim=0).abs().max() < 0.05  # no direction is favoured,
    assert (up.square().mean(dim=0) - 1 / 3).abs().max() < 0.03  # nor any axis
    few = sample_cameras(4096, torch.Generator().manual_seed(0), anywhere=0.1)
    tumbled = (few.rotation[:, 1, 2] > -0.5).float().mean()
    assert 0.05 < tumbled < 0.1


def test_weak_perspective_by_hand() -> None:
    points = torch.tensor([[[0.5, -1.0, 3.0]]])
    projected = project_weak_perspective(points, torch.tensor([[0.8, 0.1, -0.2]]))
    assert projected.flatten().tolist() == pytest.approx([0.5, -1.0])


def test_crop_and_back() -> None:
    crop = square_crop(torch.tensor([[100.0, 50.0, 40.0, 80.0]]))
    assert crop.tolist() == [[120.0, 90.0, 100.0]]
    corner = torch.tensor([[[70.0, 40.0], [170.0, 140.0], [120.0, 90.0]]])
    inside = to_crop(corner, crop)
    torch.testing.assert_close(inside, torch.tensor([[[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]]]))
    torch.testing.assert_close(from_crop(inside, crop), corner)


def test_smallest_rotation_moves_only_in_the_plane_of_both() -> None:
    source, target = torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1.0, 0])
    rotation = smallest_rotation(source, target)
    torch.testing.assert_close(rotation @ source, target)
    torch.testing.assert_close(rotation @ torch.tensor([0.0, 0, 1]), torch.tensor([0.0, 0, 1]))
