"""How each subject, a body or a hand, is seen in pre-training: by which cameras, and by how faulty a 2D network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.synthesis.corruption import HeatmapCorruption
from training.synthesis.virtual_cameras import VirtualCameras, sample_cameras

_ROLL = 0.2  # radians: how upright crops are, a standard deviation


@dataclass(frozen=True)
class Viewing:
    """Cameras and 2D networks before one kind of subject."""

    corruption: HeatmapCorruption
    """How the 2D network's heatmaps stray from Eq. 1."""
    distance: tuple[float, float]
    """Range of the camera's distance, metres."""
    anywhere: float
    """Least share of cameras that look from anywhere, any way up."""
    upright: tuple[int, int] | None = None
    """Crops are turned so that the second of these joints is above the first, if the 2D network's are."""

    def cameras(
        self, joints: Tensor, generator: torch.Generator, views: int | None = None, anywhere: float = 0.0
    ) -> VirtualCameras:
        """Cameras before the joints (B, K, 3), world frame, root at the origin; see `sample_cameras`."""
        cameras = sample_cameras(len(joints), generator, views, max(anywhere, self.anywhere), self.distance)
        if self.upright is None:
            return cameras
        seen = cameras.project(cameras.to_camera(joints))
        below, above = (seen[:, joint] for joint in self.upright)
        x, y = (above - below).unbind(dim=-1)
        off = torch.randn(len(joints), generator=generator, device=joints.device) * _ROLL
        return cameras.rolled(off - torch.atan2(x, -y))


VIEWING = {
    "body": Viewing(HeatmapCorruption(), distance=(1.8, 12.0), anywhere=0.0),
    "hand": Viewing(
        # Points that are regressed: peaks all alike, never two a joint, at times wrong about a whole finger.
        HeatmapCorruption(
            jitter=3.5,
            part_jitter=4.0,
            outliers=0.05,
            sigma=(2.8, 3.2),
            height=(0.95, 0.05),
            false_peaks=0.0,
            exchanged=0.01,
            exchanged_parts=0.02,
            noise=0.0,
            imagined=1.0,
            masked=0.2,
        ),
        distance=(0.25, 3.0),
        anywhere=1.0,
        upright=(0, 9),
    ),
}
"""By the subject's name."""
