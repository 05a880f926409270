"""What fine-tuning trains: the backbone and the transformer as one network (section 3.3), on images and on heatmaps."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from model.errors import BadInput
from model.network.backbones import PoseBackbone
from model.network.lifting import MeshNetwork, MeshPrediction
from model.network.mpt import MPT
from model.network.topology import MeshTopology
from training.synthesis.corruption import mask_heatmaps
from training.variants import features_of


class EndToEnd(nn.Module):
    """Crops, or maps that a backbone would answer, or both in one batch: in, the transformer's prediction: out.

    The backbone stays in evaluation mode: batch norms keep the statistics of the many images that it was trained on.
    It runs in single precision, since reading a peak to a part of a cell needs more digits than bfloat16 has.
    """

    def __init__(self, backbone: PoseBackbone, transformer: MeshNetwork, topology: MeshTopology, frozen: bool):
        """Joins the two.

        Args:
            frozen: whether the backbone stays as it is.

        Raises:
            BadInput: the transformer reads image features that this backbone does not offer.
        """
        super().__init__()
        features = features_of(transformer.size)
        if features and features != backbone.feature_channels:
            raise BadInput(f"{type(backbone).__name__} has {backbone.feature_channels} feature maps, not {features}.")
        self.mpt = MPT(backbone, transformer, topology)
        self.frozen = frozen
        backbone.requires_grad_(not frozen)
        if not frozen:
            self._leave_out_what_cannot_learn()

    def _leave_out_what_cannot_learn(self) -> None:
        """Freezes the backbone's parameters that no gradient reaches, such as MoveNet's heads that choose the person.

        Processes that train together would wait for their gradients.
        """
        backbone = self.mpt.backbone
        device = next(backbone.parameters()).device
        self.see(torch.zeros(1, 3, backbone.input_size, backbone.input_size, device=device)).sum().backward()
        for parameter in backbone.parameters():
            parameter.requires_grad_(parameter.grad is not None)
            parameter.grad = None

    def train(self, mode: bool = True) -> EndToEnd:
        """Sets the mode of all but the backbone."""
        super().train(mode)
        self.mpt.backbone.eval()
        return self

    def see(self, crops: Tensor) -> Tensor:
        """What the transformer reads of crops (B, 3, S, S) in 0..255: heatmaps (B, K, s, s), or image features."""
        with torch.autocast(crops.device.type, enabled=False), torch.no_grad() if self.frozen else nullcontext():
            if features_of(self.mpt.transformer.size):
                return self.mpt.backbone.features(crops).float()
            return self.mpt.detect(crops)[0]

    def forward(
        self,
        crops: Tensor | None,
        maps: Tensor | None = None,
        hidden: Tensor | None = None,
        masked_joints: Tensor | None = None,
        masked_vertices: Tensor | None = None,
    ) -> MeshPrediction:
        """Runs the network on crops, then on maps: B samples in all.

        Args:
            crops: (B', 3, S, S); maps: (B - B', K, s, s): at least one of the two.
            hidden: (B, K) bool, maps that are taken away: Masked Heatmap Modeling.
            masked_joints: (B, K) and masked_vertices: (B, C), see `MeshTransformer`.
        """
        seen = [*([] if crops is None else [self.see(crops)]), *([] if maps is None else [maps])]
        whole = torch.cat(seen) if len(seen) > 1 else seen[0]
        if hidden is not None:
            whole = mask_heatmaps(whole, hidden)
        answer: MeshPrediction = self.mpt.transformer(whole, masked_joints, masked_vertices)
        return answer
