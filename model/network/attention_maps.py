"""How much each vertex of the mesh attends to each joint, as METRO shows it: read from a network that runs as ever."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.errors import BadInput
from model.network.decoder import QueryDecoder
from model.network.encoder import SequenceEncoder
from model.network.layers import Attention
from model.network.lifting import MeshNetwork


@torch.inference_mode()
def vertex_attention(network: MeshNetwork, heatmaps: Tensor) -> Tensor:
    """The last layer's attention from vertex queries to joint tokens, the mean of its heads.

    With the light decoder that is its attention to the joint tokens, which are all that it sees. In the paper's
    layout vertices attend to other vertices and to heatmap tokens as well; joints' shares are then made to sum to 1.

    Args:
        network: It, in evaluation mode.
        heatmaps: (B, K, S, S).

    Returns:
        (B, C, K) of the C coarse vertices, each row summing to 1.

    Raises:
        BadInput: The network is one without vertex queries.
    """
    decoder, encoder = getattr(network, "decoder", None), getattr(network, "encoder", None)
    if isinstance(decoder, QueryDecoder):
        layer, rows = decoder.blocks[-1].memory, slice(None)
    elif isinstance(encoder, SequenceEncoder):
        joints, vertices = len(encoder.joints.query), len(encoder.vertices.query)
        layer, rows = encoder.blocks[-1][-1].among, slice(joints, joints + vertices)  # type: ignore[index]
    else:
        raise BadInput(f"A network of size {network.size.name} has no vertices that attend to joints.")
    assert isinstance(layer, Attention)
    seen: list[Tensor] = []

    def keep_inputs(_: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
        seen.append(_weights(layer, *inputs))

    hook = layer.register_forward_pre_hook(keep_inputs)
    try:
        network(heatmaps)
    finally:
        hook.remove()
    shares = seen[0][:, rows, : heatmaps.shape[1]]
    return shares / shares.sum(dim=-1, keepdim=True)


def _weights(layer: Attention, tokens: Tensor, context: Tensor) -> Tensor:
    """What `Attention.forward` mixes the values by: (B, N, M), the mean of the heads."""
    b, n = tokens.shape[:2]
    query = layer.query(tokens).view(b, n, layer.heads, -1).transpose(1, 2)  # (B, H, N, D / H)
    key = layer.key_value(context).view(b, context.shape[1], 2, layer.heads, -1)[:, :, 0].transpose(1, 2)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # (B, H, N, M)
    return scores.softmax(dim=-1).mean(dim=1)
