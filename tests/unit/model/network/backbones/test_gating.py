"""Gating on maps made by hand: two people side by side, of whom the one in the middle survives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.network.backbones.gating import gate_to_subject

SIZE = 56
# Centre cell (row, column) of each person, and where joints 0 and 1 are from there.
MIDDLE, ASIDE = (29, 26), (27, 46)
JOINTS = ((-10, 2), (12, -3))


def blob(places: list[tuple[int, int]], height: float = 0.8, sigma: float = 1.1) -> Tensor:
    """(SIZE, SIZE) with a Gaussian at each place."""
    rows, columns = torch.arange(SIZE).view(-1, 1), torch.arange(SIZE)
    peaks = [torch.exp(-((rows - r) ** 2 + (columns - c) ** 2) / (2 * sigma**2)) for r, c in places]
    return height * torch.stack(peaks).amax(0)


def joint(person: tuple[int, int], index: int) -> tuple[int, int]:
    return person[0] + JOINTS[index][0], person[1] + JOINTS[index][1]


@pytest.fixture
def maps() -> tuple[Tensor, Tensor, Tensor]:
    """Heatmaps, centres and displacements with both people; the one aside is the more visible."""
    heatmaps = torch.stack([torch.maximum(blob([joint(MIDDLE, k)], 0.5), blob([joint(ASIDE, k)], 0.9)) for k in (0, 1)])
    centers = torch.maximum(blob([MIDDLE], 0.6), blob([ASIDE], 0.9))
    displacements = torch.tensor(JOINTS, dtype=torch.float32).view(4, 1, 1).expand(4, SIZE, SIZE)
    return heatmaps[None], centers[None, None], displacements[None]


def peak(heatmap: Tensor) -> tuple[int, int]:
    cell = int(heatmap.argmax())
    return cell // SIZE, cell % SIZE


def test_only_the_person_in_the_middle_survives(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    gated = gate_to_subject(*maps)[0]
    for k in (0, 1):
        assert peak(maps[0][0, k]) == joint(ASIDE, k)  # before
        assert peak(gated[k]) == joint(MIDDLE, k)
        assert gated[k].max() == pytest.approx(0.5)  # the peak itself keeps its height
        row, column = joint(ASIDE, k)
        assert gated[k, row - 3 : row + 4, column - 3 : column + 4].max() < 1e-4


def test_a_faint_person_in_the_middle_beats_a_clear_neighbour(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    heatmaps, _, displacements = maps
    centers = torch.maximum(blob([MIDDLE], 0.05), blob([(MIDDLE[0], MIDDLE[1] + 12)], 0.9))[None, None]
    gated = gate_to_subject(heatmaps, centers, displacements)[0]
    assert [peak(gated[k]) for k in (0, 1)] == [joint(MIDDLE, k) for k in (0, 1)]


def test_someone_alone_is_found_even_far_from_the_middle(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    heatmaps, _, displacements = maps
    gated = gate_to_subject(heatmaps, blob([ASIDE], 0.9)[None, None], displacements)[0]
    assert [peak(gated[k]) for k in (0, 1)] == [joint(ASIDE, k) for k in (0, 1)]


def test_the_peak_near_the_expected_place_is_found_though_displacements_are_rough(
    maps: tuple[Tensor, Tensor, Tensor],
) -> None:
    heatmaps, centers, displacements = maps
    gated = gate_to_subject(heatmaps, centers, displacements + 3)[0]
    assert [peak(gated[k]) for k in (0, 1)] == [joint(MIDDLE, k) for k in (0, 1)]


def test_a_joint_without_evidence_has_a_low_map(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    heatmaps, centers, displacements = maps
    heatmaps = torch.stack([heatmaps[0, 0], torch.full((SIZE, SIZE), 0.01)])[None]
    assert gate_to_subject(heatmaps, centers, displacements)[0, 1].max() <= 0.01


def test_items_of_a_batch_do_not_see_each_other(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    flipped = (maps[0].flip(3), maps[1].flip(3), maps[2] * torch.tensor([1, -1, 1, -1]).view(4, 1, 1))
    batch = gate_to_subject(*(torch.cat(pair) for pair in zip(maps, flipped, strict=True)))
    torch.testing.assert_close(batch[:1], gate_to_subject(*maps))
    torch.testing.assert_close(batch[1:], gate_to_subject(*flipped))


def test_the_gate_only_lowers_and_passes_gradients_to_the_heatmaps(maps: tuple[Tensor, Tensor, Tensor]) -> None:
    heatmaps = maps[0].clone().requires_grad_()
    gated = gate_to_subject(heatmaps, *maps[1:])
    assert (gated <= heatmaps).all() and (gated >= 0).all()
    gated.sum().backward()
    assert heatmaps.grad is not None
    row, column = joint(MIDDLE, 0)
    assert heatmaps.grad[0, 0, row, column] == 1  # d gated / d heatmap is the gate, 1 at its peak
    assert heatmaps.grad[0, 0, row, column + 4] == pytest.approx(2.718281828**-0.5)  # one sigma away
