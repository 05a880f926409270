"""Samples for a first stage on joints alone: nothing is drawn, and hardly a vertex is posed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from training.bodies.shape_bank import BankedMesh
from training.losses import MeshTruth
from training.synthesis.corruption import corrupt_and_draw, corrupted_peaks, read_corrupted
from training.synthesis.samples import Synthesizer, near_the_crop
from training.synthesis.true_joints import TrueJoints
from training.synthesis.virtual_cameras import VirtualCameras

_VIEWS, _DIRECTIONS, _COVERED = 1024, 64, 0.98
_DRAWN = 32  # one sample in 32 is drawn, for the noise between the peaks


class JointSynthesizer:
    """Draws what would be read from a `Synthesizer`'s heatmaps, ten times as fast.

    The joints come from the few points that carry them, the crop from the vertices that are mostly outermost, and the
    numbers that are read off a peak from the cells about it.
    """

    def __init__(self, samples: Synthesizer):
        """Prepares for the same samples as that one's."""
        self.samples = samples
        body, regressor, outline = samples.body, samples.seen_points, _outermost(samples)
        self.outermost = len(outline)
        self.points: Any
        if isinstance(body, BankedMesh):
            self.points, self.regressor = body.carrying(regressor, outline)
        else:
            used = (regressor != 0).any(dim=0).index_fill(0, outline, False).nonzero()[:, 0]
            kept = torch.cat([outline, used])
            self.points, self.regressor = body.subset(kept), regressor[:, kept]

    def batch(self, index: Tensor, generator: torch.Generator, meshes: int) -> tuple[Tensor, MeshTruth]:
        """What is read (B, K + L, 5), and the truth, with vertices (meshes, C, 3) of the first ones alone.

        Args:
            index: (B,) which poses; generator: draws all the rest.
            meshes: of how many samples the vertices are wanted.
        """
        samples, config = self.samples, self.samples.config
        rotations, shapes = samples.random_bodies(index, generator, config.variety)
        points = self.points.pose(rotations, shapes)
        joints = self.regressor @ points  # (B, K + L, 3), landmarks behind
        root = samples.topology.root(joints)
        joints = joints - root
        cameras = samples.cameras(joints, generator, config.variety)
        first = VirtualCameras(cameras.rotation[:meshes], cameras.distance[:meshes])
        vertices = first.to_camera(samples.body.pose(rotations[:meshes], shapes[:meshes]) - root[:meshes])
        joints = cameras.to_camera(joints)
        outline = cameras.project(cameras.to_camera(points[:, : self.outermost] - root))
        seen, in_crop = samples.seen(cameras.project(joints), outline, generator)
        k = samples.topology.joint_count
        truth = MeshTruth(vertices, joints[:, :k], in_crop[:, :k], joints_2d_valid=near_the_crop(in_crop[:, :k]))
        return self._read(seen, generator), truth

    def _read(self, joints: TrueJoints, generator: torch.Generator) -> Tensor:
        subject, config = self.samples.subject, self.samples.config
        corruption, size = config.corruption, config.heatmap_size
        drawn = len(joints) // _DRAWN if corruption.noise else 0
        peaks, second = corrupted_peaks(joints[drawn:], subject, corruption, generator)
        features = read_corrupted(peaks, second, corruption, size)
        if not drawn:
            return features
        noisy = corrupt_and_draw(joints[:drawn], subject, corruption, size, generator, noisy=1.0)
        return torch.cat([noisy.readout, features])


def _outermost(samples: Synthesizer) -> Tensor:
    """The coarse vertices that are nearly always the outermost in some direction, so that boxes come out the same."""
    generator = torch.Generator(samples.device).manual_seed(0)
    index = torch.randint(len(samples.poses), (_VIEWS,), generator=generator, device=samples.device)
    vertices = samples.bodies(index, generator, samples.config.variety).vertices
    directions = torch.randn(3, _DIRECTIONS, generator=generator, device=samples.device)
    outermost = (vertices @ directions).argmax(dim=1).flatten()
    often = torch.bincount(outermost, minlength=vertices.shape[1]).sort(descending=True)
    covered = often.values.cumsum(0) / len(outermost)
    return often.indices[: int((covered < _COVERED).sum()) + 1]
