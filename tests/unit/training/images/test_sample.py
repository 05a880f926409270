"""The record of an image with whatever truth it has, and batches of such records."""

from __future__ import annotations

import dataclasses

import torch

from training.images.sample import ImageSample, collate, look_at_root
from training.losses import mpt_loss


def image(value: int = 0) -> torch.Tensor:
    return torch.full((3, 8, 8), value, dtype=torch.uint8)


def full_sample() -> ImageSample:
    generator = torch.Generator().manual_seed(0)
    return ImageSample(
        name="a/1",
        image=image(1),
        vertices=torch.randn(5, 3, generator=generator),
        full_vertices=torch.randn(9, 3, generator=generator),
        joints=torch.randn(17, 3, generator=generator),
        joints_2d=8 * torch.rand(17, 2, generator=generator),
        joints_visible=torch.ones(17, dtype=torch.bool),
        camera=torch.tensor([10.0, 4, 4]),
        translation=torch.tensor([0.0, 0, 3]),
    )


def test_a_batch_keeps_what_is_known_and_marks_what_is_not() -> None:
    full = full_sample()
    flat = ImageSample("coco/7", image(2), joints_2d=torch.full((17, 2), 4.0), joints_2d_valid=torch.arange(17) < 3)
    batch = collate([full, flat, ImageSample("nothing", image(3))], coarse_count=5)
    assert len(batch) == 3 and batch.names == ("a/1", "coco/7", "nothing")
    assert batch.images.dtype == torch.uint8 and batch.images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert batch.crops().dtype == torch.float32 and batch.crops().max() == 3
    assert full.vertices is not None and torch.equal(batch.vertices[0], full.vertices)
    assert batch.vertices_valid.tolist() == [[True], [False], [False]]
    assert batch.joints_valid.sum(dim=1).tolist() == [17, 0, 0]
    assert batch.joints_2d_valid.sum(dim=1).tolist() == [17, 3, 0]
    assert batch.joints_visible.sum(dim=1).tolist() == [17, 0, 0]
    assert batch.full_vertices is None and batch.camera is None and batch.translation is None
    both = collate([full, full], coarse_count=5)
    assert both.full_vertices is not None and both.full_vertices.shape == (2, 9, 3)
    assert both.camera is not None and both.translation is not None


def test_unknown_places_that_are_nan_do_not_spread() -> None:
    joints = torch.zeros(17, 3)
    joints[4] = torch.nan
    batch = collate([ImageSample("x", image(), joints=joints, joints_valid=torch.arange(17) != 4)], coarse_count=5)
    assert torch.isfinite(batch.joints).all() and not batch.joints_valid[0, 4]


def test_truth_is_what_the_losses_take() -> None:
    """Crop pixels become -1..1; joints far beside the crop, and unknown ones, cost nothing."""
    full = full_sample()
    assert full.joints_2d is not None and full.vertices is not None and full.joints is not None
    places = full.joints_2d.clone()
    places[0], places[1], places[2] = torch.tensor([0.0, 8.0]), torch.tensor([11.9, 4.0]), torch.tensor([12.1, 4.0])
    truth = collate([dataclasses.replace(full, joints_2d=places), ImageSample("n", image())], 5).truth()
    assert truth.joints_2d[0, 0].tolist() == [-1.0, 1.0]
    assert truth.joints_2d_valid is not None
    assert truth.joints_2d_valid[0, :3].tolist() == [True, True, False] and not truth.joints_2d_valid[1].any()
    vertices = torch.stack([full.vertices, torch.full((5, 3), 7.0)])
    joints = torch.stack([full.joints, torch.full((17, 3), 7.0)])
    terms = mpt_loss(vertices, joints, torch.rand(2, 3), torch.rand(17, 5), truth)
    assert terms["vertices"] == 0 and terms["joints"] == 0  # the second sample's wrong answer is not held against it
    assert terms["projection"] > 0 and torch.isfinite(terms["loss"])


def test_a_batch_moves_to_a_device() -> None:
    batch = collate([full_sample()], coarse_count=5).to("meta")
    assert batch.images.device.type == batch.joints_visible.device.type == "meta"
    assert batch.camera is not None and batch.camera.device.type == "meta" and batch.names == ("a/1",)


def test_a_camera_turns_to_the_root_the_shortest_way():
    """A root at 45 degrees to the right: its ray becomes the optical axis, and what is up stays up."""
    turn = look_at_root(torch.tensor([2.0, 0.0, 2.0]))
    h = 2**-0.5
    torch.testing.assert_close(turn, torch.tensor([[h, 0.0, h], [0.0, 1.0, 0.0], [-h, 0.0, h]]))
    torch.testing.assert_close(torch.tensor([h, 0.0, h]) @ turn, torch.tensor([0.0, 0.0, 1.0]))
    torch.testing.assert_close(look_at_root(torch.tensor([[0.0, 0.0, 5.0]]))[0], torch.eye(3))
