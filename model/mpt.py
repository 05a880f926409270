"""The whole network, end to end: a 2D pose backbone without its post-processing, then the mesh transformer."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from model.backbones import PoseBackbone
from model.topology import MeshTopology
from model.transformer import MeshTransformer


class MPTOutput(NamedTuple):
    """What the network says of a batch of crops."""

    vertices: Tensor
    """(B, V, 3) full mesh, metres, axes of a camera that looks at the crop's centre, root at the origin."""
    joints: Tensor
    """(B, K, 3) regressed from the vertices by G, in the same frame."""
    camera: Tensor
    """(B, 3) weak perspective s, tx, ty that projects them into the crop."""
    heatmaps: Tensor
    """(B, K, S, S) the backbone's."""


class MPT(nn.Module):
    """Crops in, meshes out (sections 3.2 and 3.3); differentiable from end to end."""

    def __init__(self, backbone: PoseBackbone, transformer: MeshTransformer, topology: MeshTopology):
        super().__init__()
        self.backbone, self.transformer, self.topology = backbone, transformer, topology
        self.register_buffer("regressor", topology.coarse_regressor, persistent=False)

    def forward(self, crops: Tensor) -> MPTOutput:
        """Runs the network.

        Args:
            crops: (B, 3, S, S) float32 RGB in 0..255, S = `backbone.input_size`, a person in the middle of each.
        """
        heatmaps = self.backbone(crops)
        size = self.transformer.size.heatmap_size
        if heatmaps.shape[-1] != size:
            heatmaps = F.interpolate(heatmaps, (size, size), mode="bilinear", align_corners=False)
        prediction = self.transformer(heatmaps)
        joints = self.regressor @ prediction.vertices  # (B, K, 3)
        # Re-projection was learned with the network's own origin; moving the root moves the camera the other way.
        root = self.topology.root(joints)
        scale, shift = prediction.camera[:, :1], prediction.camera[:, 1:]
        camera = prediction.camera.clone()
        camera[:, 1:] = shift + scale * root[:, 0, :2]
        return MPTOutput(self.topology.upsample(prediction.vertices - root), joints - root, camera, heatmaps)
