"""The whole network, end to end: a 2D pose backbone without its post-processing, then the mesh transformer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.interfaces import CameraSpaceMeshes
from model.network.backbones import PoseBackbone
from model.network.heatmaps import CROP_SIZE, draw_heatmaps, fitting_maps, read_heatmaps, resample_heatmaps
from model.network.lifting import MeshNetwork
from model.network.placement import to_camera_space
from model.network.projection import from_crop, to_crop
from model.network.topology import MeshTopology

DRAWN_SIGMA = 5.0
"""Eq. 1's where keypoints are drawn, crop pixels: between pre-training's and that of real peaks."""


class MPTOutput(NamedTuple):
    """What the network says of a batch of crops."""

    vertices: Tensor
    """(B, V, 3) full mesh, metres, axes of a camera that looks at the root, root at the origin."""
    joints: Tensor
    """(B, K, 3) regressed from the vertices by G, in the same frame."""
    camera: Tensor
    """(B, 3) weak perspective s, tx, ty that projects them into the crop."""
    heatmaps: Tensor
    """(B, K, S, S) the backbone's."""


class MPT(nn.Module):
    """Crops in, meshes out (sections 3.2 and 3.3); differentiable from end to end.

    The backbone may be in half precision; the rest keeps its own, since reading a peak's width off a map and placing
    a joint to the millimetre need more digits than that.
    """

    def __init__(self, backbone: PoseBackbone, transformer: MeshNetwork, topology: MeshTopology):
        super().__init__()
        self.backbone, self.transformer, self.topology = backbone, transformer, topology
        self.register_buffer("regressor", topology.coarse_regressor, persistent=False)

    def forward(self, crops: Tensor) -> MPTOutput:
        """Runs the network.

        Args:
            crops: (B, 3, S, S) float32 RGB in 0..255, S = `backbone.input_size`, a person in the middle of each.
        """
        heatmaps, squares = self.detect(crops)
        vertices, joints, camera = self.coarse(heatmaps)
        camera = camera if squares is None else _from_square(camera, squares)
        return MPTOutput(self.topology.upsample(vertices), joints, camera, heatmaps)

    def detect(self, crops: Tensor) -> tuple[Tensor, Tensor | None]:
        """The backbone's heatmaps (B, K, S, S) at the size that the transformer reads, and the squares they cover.

        See `PoseBackbone.detect`.
        """
        heatmaps, squares = self.backbone.detect(crops.to(next(self.backbone.parameters()).dtype))
        heatmaps = heatmaps.float()
        size = self.transformer.size.heatmap_size
        if heatmaps.shape[-1] != size:
            heatmaps = resample_heatmaps(heatmaps, (size, size))
        return heatmaps, squares

    def coarse(self, heatmaps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coarse vertices (B, C, 3), joints (B, K, 3) and camera (B, 3), the root at the origin."""
        prediction = self.transformer(heatmaps)
        joints = self.regressor @ prediction.vertices  # (B, K, 3)
        # Re-projection was learned with the network's own origin; moving the root moves the camera the other way.
        root = self.topology.root(joints)
        scale, shift = prediction.camera[:, :1], prediction.camera[:, 1:]
        camera = torch.cat([scale, shift + scale * root[:, 0, :2]], dim=1)
        return prediction.vertices - root, joints - root, camera


class PhotoMPT(nn.Module):
    """`MPT` for people in photos, from uint8 pixels to people before the camera: what is served and exported."""

    def __init__(self, network: MPT):
        super().__init__()
        self.network = network
        topology = network.topology
        upsampling = torch.zeros(topology.coarse_count, topology.vertex_count)
        upsampling.scatter_add_(0, topology.neighbours.T, topology.weights.T)
        self.register_buffer("upsampling", upsampling, persistent=False)

    def forward(self, pixels: Tensor, crops: Tensor, cameras: Tensor) -> CameraSpaceMeshes:
        """Runs the network.

        Args:
            pixels: (B, S, S, 3) uint8 RGB, S = `backbone.input_size`, a person in the middle of each crop.
            crops: (B, 3) float32 where the crops are: their centre's x and y and their side, photo pixels.
            cameras: (B, 3) float32 focal length and principal point x, y of their photos, pixels.
        """
        # (B, 3, S, S), channels last in memory
        heatmaps, squares = self.network.detect(pixels.permute(0, 3, 1, 2).float())
        if squares is None:
            return self.lift(heatmaps, crops, cameras)
        crops = torch.cat([from_crop(squares[:, None, :2], crops)[:, 0], squares[:, 2:] * crops[:, 2:]], dim=1)
        meshes = self.lift(heatmaps, crops, cameras)
        return meshes._replace(weak_perspective=_from_square(meshes.weak_perspective, squares))

    def lift(self, heatmaps: Tensor, crops: Tensor, cameras: Tensor) -> CameraSpaceMeshes:
        """People before the camera from heatmaps, whoever drew them.

        Args:
            heatmaps: (B, K + L, S, S) at the size that the transformer reads, or the joints' alone.
            crops: (B, 3) what they cover, see `forward`; cameras: likewise.
        """
        coarse, joints, camera = self.network.coarse(heatmaps)
        # Upsampling is linear and its weights sum to 1: to turn the coarse mesh before is to turn the full one after.
        seen = read_heatmaps(fitting_maps(heatmaps, joints.shape[1]))
        meshes = to_camera_space(coarse, joints, camera, seen, crops, cameras)
        # Nearly all of the matrix is zero, yet one dense product is faster than gathering 16 neighbours a vertex.
        flat = meshes.vertices.transpose(1, 2).reshape(-1, coarse.shape[1])  # (B * 3, C)
        return meshes._replace(vertices=(flat @ self.upsampling).unflatten(0, (-1, 3)).transpose(1, 2))  # (B, V, 3)


class KeypointMPT(nn.Module):
    """`PhotoMPT` for people whose joints a 2D network has found: from keypoints to people before the camera."""

    def __init__(self, photo: PhotoMPT):
        super().__init__()
        self.photo = photo

    def forward(self, keypoints: Tensor, crops: Tensor, cameras: Tensor) -> CameraSpaceMeshes:
        """Draws the keypoints by Eq. 1 and lifts them.

        Args:
            keypoints: (B, K + L, 3) float32 x, y in photo pixels and confidence in 0..1, the height of the peak.
            crops: (B, 3) float32 the squares that are drawn: centre x, y and side, photo pixels.
            cameras: (B, 3) float32 focal length and principal point x, y of their photos, pixels.
        """
        meshes = self.photo.lift(self.draw(keypoints, crops), crops, cameras)
        return meshes._replace(keypoints=keypoints[:, : meshes.joints.shape[1]])

    def draw(self, keypoints: Tensor, crops: Tensor) -> Tensor:
        """The heatmaps (B, K + L, S, S) of keypoints (B, K + L, 3) in these squares (B, 3); see `forward`."""
        at = (to_crop(keypoints[..., :2], crops) + 1) * (CROP_SIZE / 2)
        size = self.photo.network.transformer.size.heatmap_size
        return draw_heatmaps(at, size, DRAWN_SIGMA, keypoints[..., 2])


def _from_square(camera: Tensor, squares: Tensor) -> Tensor:
    """Weak perspective (B, 3) into squares of crops (B, 3), see `PoseBackbone.detect`, to that into the crops."""
    middle, half = squares[:, :2], squares[:, 2:]
    return torch.cat([half * camera[:, :1], middle + half * camera[:, 1:]], dim=1)
