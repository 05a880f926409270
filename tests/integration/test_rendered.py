"""Rendered people: exact truth, the same picture for the same number, and people whom a pose network recognises."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import weights
from model.errors import BadData
from model.network.backbones import build_backbone
from model.network.heatmaps import HeatmapReadout, read_heatmaps
from model.network.placement import fit_weak_perspective, to_camera_space
from model.network.projection import to_crop
from model.network.topology import MeshTopology
from training.bodies.anny import AnnyBody
from training.images.rendered.appearance import (
    BOTTOM,
    HAIR,
    SHOES,
    SKIN,
    TOP,
    Surface,
    colours,
    draw_appearance,
    regions,
)
from training.images.rendered.config import RenderConfig
from training.images.rendered.dataset import RenderedPeople
from training.images.sample import ImageSample, collate, look_at_root

PLAIN = RenderConfig(
    cut_off=0, near_edge=0, occluded=0, company=0, crop_scale=(1.25, 1.25), crop_shift=0, full_vertices=True
)


def _poses(count: int = 48) -> torch.Tensor:
    """People who stand or step, their arms anywhere from hanging to half up."""
    generator = torch.Generator().manual_seed(0)
    pose = 0.12 * torch.randn(count, 22, 3, generator=generator)
    pose[:, 0] = torch.tensor([torch.pi / 2, 0, 0])
    pose[:, 16, 2] -= 1.1 * torch.rand(count, generator=generator)
    pose[:, 17, 2] += 1.1 * torch.rand(count, generator=generator)
    pose[:, 18, 1] -= 1.2 * torch.rand(count, generator=generator)
    pose[:, 19, 1] += 1.2 * torch.rand(count, generator=generator)
    pose[:, 1, 0] -= 0.5 * torch.rand(count, generator=generator)
    pose[:, 4, 0] = 0.5 * torch.rand(count, generator=generator)
    return pose


@pytest.fixture(scope="module")
def plain(body: AnnyBody, topology: MeshTopology) -> RenderedPeople:
    return RenderedPeople(body, topology, _poses(), PLAIN, seed=5)


@pytest.fixture(scope="module")
def samples(plain: RenderedPeople) -> list[ImageSample]:
    return [plain[i] for i in range(24)]


def test_a_sample_is_a_function_of_seed_and_number(body: AnnyBody, topology: MeshTopology) -> None:
    one, other = (RenderedPeople(body, topology, _poses(), seed=3, length=9) for _ in range(2))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    forwards = [one[i] for i in range(4)]
    torch.set_num_threads(2)
    backwards = [other[i] for i in (3, 2, 1, 0)][::-1]
    torch.set_num_threads(threads)
    for a, b in zip(forwards, backwards, strict=True):
        assert a.name == b.name and torch.equal(a.image, b.image)
        assert a.vertices is not None and b.vertices is not None and torch.equal(a.vertices, b.vertices)
    assert not torch.equal(forwards[0].image, forwards[1].image)
    assert not torch.equal(RenderedPeople(body, topology, _poses(), seed=4, length=9)[0].image, forwards[0].image)
    assert len(one) == 9
    for index in (-1, 9):
        with pytest.raises(IndexError):
            one[index]


def test_truth_holds_together(samples: list[ImageSample], topology: MeshTopology) -> None:
    for sample in samples[:8]:
        assert sample.image.shape == (3, 224, 224) and sample.image.dtype == torch.uint8
        full, joints = sample.full_vertices, sample.joints
        assert full is not None and joints is not None and sample.vertices is not None
        assert torch.equal(sample.vertices, full[topology.coarse])
        torch.testing.assert_close(topology.joint_regressor @ full, joints, atol=5e-5, rtol=0)
        assert topology.root(joints[None]).abs().max() < 1e-5
        assert sample.camera is not None and sample.translation is not None and sample.joints_2d is not None
        placed = joints @ look_at_root(sample.translation).T + sample.translation
        expected = sample.camera[0] * placed[:, :2] / placed[:, 2:] + sample.camera[1:]
        torch.testing.assert_close(sample.joints_2d, expected, atol=0.01, rtol=0)
        assert 1.3 < np.ptp(full.numpy(), axis=0).max() < 2.4  # metres


def test_truth_is_what_placing_undoes(samples: list[ImageSample]) -> None:
    """The truth in its axes and the camera that projects it best: `to_camera_space` puts it back into the scene."""
    for sample in samples[:8]:
        assert sample.joints is not None and sample.joints_2d is not None
        assert sample.camera is not None and sample.translation is not None
        pixels, side = sample.joints_2d, 224.0
        crop, joints = torch.tensor([[side / 2, side / 2, side]]), sample.joints[None]
        root = sample.camera[0] * sample.translation[:2] / sample.translation[2] + sample.camera[1:]
        scale = fit_weak_perspective(joints, to_crop(pixels[None], crop))[:, :1]
        weak = torch.cat([scale, to_crop(root[None, None], crop)[:, 0]], dim=1)
        seen = HeatmapReadout(to_crop(pixels[None], crop), *torch.ones(3, 1, 17))
        placed = to_camera_space(joints, joints, weak, seen, crop, sample.camera[None])
        expected = sample.joints @ look_at_root(sample.translation).T
        torch.testing.assert_close(placed.joints[0], expected, atol=2e-4, rtol=0)
        torch.testing.assert_close(placed.translation[0], sample.translation, atol=0.2, rtol=0.02)


def test_the_crop_is_square_about_the_box_and_the_camera_looks_at_its_middle(samples: list[ImageSample]) -> None:
    for sample in samples[:8]:
        assert sample.camera is not None and sample.translation is not None and sample.full_vertices is not None
        turn = look_at_root(sample.translation)
        placed = (sample.full_vertices @ turn.T + sample.translation).numpy()
        pixels = sample.camera[0].item() * placed[:, :2] / placed[:, 2:] + sample.camera[1:].numpy()
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        assert (high - low).max() == pytest.approx(224 / 1.25, abs=0.1)
        assert (low + high) / 2 == pytest.approx([112, 112], abs=0.1)
        assert sample.camera[1:].numpy() == pytest.approx([112, 112], abs=4)


@torch.inference_mode()
def test_a_pose_network_finds_the_joints(samples: list[ImageSample], topology: MeshTopology) -> None:
    network = build_backbone("movenet-thunder", weights.path("movenet-thunder"))
    batch = collate(samples, topology.coarse_count)
    found = (read_heatmaps(network(batch.crops())).position + 1) * 112
    error = (found - batch.joints_2d).norm(dim=-1)[batch.joints_visible]
    assert error.median() < 3.5  # pixels
    assert (error < 0.05 * 224).float().mean() > 0.93


def test_faces_are_visible_from_the_front_only(samples: list[ImageSample]) -> None:
    front, back = [], []
    for sample in samples:
        assert sample.joints is not None and sample.joints_visible is not None
        ahead = float(sample.joints[3:5, 2].mean() - sample.joints[0, 2])  # the nose before the ears
        (front if ahead > 0.06 else back if ahead < -0.06 else []).append(bool(sample.joints_visible[0]))
    assert len(front) > 3 and len(back) > 3
    assert np.mean(front) > 0.8 and not any(back)


def test_edges_and_occluders_hide_joints_whose_places_stay_known(body: AnnyBody, topology: MeshTopology) -> None:
    def seen(**changes: object) -> tuple[float, list[ImageSample]]:
        people = RenderedPeople(body, topology, _poses(), dataclasses.replace(PLAIN, **changes), seed=1, length=8)
        taken = list(people)
        return float(np.mean([s.joints_visible.float().mean() for s in taken if s.joints_visible is not None])), taken

    usual, _ = seen()
    cut, taken = seen(cut_off=1.0)
    assert cut < usual - 0.1 and seen(occluded=1.0)[0] < usual - 0.02
    for sample in taken:
        assert sample.joints_2d is not None and sample.joints_visible is not None
        assert sample.joints_2d_valid is None  # all are known
        black = (sample.image == 0).all(dim=0)
        at = sample.joints_2d.floor().long()
        inside = ((at >= 0) & (at < 224)).all(dim=1)
        assert not sample.joints_visible[~inside].any()
        assert black.sum() > 224 * 10  # what is beyond the photo's edge
        assert not black[at[inside, 1], at[inside, 0]][sample.joints_visible[inside]].any()


def test_backgrounds_come_from_a_folder(body: AnnyBody, topology: MeshTopology, tmp_path: Path) -> None:
    config = dataclasses.replace(PLAIN, photos=tmp_path)
    with pytest.raises(BadData, match="holds no photo"):
        RenderedPeople(body, topology, _poses(), config)
    (tmp_path / "below").mkdir()
    green = np.zeros((40, 300, 3), np.uint8)
    green[..., 1] = 200
    cv2.imwrite(str(tmp_path / "below" / "green.png"), green)
    picture = RenderedPeople(body, topology, _poses(), config)[0].image.float()
    corners = picture[:, [0, 0, -1, -1], [0, -1, 0, -1]].median(dim=1).values
    assert corners[1] > 90 > 60 > corners[[0, 2]].max()
    (tmp_path / "below" / "green.png").write_bytes(b"no photo")
    with pytest.raises(BadData, match=r"green\.png"):
        RenderedPeople(body, topology, _poses(), config)[0]


def test_a_data_loader_makes_batches(plain: RenderedPeople, topology: MeshTopology) -> None:
    def together(made: list[ImageSample]):  # type: ignore[no-untyped-def]
        return collate(made, topology.coarse_count)

    batch = next(iter(DataLoader(plain, batch_size=3, collate_fn=together)))
    assert batch.images.shape == (3, 3, 224, 224) and batch.vertices.shape == (3, topology.coarse_count, 3)
    assert batch.vertices_valid.all() and batch.full_vertices.shape == (3, 13718, 3)


def test_clothes_are_where_people_wear_them(topology: MeshTopology) -> None:
    surface = Surface(topology)
    rng = np.random.default_rng(0)
    joints = surface.joints
    outwards = np.array([0, 0, -0.1], np.float32)
    nearest = {
        name: np.linalg.norm(surface.rest - place, axis=1).argmin()
        for name, place in {
            "crown": joints[3:5].mean(axis=0) + np.array([0, -0.12, 0]),
            "cheek": (joints[0] + joints[3]) / 2,
            "chest": (joints[5] + joints[6]) / 2 + [0, 0.2, -0.1],
            "thigh": (joints[11] + 0.3 * (joints[13] - joints[11])) + outwards,
            "sole": joints[15] + [0, 0.09, -0.05],
            "hand": joints[9] + [0.1, 0, 0],
        }.items()
    }
    worn = {name: [] for name in nearest}
    for _ in range(60):
        appearance = draw_appearance(rng)
        region = regions(appearance, surface, surface.rest)
        for name, vertex in nearest.items():
            worn[name].append(region[vertex])
        painted = colours(appearance, surface, surface.rest, region)
        assert np.isfinite(painted).all() and painted.min() >= 0 and painted.max() < 400
        skin = painted[nearest["hand"]]
        assert skin == pytest.approx(appearance.skin)
    share = {name: np.bincount(found, minlength=6) / 60 for name, found in worn.items()}
    assert share["crown"][HAIR] > 0.85 and share["chest"][TOP] > 0.85 and share["sole"][SHOES] > 0.8
    assert share["thigh"][[BOTTOM, TOP]].sum() > 0.6 and share["hand"][SKIN] == 1 and share["cheek"][SKIN] > 0.7
