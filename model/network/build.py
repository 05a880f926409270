"""Puts networks together from their parts, by size."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from model.errors import BadInput
from model.network.decoder import Decoder, MeshDecoder, QueryDecoder, VertexHead
from model.network.encoder import Encoder, JointEncoder, SequenceEncoder
from model.network.lifting import LiftNetwork, MeshNetwork, PoseLift
from model.network.mesh_heads import DenseMesh, LowRankMesh, MeshBasis, MeshHead
from model.network.queries import JointQueries, VertexQueries
from model.network.sizes import TransformerSize
from model.network.tokenizer import HeatmapTokenizer
from model.network.topology import MeshTopology
from model.network.transformer import MeshTransformer


def build_network(
    size: TransformerSize, topology: MeshTopology, tokenizer: HeatmapTokenizer | None = None, maps: int | None = None
) -> MeshNetwork:
    """A network of random weights.

    Args:
        size: its shape; topology: its mesh.
        tokenizer: another one than the size's own, for maps of another kind,
        maps: and how many maps there are; None for one a joint.
    """
    k, c = topology.joint_count, topology.coarse_count
    basis = MeshBasis(size.rank, topology) if size.rank else None

    def mesh(width: int) -> MeshHead:
        return LowRankMesh(width, basis) if basis else DenseMesh(width, c)

    lift = PoseLift(size.lift, topology, mesh(size.lift), maps)
    if not size.encoder:
        return LiftNetwork(size, topology.unit, lift)
    first, last = size.encoder[0][0], size.encoder[-1][0]
    width = size.memory or first
    tokenizer = tokenizer or HeatmapTokenizer(k, size.heatmap_size, size.patch, width, size.token_budget)
    joints = JointQueries(topology, first, width, size.lift)
    encoder: Encoder
    decoder: Decoder
    if size.memory:
        encoder = JointEncoder(joints, size.encoder, size.heads, size.memory)
        if size.decoder:
            vertices = VertexQueries(topology, size.decoder[0])
            decoder = QueryDecoder(vertices, *size.decoder, joints=k, memory=last)
        else:
            decoder = MeshDecoder(mesh(k * last))
    else:
        encoder = SequenceEncoder(joints, VertexQueries(topology, first), size.encoder, size.heads)
        decoder = VertexHead(last)
    return MeshTransformer(size, topology.unit, lift, tokenizer, encoder, decoder)


def build_from_record(size: dict[str, Any], topology: MeshTopology) -> MeshNetwork:
    """The network of a size as checkpoints describe it (`TransformerSize` as a dictionary).

    Raises:
        BadInput: it is a variant, which training alone knows.
    """
    known = {field.name for field in fields(TransformerSize)}
    if variant := [name for name, value in size.items() if name not in known and value]:
        raise BadInput(f"this network is for comparison only ({', '.join(variant)}): use one that reads heatmaps.")
    return build_network(TransformerSize.read({name: size[name] for name in known & set(size)}), topology)
