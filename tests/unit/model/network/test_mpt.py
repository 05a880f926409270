"""A 2D network that knows where in its crop the subject is: the rest works as if the crop had been that part alone."""

from __future__ import annotations

import torch
from torch import Tensor

from model.network.backbones import PoseBackbone
from model.network.build import build_network
from model.network.heatmaps import draw_heatmaps
from model.network.mpt import MPT, PhotoMPT
from model.network.projection import project_weak_perspective
from model.network.sizes import TransformerSize
from model.network.topology import MeshTopology

SQUARES = torch.tensor([[0.2, -0.3, 0.5], [-0.1, 0.4, 0.4]])


class Backbone(PoseBackbone):
    """Sees joints somewhere, whatever the picture; with squares or without."""

    joints, input_size, heatmap_size = 17, 64, 56

    def __init__(self, squares: Tensor | None) -> None:
        super().__init__()
        self.squares = squares
        self.layer = torch.nn.Linear(1, 1)
        self.points = 224 * torch.rand(2, 17, 2, generator=torch.Generator().manual_seed(3))

    def forward(self, crops: Tensor) -> Tensor:
        return draw_heatmaps(self.points, 56, 6.0)

    def detect(self, crops: Tensor) -> tuple[Tensor, Tensor | None]:
        return self(crops), self.squares


def test_a_part_of_the_crop_is_as_good_as_a_crop_of_that_part(
    topology: MeshTopology, light_size: TransformerSize
) -> None:
    torch.manual_seed(0)
    transformer = build_network(light_size, topology)
    whole, part = (MPT(Backbone(squares), transformer, topology).eval() for squares in (None, SQUARES))
    pixels = torch.zeros(2, 64, 64, 3, dtype=torch.uint8)
    crops, cameras = torch.tensor([[300.0, 200, 120], [500, 300, 90]]), torch.tensor([[700.0, 320, 240]] * 2)
    # By hand: a square's centre lies its place times half a side from the crop's, and its side is half of it doubled.
    parts = torch.tensor([[312.0, 182, 60], [495.5, 318, 36]])
    with torch.inference_mode():
        expected, meshes = PhotoMPT(whole)(pixels, parts, cameras), PhotoMPT(part)(pixels, crops, cameras)
        for name in ("vertices", "joints", "keypoints", "translation"):
            torch.testing.assert_close(getattr(meshes, name), getattr(expected, name), atol=1e-4, rtol=1e-4)
        # Weak perspective is into the crop that was given; both land on one pixel of the photo.
        pixel = [
            project_weak_perspective(answer.joints, answer.weak_perspective) * crop[:, None, 2:] / 2 + crop[:, None, :2]
            for answer, crop in ((meshes, crops), (expected, parts))
        ]
        torch.testing.assert_close(*pixel, atol=1e-3, rtol=1e-4)
        of_part, of_whole = part(torch.zeros(2, 3, 64, 64)).camera, whole(torch.zeros(2, 3, 64, 64)).camera
        torch.testing.assert_close(of_part[:, :1], 0.5 * of_whole[:, :1] * torch.tensor([[1.0], [0.8]]))
