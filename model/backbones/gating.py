"""Keeps, of heatmaps that answer to everyone in a crop, the peaks of the one person in its middle."""

from __future__ import annotations

import torch
from torch import Tensor

_NEARNESS = 1.8  # cells; MoveNet weighs evidence by 1 / (distance + 1.8)
_GATE_SIGMA = 4.0  # cells; wide beside a peak (about 1.1), narrow beside the distance between two people


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

    with torch.no_grad():
        middle = torch.hypot(rows - height // 2, columns - width // 2)
        center = (centers / (middle + _NEARNESS)).flatten(1).argmax(1)  # (B,)
        # (B, 2 K, h w) -> the chosen cell's (B, K, 2)
        chosen = center.view(-1, 1, 1).expand(-1, 2 * joints, 1)
        expected = displacements.flatten(2).gather(2, chosen).view(batch, joints, 2)
        expected_row = (expected[..., 0] + (center // width).unsqueeze(1)).view(batch, joints, 1, 1)
        expected_column = (expected[..., 1] + (center % width).unsqueeze(1)).view(batch, joints, 1, 1)
        distance = torch.hypot(rows - expected_row, columns - expected_column)  # (B, K, h, w)
        peak = (heatmaps / (distance + _NEARNESS)).flatten(2).argmax(2)  # (B, K)
        peak_row = (peak // width).view(batch, joints, 1, 1)
        peak_column = (peak % width).view(batch, joints, 1, 1)
        squared = (rows - peak_row) ** 2 + (columns - peak_column) ** 2
        gate = torch.exp(-squared / (2 * _GATE_SIGMA**2))
    return heatmaps * gate
