"""What rendered samples look like, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RenderConfig:
    """What rendered samples look like."""

    size: int = 224
    """Pixels on a crop's side: the backbone's input."""
    views: int | None = None
    """See `sample_cameras`."""
    cut_off: float = 0.25
    """Share of people that the photo's edge cuts off."""
    near_edge: float = 0.08
    """Chance of each of the photo's edges to lie within the crop, beside the person."""
    occluded: float = 0.25
    """Share of people with something before them."""
    company: float = 0.15
    """Share of people with somebody beside or behind them."""
    crop_scale: tuple[float, float] = (1.15, 1.4)
    """Range of the crop's side over the box's longer side; people are cropped at 1.25."""
    crop_shift: float = 0.04
    """Largest shift of the crop, as a share of its side."""
    photos: Path | None = None
    """A folder of photos without people for backgrounds; None makes them up."""
    full_vertices: bool = False
    """Whether samples bring the whole mesh too."""
