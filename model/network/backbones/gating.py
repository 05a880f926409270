"""Keeps, of heatmaps that answer to everyone in a crop, the peaks of the one person in its middle."""

from __future__ import annotations

import torch
from torch import Tensor

# Where the centre of a person (the middle of the trunk) lies in a crop about that person's box: mean and standard
# deviation, as parts of the crop's height and width; and a floor, for crops that are far off. On crowds this finds
# the person whom the crop is of far more often than MoveNet's own 1 / (distance to the middle + 1.8).
_CENTER_ROW, _CENTER_ROW_SIGMA = 0.45, 0.09
_CENTER_COLUMN, _CENTER_COLUMN_SIGMA = 0.5, 0.055
_CENTER_FLOOR = 0.01
# Cells. How far a joint's peak is from the place expected for it, and the width of the gate about it: wide beside a
# peak's own sigma (about 1.3), narrow beside the distance between two people.
_JOINT_SIGMA = 4.0


def gate_to_subject(heatmaps: Tensor, centers: Tensor, displacements: Tensor) -> Tensor:
    """Multiplies each joint's map by a Gaussian about the peak that belongs to the subject.

    The subject's centre is the best person centre near the middle of the grid; from its cell the network says where
    each joint should be; the joint's peak is the best one near that place. Which cells were chosen is not
    differentiated, the heatmaps are.

    Args:
        heatmaps: (B, K, h, w) in 0..1.
        centers: (B, 1, h, w) in 0..1, where people's centres are.
        displacements: (B, 2 K, h, w) in cells: dy, dx of joint 0, dy, dx of joint 1 ... seen from each cell.

    Returns:
        (B, K, h, w) in 0..1, never above `heatmaps`.
    """
    batch, joints, height, width = heatmaps.shape
    rows = torch.arange(height, device=heatmaps.device, dtype=heatmaps.dtype).view(-1, 1)
    columns = torch.arange(width, device=heatmaps.device, dtype=heatmaps.dtype)

    def gaussian_about(row: Tensor, column: Tensor) -> Tensor:
        """(B, K) places in cells -> (B, K, h, w)."""
        squared = (rows - row[..., None, None]) ** 2 + (columns - column[..., None, None]) ** 2
        return torch.exp(-squared / (2 * _JOINT_SIGMA**2))

    with torch.no_grad():
        row_deviation = ((rows + 0.5) / height - _CENTER_ROW) / _CENTER_ROW_SIGMA
        column_deviation = ((columns + 0.5) / width - _CENTER_COLUMN) / _CENTER_COLUMN_SIGMA
        prior = torch.exp(-(row_deviation**2 + column_deviation**2) / 2) + _CENTER_FLOOR  # (h, w)
        center = (centers * prior).flatten(1).argmax(1)  # (B,)
        # (B, 2 K, h w) -> the chosen cell's (B, K, 2)
        chosen = center.view(-1, 1, 1).expand(-1, 2 * joints, 1)
        expected = displacements.flatten(2).gather(2, chosen).view(batch, joints, 2)
        expected_row = expected[..., 0] + (center // width).unsqueeze(1)
        expected_column = expected[..., 1] + (center % width).unsqueeze(1)
        peak = (heatmaps * gaussian_about(expected_row, expected_column)).flatten(2).argmax(2)  # (B, K)
        gate = gaussian_about(peak // width, peak % width)
    return heatmaps * gate
