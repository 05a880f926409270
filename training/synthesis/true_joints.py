"""Where joints and landmarks truly are in a crop, before a 2D network strays from them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class TrueJoints:
    """Where N joints and landmarks are in a crop and its photo, lengths in crop pixels."""

    position: Tensor
    """(B, N, 2)."""
    visible: Tensor
    """(B, N) bool, whether they lie within the photo and the crop; those outside get no true peak."""
    edge: Tensor
    """(B, N, 2) the nearest position within both, near which a false peak may stand for a joint outside."""

    def __len__(self) -> int:
        return len(self.position)

    def __getitem__(self, samples: slice) -> TrueJoints:
        """Some of the samples."""
        return TrueJoints(self.position[samples], self.visible[samples], self.edge[samples])
