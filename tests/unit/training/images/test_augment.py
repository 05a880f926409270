"""Augmentation: what changes in the picture changes in the truth; twice mirrored is what it was."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from model.network.checkpoint import load_checkpoint
from model.network.topology import MeshTopology
from model.runtime.loading import default_checkpoint
from training.images.augment import Augmentation, AugmentConfig, mirrored, moved
from training.images.batches import ImageSource
from training.images.mesh_mirror import MeshMirror
from training.images.sample import ImageSample, look_at_root

SIZE = 160
FLIP = torch.tensor([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def topology() -> MeshTopology:
    return load_checkpoint(default_checkpoint()).topology


def sample_of(topology: MeshTopology, seed: int = 0) -> ImageSample:
    """Somebody beside the camera's axis: joints and coarse vertices of the stretched resting body, discs on joints."""
    generator = torch.Generator().manual_seed(seed)
    stretch = torch.eye(3) + 0.15 * torch.randn(3, 3, generator=generator)
    vertices = topology.template[topology.coarse] @ stretch.T
    joints = topology.joint_regressor @ topology.template @ stretch.T
    joints = joints + 0.02 * torch.randn(17, 3, generator=generator)
    vertices, joints = (points - joints[[11, 12]].mean(dim=0) for points in (vertices, joints))
    translation = torch.tensor([0.8, -0.3, 4.0])
    places = joints @ look_at_root(translation).T + translation
    camera = torch.tensor([250.0, 30.0, 95.0])
    seen = camera[0] * places[:, :2] / places[:, 2:] + camera[1:]
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    for number, (x, y) in enumerate(seen.tolist()):
        colour = (80 + 10 * number, 250 - 10 * number, 100)
        cv2.circle(image, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 40, colour, -1, shift=4)
    return ImageSample(
        name="x",
        image=torch.from_numpy(image.transpose(2, 0, 1).copy()),
        vertices=vertices,
        joints=joints,
        joints_valid=torch.arange(17) != 3,
        joints_2d=seen,
        joints_2d_valid=torch.arange(17) != 6,
        joints_visible=torch.arange(17) != 9,
        camera=camera,
        translation=translation,
    )


def projected(sample: ImageSample) -> torch.Tensor:
    assert sample.joints is not None and sample.camera is not None and sample.translation is not None
    places = sample.joints @ look_at_root(sample.translation).T + sample.translation
    return sample.camera[0] * places[:, :2] / places[:, 2:] + sample.camera[1:]


def at(image: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """The pixels (K, 3) in which points lie."""
    column, row = points.floor().long().unbind(dim=-1)
    return image[:, row, column].T.float()


@pytest.mark.parametrize("seed", range(5))
def test_joints_still_project_to_where_they_are(topology: MeshTopology, seed: int) -> None:
    augmentation = Augmentation(topology, AugmentConfig(mirrored=0.5, turned=1, turn=60))
    before = sample_of(topology, seed)
    after = augmentation(before, np.random.default_rng(seed))
    assert after.joints_2d is not None and after.image.shape == before.image.shape and after.image.dtype == torch.uint8
    torch.testing.assert_close(projected(after), after.joints_2d, atol=0.02, rtol=0)
    again = augmentation(before, np.random.default_rng(seed))
    assert torch.equal(again.image, after.image) and torch.equal(again.joints_2d, after.joints_2d)  # type: ignore[arg-type]


def test_the_picture_moves_with_the_truth(topology: MeshTopology) -> None:
    before = sample_of(topology)
    after = moved(before, 0.4, 1.1, (3.0, -5.0))
    assert before.joints_2d is not None and after.joints_2d is not None
    inside = ((after.joints_2d > 3) & (after.joints_2d < SIZE - 3)).all(dim=-1)
    assert inside.sum() > 10
    colours = at(before.image, before.joints_2d)[inside]
    torch.testing.assert_close(at(after.image, after.joints_2d)[inside], colours, atol=12, rtol=0)
    assert after.joints_visible is not None and not (after.joints_visible & ~inside).any()
    # Turned by a quarter, what was to the right is below, in 2D and in 3D.
    quarter = moved(before, np.pi / 2, 1.0, (0.0, 0.0))
    assert before.joints is not None and quarter.joints is not None and quarter.joints_2d is not None
    torch.testing.assert_close(quarter.joints[:, 1], before.joints[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(quarter.joints_2d[:, 1], before.joints_2d[:, 0], atol=1e-4, rtol=0)
    assert torch.equal(moved(before, 0.0, 1.0, (0.0, 0.0)).image, before.image)


def test_a_mirror_swaps_left_and_right(topology: MeshTopology) -> None:
    mirror, before = MeshMirror(topology), sample_of(topology)
    after = mirrored(before, mirror)
    assert after.joints is not None and before.joints is not None and before.joints_2d is not None
    torch.testing.assert_close(after.joints[5], before.joints[6] * FLIP)  # the left shoulder was the right one
    torch.testing.assert_close(projected(after), after.joints_2d, atol=1e-3, rtol=0)
    assert after.joints_2d is not None and after.joints_visible is not None
    torch.testing.assert_close(at(after.image, after.joints_2d)[10], at(before.image, before.joints_2d)[9])
    assert not after.joints_visible[10] and after.joints_visible[9]
    assert after.joints_valid is not None and not after.joints_valid[4]
    assert after.joints_2d_valid is not None and not after.joints_2d_valid[5]

    twice = mirrored(after, mirror)
    for field in ("image", "joints", "joints_valid", "joints_2d", "joints_2d_valid", "joints_visible", "translation"):
        torch.testing.assert_close(getattr(twice, field), getattr(before, field))
    assert twice.vertices is not None and before.vertices is not None
    assert (twice.vertices - before.vertices).norm(dim=-1).mean() < 0.002


def test_the_mesh_is_mirrored_with_the_joints(topology: MeshTopology) -> None:
    """The resting body, stretched by A, becomes the resting body stretched by A's mirror image."""
    mirror = MeshMirror(topology)
    assert mirror.known
    coarse = topology.template[topology.coarse]
    stretch = torch.eye(3) + 0.2 * torch.randn(3, 3, generator=torch.Generator().manual_seed(1))
    expected = coarse @ (torch.diag(FLIP) @ stretch @ torch.diag(FLIP)).T
    distance = (mirror(coarse @ stretch.T) - expected).norm(dim=-1)
    assert distance.mean() < 0.003 and distance.max() < 0.03
    assert (coarse @ stretch.T - expected).norm(dim=-1).mean() > 0.05


def test_without_a_counterpart_the_mesh_is_left_out(topology: MeshTopology) -> None:
    crooked = replace(topology, template=topology.template * torch.where(topology.template > 0, 1.3, 1.0))
    mirror = MeshMirror(crooked)
    assert not mirror.known
    after = mirrored(sample_of(topology), mirror)
    assert after.vertices is None and after.joints is not None


def test_occluders_hide_joints(topology: MeshTopology) -> None:
    still = AugmentConfig(mirrored=0, turned=0, scale=0, shift=0, occluded=1, photographed=False)
    augmentation, before = Augmentation(topology, still), sample_of(topology)
    assert before.joints_2d is not None and before.joints_visible is not None
    hidden = 0
    for seed in range(10):
        after = augmentation(before, np.random.default_rng(seed))
        assert after.joints_visible is not None
        same = (at(after.image, before.joints_2d) == at(before.image, before.joints_2d)).all(dim=-1)
        assert (after.joints_visible == before.joints_visible & same).all()
        hidden += int((before.joints_visible & ~after.joints_visible).sum())
    assert hidden > 5


def test_samples_know_only_what_they_know(topology: MeshTopology) -> None:
    bare = ImageSample("bare", sample_of(topology).image)
    for seed in range(4):
        after = Augmentation(topology)(bare, np.random.default_rng(seed))
        assert all(value is None for key, value in vars(after).items() if key not in ("name", "image"))


def test_a_source_draws_the_same_changes_from_the_same_seed(topology: MeshTopology) -> None:
    samples: list[ImageSample] = [sample_of(topology, seed) for seed in range(3)]
    source = ImageSource(samples, topology, Augmentation(topology))  # type: ignore[arg-type]
    draws = [source.draw(4, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert draws[0].crops is not None and draws[1].crops is not None and draws[2].crops is not None
    assert torch.equal(draws[0].crops, draws[1].crops) and not torch.equal(draws[0].crops, draws[2].crops)
    assert torch.equal(draws[0].truth.vertices, draws[1].truth.vertices)
