"""Pre-training samples out of MoCap, made in batches on the training device (section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from model.network.heatmaps import CROP_SIZE, draw_heatmaps
from model.network.projection import square_crop, to_crop
from model.network.topology import MeshTopology
from training.bodies.protocol import BodyModel
from training.losses import MeshTruth
from training.rotations import axis_angle_to_matrix
from training.synthesis.corruption import Drawn, HeatmapCorruption, corrupt_and_draw
from training.synthesis.pose_variety import PoseVariety, vary
from training.synthesis.true_joints import TrueJoints
from training.synthesis.viewing import VIEWING
from training.synthesis.virtual_cameras import VirtualCameras


@dataclass(frozen=True)
class SynthesisConfig:
    """What pre-training samples look like."""

    heatmap_size: int
    """Cells on a side."""
    views: int | None = None
    """See `sample_cameras`."""
    cut_off: float = 0.4
    """Share of people that the photo's edge cuts off."""
    cut_from: tuple[float, float, float, float] = (0.1, 0.1, 0.1, 0.7)
    """Shares of these that lose their left, upper, right or lower side: people, mostly their legs."""
    crop_scale: tuple[float, float] = (1.1, 1.45)
    """Range of the crop's side over the box's longer side; people are cropped at 1.25."""
    crop_shift: float = 0.06
    """Largest shift of the crop, as a share of its side."""
    corruption: HeatmapCorruption = field(default_factory=HeatmapCorruption)
    variety: PoseVariety | None = field(default_factory=PoseVariety)
    """How far poses stray from those given, for bodies' poses."""


@dataclass(frozen=True)
class Bodies:
    """Posed bodies before a camera, root at the origin, in the camera's axes, metres."""

    vertices: Tensor
    """(B, C, 3) coarse vertices."""
    joints: Tensor
    """(B, K, 3)."""
    cameras: VirtualCameras


class Synthesizer:
    """Draws heatmap-mesh pairs from MoCap poses with random bodies, cameras and crops.

    Everything a batch is made of comes from its generator: the same seed gives the same batch.
    """

    def __init__(
        self,
        body: BodyModel,
        topology: MeshTopology,
        poses: Tensor,
        config: SynthesisConfig,
        device: torch.device | str,
    ):
        """Gathers what samples are made of.

        Args:
            body: the full body model; only its coarse vertices are posed.
            poses: (N, J, 3) axis-angle.
        """
        self.device = torch.device(device)
        self.subject, self.viewing = body.subject, VIEWING[body.subject.name]
        self.body = body.subset(topology.coarse).to(self.device)
        self.topology = topology
        self.regressor = topology.coarse_regressor.to(self.device)
        self.seen_points = topology.coarse_seen.to(self.device)
        self.poses = poses.to(self.device)
        self.config = config

    def bodies(self, index: Tensor, generator: torch.Generator, variety: PoseVariety | None = None) -> Bodies:
        """Poses random bodies in the poses of `index` (B,), half of them mirrored, each before its own camera.

        Args:
            index: which poses; generator: draws all the rest; variety: strays from the poses if given.
        """
        rotations, shapes = self.random_bodies(index, generator, variety)
        vertices = self.body.pose(rotations, shapes)
        joints = self.regressor @ vertices
        root = self.topology.root(joints)
        vertices, joints = vertices - root, joints - root
        cameras = self.cameras(joints, generator, variety)
        return Bodies(cameras.to_camera(vertices), cameras.to_camera(joints), cameras)

    def random_bodies(
        self, index: Tensor, generator: torch.Generator, variety: PoseVariety | None
    ) -> tuple[Tensor, Tensor]:
        """What `BodyModel.pose` takes for `bodies`: rotations (B, J, 3, 3) and shapes (B, S)."""
        pose = self.subject.mirrored_half(self.poses[index], generator)
        if variety is not None:
            other = torch.randint(len(self.poses), index.shape, generator=generator, device=self.device)
            pose = vary(pose, self.subject.mirrored_half(self.poses[other], generator), variety, generator)
        return axis_angle_to_matrix(pose), self.body.sample_shapes(len(index), generator)

    def cameras(self, joints: Tensor, generator: torch.Generator, variety: PoseVariety | None) -> VirtualCameras:
        """Cameras before joints (B, K, 3), world frame, the root at the origin."""
        return self.viewing.cameras(joints, generator, self.config.views, variety.anywhere if variety else 0.0)

    def training_batch(self, index: Tensor, generator: torch.Generator) -> tuple[Drawn, MeshTruth]:
        """Heatmaps as a 2D network might answer, and the truth of Eq. 2 to 5."""
        bodies = self.bodies(index, generator, self.config.variety)
        outline = bodies.cameras.project(bodies.vertices)
        joints, in_crop = self.seen(bodies.cameras.project(self._points(bodies)), outline, generator)
        drawn = corrupt_and_draw(joints, self.subject, self.config.corruption, self.config.heatmap_size, generator)
        in_crop = in_crop[:, : self.topology.joint_count]
        truth = MeshTruth(bodies.vertices, bodies.joints, in_crop, joints_2d_valid=near_the_crop(in_crop))
        return drawn, truth

    def _points(self, bodies: Bodies) -> Tensor:
        """(B, K + L, 3) what has heatmaps: joints and landmarks."""
        return torch.cat([bodies.joints, self.seen_points[self.topology.joint_count :] @ bodies.vertices], dim=1)

    def seen(self, joints_2d: Tensor, outline: Tensor, generator: torch.Generator) -> tuple[TrueJoints, Tensor]:
        """Puts people into a photo that may cut them off, and crops them.

        Args:
            joints_2d: (B, K + L, 2) and outline: (B, N, 2), which bounds the person, on the image plane.
            generator: draws edges and crops.

        Returns:
            The joints and landmarks in crop pixels; and their positions in -1..1 across the crop, (B, K + L, 2).
        """
        box, cut = self._visible_box(outline, generator)
        crop = self._jittered_crop(box, generator)
        in_crop = to_crop(joints_2d, crop)  # (B, K, 2) in -1..1
        visible = self._inside(joints_2d, cut) & (in_crop.abs() < 1).all(dim=-1)
        inside = torch.minimum(torch.maximum(joints_2d, cut[:, None, :2]), cut[:, None, 2:])
        edge = to_crop(inside, crop).clamp(-1, 1)
        return TrueJoints((in_crop + 1) * (CROP_SIZE / 2), visible, (edge + 1) * (CROP_SIZE / 2)), in_crop

    def clean_batch(self, bodies: Bodies) -> Tensor:
        """Heatmaps by Eq. 1 in the crop that a perfect detector would give."""
        crop = square_crop(_bounding_box(bodies.cameras.project(bodies.vertices)))
        pixels = (to_crop(bodies.cameras.project(self._points(bodies)), crop) + 1) * (CROP_SIZE / 2)
        return draw_heatmaps(pixels, self.config.heatmap_size)

    def _visible_box(self, outline: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The box (B, 4) of what the photo shows, and the photo's edges (B, 4) left, top, right, bottom."""
        box = _bounding_box(outline)
        b = len(box)
        draw = torch.rand(b, 4, generator=generator, device=self.device)
        left, top = box[:, 0], box[:, 1]
        right, bottom = left + box[:, 2], top + box[:, 3]
        keep = 0.3 + 0.65 * draw[:, 0]  # share of the body that stays in
        keep_side = 0.5 + 0.5 * keep
        is_cut = draw[:, 1] < self.config.cut_off
        side = torch.bucketize(
            draw[:, 2].contiguous(), torch.tensor(self.config.cut_from, device=self.device).cumsum(0)[:3]
        )
        far = 1e3
        edges = torch.stack(
            [
                torch.where(is_cut & (side == 0), right - keep_side * box[:, 2], -far),
                torch.where(is_cut & (side == 1), bottom - keep_side * box[:, 3], -far),
                torch.where(is_cut & (side == 2), left + keep_side * box[:, 2], far),
                torch.where(is_cut & (side == 3), top + keep * box[:, 3], far),
            ],
            dim=1,
        )
        # What is seen is the outline of the vertices on this side of the edge, not the old box cut short. It ends at
        # the edge, however far from it the last vertex is: of outermost ones a single one may be left.
        seen = _bounding_box(outline, self._inside(outline, edges))
        low, high = seen[:, :2], seen[:, :2] + seen[:, 2:]
        low = torch.where(edges[:, :2] > -far, edges[:, :2], low)
        high = torch.where(edges[:, 2:] < far, edges[:, 2:], high)
        return torch.cat([low, high - low], dim=1), edges

    @staticmethod
    def _inside(points: Tensor, edges: Tensor) -> Tensor:
        """(B, N) whether points (B, N, 2) lie within the photo's edges (B, 4)."""
        return (points > edges[:, None, :2]).all(dim=-1) & (points < edges[:, None, 2:]).all(dim=-1)

    def _jittered_crop(self, box: Tensor, generator: torch.Generator) -> Tensor:
        low, high = self.config.crop_scale
        draw = torch.rand(len(box), 3, generator=generator, device=self.device)
        crop = square_crop(box, low + (high - low) * draw[:, 0])
        shift = (2 * draw[:, 1:] - 1) * self.config.crop_shift * crop[:, 2:]
        return torch.cat([crop[:, :2] + shift, crop[:, 2:]], dim=1)


def near_the_crop(in_crop: Tensor) -> Tensor:
    """(B, K) whether joints (B, K, 2) in -1..1 are near the crop.

    Far outside an error in re-projection says nothing, and would outweigh the rest.
    """
    return (in_crop.abs() < 2).all(dim=-1)


def _bounding_box(points: Tensor, valid: Tensor | None = None) -> Tensor:
    """(B, 4) x, y, width, height around points (B, N, 2), of the valid (B, N) ones if given."""
    low, high = points, points
    if valid is not None:
        low = points.masked_fill(~valid[..., None], torch.inf)
        high = points.masked_fill(~valid[..., None], -torch.inf)
    low, high = low.amin(dim=1), high.amax(dim=1)
    return torch.cat([low, high - low], dim=1)
