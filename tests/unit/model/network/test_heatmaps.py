"""Eq. 1, masking and reading heatmaps back."""

from __future__ import annotations

import math

import pytest
import torch

from model.network.heatmaps import CROP_SIZE, Peaks, draw_heatmaps, read_heatmaps, read_peaks
from training.bodies.subject import BODY
from training.synthesis.corruption import HeatmapCorruption, corrupt_and_draw, mask_heatmaps
from training.synthesis.true_joints import TrueJoints


def test_equation_1_by_hand() -> None:
    # A joint at the centre of pixel (x 100, y 50); 3 pixels to its right exp(-9 / 9), 1 right and 2 down exp(-5 / 9).
    heatmap = draw_heatmaps(torch.tensor([[[100.5, 50.5]]]))[0, 0]
    assert heatmap.shape == (224, 224)
    assert heatmap[50, 100].item() == pytest.approx(1.0)
    assert heatmap[50, 103].item() == pytest.approx(math.exp(-1), rel=1e-5)
    assert heatmap[52, 101].item() == pytest.approx(math.exp(-5 / 9), rel=1e-5)


def test_coarse_grid_samples_the_same_function() -> None:
    joints = torch.tensor([[[61.7, 140.2], [10.0, 222.0]]])
    coarse = draw_heatmaps(joints, 56)
    y, x = 35, 15  # cell i's centre is pixel 4 (i + 0.5)
    expected = math.exp(-((4 * (x + 0.5) - 61.7) ** 2 + (4 * (y + 0.5) - 140.2) ** 2) / 9)
    assert coarse[0, 0, y, x].item() == pytest.approx(expected, rel=1e-4)


def test_height_and_width_belong_to_each_joint() -> None:
    joints = torch.full((1, 2, 2), 112.5)
    drawn = draw_heatmaps(joints, 224, sigma=torch.tensor([[3.0, 6.0]]), height=torch.tensor([[1.0, 0.5]]))
    assert drawn[0, :, 112, 112].tolist() == pytest.approx([1.0, 0.5])
    assert drawn[0, :, 112, 118].tolist() == pytest.approx([math.exp(-4), 0.5 * math.exp(-1)], rel=1e-4)


@pytest.mark.parametrize("size", [56, 224])
def test_reading_finds_the_drawn_joint(size: int) -> None:
    generator = torch.Generator().manual_seed(0)
    joints = 20 + 184 * torch.rand(8, 17, 2, generator=generator)
    readout = read_heatmaps(draw_heatmaps(joints, size, sigma=5.0, height=0.6))
    found = (readout.position + 1) * CROP_SIZE / 2
    assert (found - joints).norm(dim=-1).max() < 0.3  # pixels
    assert readout.peak.min() > 0.4


def test_empty_map_reads_as_zeros() -> None:
    features = read_heatmaps(torch.zeros(1, 3, 56, 56)).features()
    assert torch.isfinite(features).all()
    assert features.abs().max() < 1e-3


def test_reading_passes_gradients() -> None:
    heatmaps = draw_heatmaps(torch.tensor([[[80.0, 90.0]]]), 56, 5.0).requires_grad_()
    read_heatmaps(heatmaps).position.sum().backward()
    assert heatmaps.grad is not None and heatmaps.grad.abs().max() > 0


def test_masking_hides_whole_joints_and_no_other() -> None:
    heatmaps = torch.rand(2, 3, 8, 8)
    masked = mask_heatmaps(heatmaps, torch.tensor([[True, False, False], [False, False, True]]))
    assert masked[0, 0].eq(0).all() and masked[1, 2].eq(0).all()
    assert torch.equal(masked[0, 1:], heatmaps[0, 1:]) and torch.equal(masked[1, :2], heatmaps[1, :2])


def test_corruption_repeats_from_its_seed_and_spares_clean_samples() -> None:
    joints = torch.rand(16, 17, 2) * 200 + 12
    visible = torch.ones(16, 17, dtype=torch.bool)

    def draw(corruption: HeatmapCorruption) -> torch.Tensor:
        truth = TrueJoints(joints, visible, joints)
        return corrupt_and_draw(truth, BODY, corruption, 56, torch.Generator().manual_seed(5)).maps

    wild = HeatmapCorruption()
    assert torch.equal(draw(wild), draw(wild))
    clean = draw(HeatmapCorruption(clean=1.0, noise=0.0, masked=0.0))
    torch.testing.assert_close(clean, draw_heatmaps(joints, 56))


def test_joints_outside_of_the_photo_have_no_peak_in_clean_samples() -> None:
    visible = torch.ones(4, 17, dtype=torch.bool)
    visible[:, 13:] = False
    joints = torch.full((4, 17, 2), 102.0)
    clean, truth = HeatmapCorruption(clean=1.0, noise=0, masked=0), TrueJoints(joints, visible, joints)
    drawn = corrupt_and_draw(truth, BODY, clean, 56, torch.Generator().manual_seed(0)).maps
    assert drawn[:, 13:].eq(0).all() and drawn[:, :13].amax(dim=(-2, -1)).min() > 0.5


def test_peaks_are_read_without_drawing_them() -> None:
    generator = torch.Generator().manual_seed(0)

    def peaks(left: float, right: float) -> Peaks:
        at = torch.rand(64, 17, 2, generator=generator) * torch.tensor([right - left, 240.0])
        sigma, height = (torch.rand(64, 17, generator=generator) for _ in range(2))
        return Peaks(at + torch.tensor([left, -8.0]), 2.5 + 9.5 * sigma, height)

    first, second = peaks(-8, 70), peaks(154, 232)  # too far apart to overlap; some are a little outside
    drawn = [draw_heatmaps(part.at, 56, part.sigma, part.height) for part in (first, second)]
    one = read_heatmaps(drawn[0]).features()
    torch.testing.assert_close(read_peaks(first, 56, 12.0).features(), one, atol=1e-3, rtol=0)
    both = read_heatmaps(torch.maximum(*drawn)).features()
    assert (both - one).abs().max() > 0.5
    torch.testing.assert_close(read_peaks(first, 56, 12.0, second).features(), both, atol=1e-3, rtol=0)
