"""What the network is: heatmaps in, meshes out. Knows no files but checkpoints, no HTTP, no data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model.reconstructor import Reconstructor

__all__ = ["Reconstructor"]


def __getattr__(name: str) -> Any:
    # Training and export import parts of this package; only who wants a Reconstructor pays for OpenCV.
    if name == "Reconstructor":
        from model.reconstructor import Reconstructor

        return Reconstructor
    raise AttributeError(f"module 'model' has no attribute {name!r}")
