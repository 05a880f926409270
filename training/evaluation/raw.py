"""Checkpoints as they answer by themselves, beside the bodies that are fitted to their answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from model.reconstructor import MeshKind, Reconstructor
from model.results import Reconstruction


class RawReconstructor(Reconstructor):
    """Answers with the network's own meshes, unless it is told otherwise."""

    def reconstruct(self, image: np.ndarray, *, mesh: MeshKind = "raw", **options: Any) -> Reconstruction:
        """As `Reconstructor.reconstruct` does."""
        return super().reconstruct(image, mesh=mesh, **options)
