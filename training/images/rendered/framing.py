"""Where a rendered sample's photo ends and which square of it is the crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from model.network.projection import square_crop
from training.images.rendered.config import RenderConfig


@dataclass(frozen=True)
class Framing:
    """What chance has to say of a photo's edges and of a crop, numbers in 0..1."""

    cut: float
    """Below the share of people who are cut off, this one is."""
    side: float
    """Which side is."""
    keep: float
    """How much of the person stays in the photo."""
    scale: float
    """How large the crop is, within its range."""
    shift: np.ndarray
    """(2,) how far the crop is shifted; a half leaves it in the middle."""
    near: np.ndarray
    """(4,) which edges of the photo are near, as `cut`."""
    nearness: float
    """How near those are to the person."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Framing:
        """Draws one number more than is used, or all that is drawn after it would change."""
        cut, side, keep, scale, *rest = rng.random(12)
        return cls(cut, side, keep, scale, np.array(rest[:2]), np.array(rest[2:6]), rest[6])

    def frame(self, vertices: np.ndarray, config: RenderConfig) -> tuple[np.ndarray, np.ndarray]:
        """The photo's edges (4,) left, top, right, bottom and the crop (3,) on the plane at z = 1.

        Args:
            vertices: (V, 3) camera frame; config: what samples look like.
        """
        x, y, z = np.ascontiguousarray(vertices.T)
        plane = np.stack([x, y]) / np.maximum(z, 0.1)  # (2, V)
        low, high = plane.min(axis=1), plane.max(axis=1)
        edges = np.array([-np.inf, -np.inf, np.inf, np.inf])
        if self.cut < config.cut_off:  # mostly from below: at the knees, the hips or the chest
            side = int(np.searchsorted([0.1, 0.2, 0.3], self.side, side="right"))  # left, top, right, bottom
            keep = 0.3 + 0.65 * self.keep if side == 3 else 0.65 + 0.3 * self.keep
            start, end = (high, low) if side < 2 else (low, high)
            edges[side] = (start + keep * (end - start))[side % 2]
            shown = plane[:, ((plane > edges[:2, None]) & (plane < edges[2:, None])).all(axis=0)]
            low, high = shown.min(axis=1), shown.max(axis=1)
        box = np.concatenate([low, high - low]).astype(np.float32)
        scale = config.crop_scale[0] + self.scale * (config.crop_scale[1] - config.crop_scale[0])
        crop = square_crop(torch.from_numpy(box[None]), scale)[0].numpy().astype(np.float64)
        crop[:2] += (2 * self.shift - 1) * config.crop_shift * crop[2]
        # Some photos end close to the person.
        border = np.concatenate([crop[:2] - crop[2] / 2, crop[:2] + crop[2] / 2])
        margin = (np.concatenate([low, high]) - border) * np.array([1, 1, -1, -1])  # inwards
        close = (self.near < config.near_edge) & (margin > 0) & np.isinf(edges)
        edges[close] = (border + self.nearness * margin * np.array([1, 1, -1, -1]))[close]
        return edges, crop
