"""The mesh regression transformer: heatmaps in, joints, coarse vertices and a weak-perspective camera out."""

from __future__ import annotations

from torch import Tensor

from model.network.decoder import Decoder, small_head
from model.network.encoder import Encoder
from model.network.heatmaps import fitting_maps, read_heatmaps
from model.network.lifting import MeshNetwork, MeshPrediction, PoseLift, in_metres
from model.network.sizes import TransformerSize
from model.network.tokenizer import HeatmapTokenizer


class MeshTransformer(MeshNetwork):
    """Regresses 3D joints and coarse vertices from pose heatmaps; `build_network` puts it together.

    The lift guesses at once, from what is read off each heatmap; the encoder's joint tokens, which see the heatmaps
    themselves, correct its joints and camera, and the decoder its mesh.
    """

    def __init__(
        self,
        size: TransformerSize,
        unit: float,
        lift: PoseLift,
        tokenizer: HeatmapTokenizer,
        encoder: Encoder,
        decoder: Decoder,
    ):
        """Joins the parts.

        Args:
            size: what they were built for, as checkpoints keep it.
            unit: metres of the unit that they answer in; see `MeshTopology.unit`.
            lift, tokenizer, encoder, decoder: modules, see there.
        """
        super().__init__()
        self.size, self.unit = size, unit
        self.lift, self.tokenizer, self.encoder, self.decoder = lift, tokenizer, encoder, decoder
        self.joint_head = small_head(encoder.width)
        self.camera_head = small_head(encoder.width)

    def forward(
        self,
        heatmaps: Tensor,
        masked_joints: Tensor | None = None,
        masked_vertices: Tensor | None = None,
        readout: Tensor | None = None,
    ) -> MeshPrediction:
        """See `MeshNetwork`."""
        lifted, guess = self.lift(read_heatmaps(heatmaps).features() if readout is None else readout)
        maps = fitting_maps(heatmaps, self.tokenizer.maps)  # landmarks are the lift's alone
        encoded = self.encoder(self.tokenizer(maps), lifted, masked_joints, masked_vertices)
        joints = guess.joints + self.joint_head(encoded.joints)  # (B, K, 3)
        camera = guess.camera + self.camera_head(encoded.joints.mean(dim=1))  # (B, 3)
        vertices = self.decoder(encoded, guess.vertices, joints, masked_vertices)  # (B, C, 3)
        return in_metres(MeshPrediction(vertices, joints, camera), self.unit)
