"""Pose heatmaps: drawing (Eq. 1), corruption, Masked Heatmap Modeling, and reading them back.

Heatmaps are sampled on a grid of `size` x `size` cells that covers a square crop of `CROP_SIZE` pixels: cell i's
centre sits at pixel `CROP_SIZE / size * (i + 0.5)`. At `size = 224` a cell is a pixel, as in the paper; at 56 the
grid is the one on which most 2D pose networks answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

CROP_SIZE = 224
"""Side of the square crop in pixels; joints in crops are given in these pixels."""

SIGMA = 3.0
"""The paper's sigma of Eq. 1, in crop pixels."""


def draw_heatmaps(
    joints: Tensor, size: int = CROP_SIZE, sigma: Tensor | float = SIGMA, height: Tensor | float = 1.0
) -> Tensor:
    """Draws one Gaussian peak for each joint: S_j(p) = height * exp(-|p - x_j|^2 / sigma^2)  (Eq. 1).

    Args:
        joints: (B, K, 2) x, y in crop pixels; a joint outside the crop leaves what of its peak falls inside.
        size: cells on a side.
        sigma: Eq. 1's sigma in crop pixels, one number or (B, K).
        height: value at the peak, one number or (B, K).

    Returns:
        (B, K, size, size) float32, rows are y.
    """
    centres = (torch.arange(size, device=joints.device, dtype=joints.dtype) + 0.5) * (CROP_SIZE / size)
    precision = 1.0 / torch.as_tensor(sigma, device=joints.device, dtype=joints.dtype).square()
    if precision.ndim:
        precision = precision[..., None, None]  # (B, K, 1, 1)
    # A Gaussian is the product of its marginals: two exponentials a side instead of one a cell.
    marginals = torch.exp(-(centres - joints[..., None]).square() * precision)  # (B, K, 2, size)
    along_x, along_y = marginals.unbind(dim=2)
    along_y = along_y * (height[..., None] if isinstance(height, Tensor) else height)
    return along_y[..., :, None] * along_x[..., None, :]


def fitting_maps(maps: Tensor, count: int) -> Tensor:
    """The first `count` of the maps (B, N, ...), or all and empty ones: 2D networks may see fewer points."""
    missing = count - maps.shape[1]
    if missing <= 0:
        return maps[:, :count]
    return torch.cat([maps, maps.new_zeros(len(maps), missing, *maps.shape[2:])], dim=1)


def resample_heatmaps(heatmaps: Tensor, size: Sequence[int], offset: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """Heatmaps on another grid over the same crop, linearly; a coarser grid averages, so that no peak falls between.

    Args:
        heatmaps: (B, K, h, w); size: cells of the new grid, rows and columns.
        offset: (y, x) how far in old cells before (i + 0.5) the centre of old cell i lies, for grids that begin at the
            crop's edge: it moves what they show up and left.

    Returns:
        (B, K, *size).
    """
    rows = _resampling(heatmaps.shape[-2], size[0], offset[0]).to(heatmaps)
    columns = _resampling(heatmaps.shape[-1], size[1], offset[1]).to(heatmaps)
    return rows @ heatmaps @ columns.T


def _resampling(old: int, new: int, offset: float) -> Tensor:
    """(new, old): each new cell's weights of the old ones, a triangle as wide as the wider of the two cells."""
    scale = old / new
    centres = (
        torch.arange(new, dtype=torch.float64) + 0.5
    ) * scale + offset  # in old cells, where cell i is at i + 0.5
    distance = (torch.arange(old, dtype=torch.float64) + 0.5 - centres[:, None]).abs()
    weights = (1 - distance / max(scale, 1.0)).clamp(min=0)
    # Beyond the last cell there is nothing; a row that reaches there keeps what is left.
    return (weights / max(scale, 1.0)).float()


@dataclass(frozen=True)
class HeatmapReadout:
    """What a joint's heatmap says in a few numbers, each (B, K) unless noted."""

    position: Tensor
    """(B, K, 2) centre of the strongest peak, in -1..1 across the crop."""
    spread: Tensor
    """Root mean square distance of the peak's mass from its centre, same unit: large where there are two peaks."""
    peak: Tensor
    """Highest value."""
    mass: Tensor
    """Sum over the map, sum_ij h_ij * (S / n)^2 / 64 for n x n cells over a crop of S pixels, whatever the grid."""

    def features(self) -> Tensor:
        """Stacks the numbers as (B, K, 5); an empty map gives zeros."""
        return torch.cat([self.position, torch.stack([self.spread, self.peak, self.mass], dim=-1)], dim=-1)


def read_heatmaps(heatmaps: Tensor) -> HeatmapReadout:
    """Reads each map's peak by a soft argmax over the cells above half of its height.

    Cutting at half height keeps the reading free of background noise; everything is differentiable in the
    heatmaps' values, so that fine-tuning reaches the 2D network through it.

    Args:
        heatmaps: (B, K, S, S).
    """
    size = heatmaps.shape[-1]
    centres = (torch.arange(size, device=heatmaps.device, dtype=heatmaps.dtype) + 0.5) * (2.0 / size) - 1.0
    flat = heatmaps.flatten(2)  # (B, K, S * S)
    peak = flat.amax(dim=-1)  # (B, K)
    mass = flat.clamp(min=0).sum(-1) * ((CROP_SIZE / size) ** 2 / 64.0)
    return _readout(_moments(heatmaps, centres, centres, 0.5 * peak), peak, mass)


def _moments(maps: Tensor, columns: Tensor, rows: Tensor, floor: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mass, first moments in x and y and second moment, (B, K) each, of what maps have above a floor (B, K).

    Args:
        maps: (B, K, R, C), whose cells lie at `columns` (..., C) and `rows` (..., R) in -1..1.
    """
    weight = (maps - floor[..., None, None]).clamp(min=0)  # (B, K, R, C)
    on_x, on_y = weight.sum(dim=-2), weight.sum(dim=-1)  # (B, K, C), (B, K, R)
    second = (on_x * columns.square()).sum(-1), (on_y * rows.square()).sum(-1)
    return weight.sum(dim=(-2, -1)), (on_x * columns).sum(-1), (on_y * rows).sum(-1), second[0] + second[1]


def _readout(moments: Sequence[Tensor], peak: Tensor, mass: Tensor) -> HeatmapReadout:
    total = moments[0] + 1e-6
    x, y = moments[1] / total, moments[2] / total
    variance = moments[3] / total - x.square() - y.square()
    return HeatmapReadout(
        position=torch.stack([x, y], dim=-1), spread=variance.clamp(min=1e-8).sqrt(), peak=peak, mass=mass
    )


@dataclass(frozen=True)
class Peaks:
    """One Gaussian peak for each joint, by Eq. 1."""

    at: Tensor
    """(B, K, 2) crop pixels."""
    sigma: Tensor
    """(B, K) crop pixels."""
    height: Tensor
    """(B, K)."""


def read_peaks(peaks: Peaks, size: int, widest: float, second: Peaks | None = None) -> HeatmapReadout:
    """What `read_heatmaps` says of these peaks' maps, at the cost of the few cells about each one.

    Args:
        peaks: what would be drawn; size: cells on a side; widest: no sigma is larger than this, crop pixels.
        second: another peak in each map; exact where the two do not overlap.
    """
    cell = CROP_SIZE / size
    # A map is above half of its highest cell within this; that cell's centre is half a cell off at most.
    core = math.ceil(math.sqrt(math.log(2) * widest**2 + cell**2 / 2) / cell - 0.5)
    windows = [_window(part, size, core, math.ceil(3 * widest / cell)) for part in (peaks, second) if part is not None]
    highest = [maps.amax(dim=(-2, -1)) for maps, *_ in windows]  # (B, K) each
    peak = highest[0] if second is None else torch.maximum(*highest)
    moments = [_moments(maps, on[:, :, 0], on[:, :, 1], 0.5 * peak) for maps, on, _ in windows]
    mass = torch.stack([part for *_, part in windows]).sum(dim=0) * (cell**2 / 64.0)
    return _readout([torch.stack(parts).sum(dim=0) for parts in zip(*moments, strict=True)], peak, mass)


def _window(peaks: Peaks, size: int, core: int, reach: int) -> tuple[Tensor, Tensor, Tensor]:
    """A peak's cells (B, K, W, W) not further than `core` from its own, their x and y (B, K, 2, W) in -1..1, its sum.

    The sum (B, K) is over all cells not further than `reach`.
    """
    cell = CROP_SIZE / size
    own = torch.div(peaks.at, cell, rounding_mode="floor").clamp(0, size - 1)  # (B, K, 2)
    steps = torch.arange(-reach, reach + 1, device=own.device)
    index = own[..., None] + steps  # (B, K, 2, 2 * reach + 1)
    there = (index >= 0) & (index < size)
    centres = (index + 0.5) * cell
    marginals = torch.exp(-((centres - peaks.at[..., None]) / peaks.sigma[..., None, None]).square()) * there
    x, y = marginals.sum(dim=-1).unbind(dim=-1)  # (B, K) each
    inner = slice(reach - core, reach + core + 1)
    near = marginals[..., inner] * torch.stack([torch.ones_like(peaks.height), peaks.height], dim=-1)[..., None]
    maps = near[:, :, 1, :, None] * near[:, :, 0, None, :]  # (B, K, W, W), rows are y
    return maps, centres[..., inner] * (2 / CROP_SIZE) - 1, peaks.height * x * y
