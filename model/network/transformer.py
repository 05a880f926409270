"""The mesh regression transformer: heatmaps in, joints, coarse vertices and a weak-perspective camera out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.network.heatmaps import CROP_SIZE, SIGMA, Peaks, draw_heatmaps, read_heatmaps, read_peaks
from model.network.lifting import MeshPrediction, PoseLift, in_metres
from model.network.sizes import TransformerSize
from model.network.topology import MeshTopology


class Attention(nn.Module):
    """Multi-head attention from tokens (B, N, D) to a context (B, M, E)."""

    def __init__(self, width: int, heads: int, context: int | None = None):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(context or width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        b, n, width = tokens.shape
        query = self.query(tokens).view(b, n, self.heads, -1).transpose(1, 2)  # (B, H, N, D / H)
        pair = self.key_value(context).view(b, context.shape[1], 2, self.heads, -1)
        key, value = pair.permute(2, 0, 3, 1, 4).unbind(0)  # (B, H, M, D / H) each
        mixed = attend(query, key, value)
        return self.out(mixed.transpose(1, 2).reshape(b, n, width))


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention; spelled out on the CPU, where the fused kernel's backward is slower."""
    if query.is_cuda:
        return F.scaled_dot_product_attention(query, key, value)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    return scores.softmax(dim=-1) @ value


class Block(nn.Module):
    """A pre-norm transformer layer: attention among the tokens, attention to a memory, a feed-forward network.

    Either attention may be left out.
    """

    def __init__(self, width: int, heads: int, *, among: bool = True, memory: int | None = None, ratio: int = 4):
        super().__init__()
        self.among_norm = nn.LayerNorm(width) if among else None
        self.among = Attention(width, heads) if among else None
        self.memory_norm = nn.LayerNorm(width) if memory else None
        self.memory = Attention(width, heads, memory) if memory else None
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width)
        )

    def forward(self, tokens: Tensor, memory: Tensor | None = None) -> Tensor:
        if self.among is not None and self.among_norm is not None:
            normed = self.among_norm(tokens)
            tokens = tokens + self.among(normed, normed)
        if self.memory is not None and self.memory_norm is not None and memory is not None:
            tokens = tokens + self.memory(self.memory_norm(tokens), memory)
        return tokens + self.mlp(tokens)


class HeatmapTokens(nn.Module):
    """Splits heatmaps into patches and embeds each as a token (section 3.1.1), keeping all or the fullest."""

    def __init__(self, maps: int, size: int, patch: int, width: int, budget: int | None):
        super().__init__()
        self.patch, self.budget = patch, budget
        count = (size // patch) ** 2
        self.mlp = nn.Sequential(nn.Linear(maps * patch * patch, width), nn.GELU(), nn.Linear(width, width))
        self.position = nn.Parameter(torch.randn(count, width) * 0.02)

    def forward(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, D), and each joint's heat in each token's patch (B, K, T)."""
        b, k, size, _ = heatmaps.shape
        grid, p = size // self.patch, self.patch
        patches = heatmaps.view(b, k, grid, p, grid, p).permute(0, 2, 4, 1, 3, 5).reshape(b, grid * grid, k, p * p)
        heat = patches.sum(dim=-1)  # (B, T, K)
        position = self.position.expand(b, -1, -1)
        if self.budget is not None and self.budget < grid * grid:
            kept = heat.sum(dim=-1).topk(self.budget, dim=1).indices  # (B, budget)
            patches = patches.gather(1, kept[..., None, None].expand(-1, -1, k, p * p))
            heat = heat.gather(1, kept[..., None].expand(-1, -1, k))
            position = position.gather(1, kept[..., None].expand(-1, -1, position.shape[-1]))
        return self.mlp(patches.flatten(2)) + position, heat.transpose(1, 2)


class MeshTransformer(nn.Module):
    """Regresses 3D joints and coarse vertices from pose heatmaps.

    Joint queries start from their position on the template body, from what all heatmaps say together (`PoseLift`)
    and from the heatmap tokens in which they have heat. They attend to one another and to the heatmap tokens, and
    correct the first guess. The mesh comes either from vertex queries in the same encoder (the paper's layout,
    `size.decoder` is None), or from a light decoder: one linear map of the joint tokens corrects the coarse mesh,
    which the vertex queries take in and correct again while attending to the joint tokens alone.

    With `size.image_features` it reads a backbone's feature maps instead, to compare: they are read out in the same
    way, and since none of them belongs to a joint, joint queries start from the mean of all tokens.
    """

    def __init__(self, size: TransformerSize, topology: MeshTopology):
        super().__init__()
        self.size, self.unit = size, topology.unit
        maps = size.image_features or topology.joint_count
        self.lift = PoseLift(size.lift, topology, maps)
        if not size.encoder:
            return
        k, c = topology.joint_count, topology.coarse_count
        first, last = size.encoder[0][0], size.encoder[-1][0]
        token_width = size.memory or first
        self.tokens = HeatmapTokens(maps, size.heatmap_size, size.patch, token_width, size.token_budget)

        template_joints = topology.joint_regressor @ topology.template / topology.unit
        self.register_buffer("template_joints", template_joints, persistent=False)
        self.register_buffer("template_vertices", topology.template[topology.coarse] / topology.unit, persistent=False)
        self.joint_query = nn.Parameter(torch.randn(k, first) * 0.02)
        self.joint_place = nn.Linear(3, first)
        self.joint_lift = nn.Linear(size.lift, k * first)
        self.joint_pool = nn.Linear(token_width, first)
        self.joint_mask = nn.Parameter(torch.randn(first) * 0.02)

        vertex_width = size.decoder[0] if size.decoder else first
        self.vertex_query = nn.Parameter(torch.randn(c, vertex_width) * 0.02)
        self.vertex_place = nn.Linear(3, vertex_width)
        self.vertex_mask = nn.Parameter(torch.randn(vertex_width) * 0.02)

        self.encoder = nn.ModuleList()
        self.narrow = nn.ModuleList()
        for (width, layers), (following, _) in zip(size.encoder, size.encoder[1:] + size.encoder[-1:], strict=True):
            self.encoder.append(nn.ModuleList(Block(width, size.heads, memory=size.memory) for _ in range(layers)))
            self.narrow.append(nn.Identity() if following == width else nn.Linear(width, following))
        self.norm = nn.LayerNorm(last)
        self.joint_head = nn.Linear(last, 3)
        self.camera_head = nn.Linear(last, 3)

        if size.decoder:
            width, layers = size.decoder
            self.skip = nn.Linear(k * last, c * 3)
            self.skip_place = nn.Linear(3, width)
            self.decoder = nn.ModuleList(
                Block(width, max(1, width // 64), among=False, memory=last, ratio=2) for _ in range(layers)
            )
            self.decoder_norm = nn.LayerNorm(width)
            nn.init.normal_(self.skip.weight, std=1e-3)
        self.vertex_head = nn.Linear(size.decoder[0] if size.decoder else last, 3)
        for head in (self.joint_head, self.camera_head, self.vertex_head):
            nn.init.normal_(head.weight, std=1e-2)
            nn.init.zeros_(head.bias)

    def forward(
        self, heatmaps: Tensor, masked_joints: Tensor | None = None, masked_vertices: Tensor | None = None
    ) -> MeshPrediction:
        """Runs the network.

        Args:
            heatmaps: (B, K, S, S), S = `size.heatmap_size`, values 0..1; or image features (B, F, S, S), 0 or more.
            masked_joints: (B, K) bool, and
            masked_vertices: (B, C) bool: queries hidden by Masked Vertex Modeling, in training only.
        """
        readout = read_heatmaps(heatmaps)
        if self.size.coordinates:
            at = (readout.position + 1) * (CROP_SIZE / 2)
            one = torch.ones_like(readout.peak)
            readout = read_peaks(Peaks(at, SIGMA * one, one), self.size.heatmap_size, SIGMA)
            if self.size.encoder:  # nothing else looks at heatmaps
                heatmaps = draw_heatmaps(at, self.size.heatmap_size)
        lifted, guess = self.lift(readout.features())
        if not self.size.encoder:
            return in_metres(guess, self.unit)

        tokens, heat = self.tokens(heatmaps)  # (B, T, E), (B, K, T)
        if self.size.image_features:
            pooled = tokens.mean(dim=1, keepdim=True)  # (B, 1, E)
        else:
            pooled = (heat / (heat.sum(dim=-1, keepdim=True).abs() + 1e-3)) @ tokens  # (B, K, E)
        joints = self.joint_query + self.joint_place(self.template_joints) + self.joint_pool(pooled)
        joints = joints + self.joint_lift(lifted).unflatten(1, joints.shape[1:])
        if masked_joints is not None:
            joints = torch.where(masked_joints[..., None], self.joint_mask + self.joint_query, joints)
        vertices = (self.vertex_query + self.vertex_place(self.template_vertices)).expand(len(heatmaps), -1, -1)
        if masked_vertices is not None:
            vertices = torch.where(masked_vertices[..., None], self.vertex_mask, vertices)

        k, c = joints.shape[1], vertices.shape[1]
        sequence = [joints]
        if self.size.decoder is None:
            sequence.append(vertices)
        if self.size.memory is None:
            sequence.append(tokens)
        state = torch.cat(sequence, dim=1)
        for blocks, narrow in zip(self.encoder, self.narrow, strict=True):
            for block in blocks:  # type: ignore[attr-defined]
                state = block(state, tokens)
            state = narrow(state)
        state = self.norm(state)
        joint_state = state[:, :k]
        joint_answer = guess.joints + self.joint_head(joint_state)
        camera = guess.camera + self.camera_head(joint_state.mean(dim=1))

        if self.size.decoder is None:
            vertex_answer = guess.vertices + self.vertex_head(state[:, k : k + c])
        else:
            coarse = guess.vertices + self.skip(joint_state.flatten(1)).unflatten(1, (c, 3))
            vertices = vertices + self.skip_place(coarse)
            for block in self.decoder:
                vertices = block(vertices, joint_state)
            vertex_answer = coarse + self.vertex_head(self.decoder_norm(vertices))
        return in_metres(MeshPrediction(vertex_answer, joint_answer, camera), self.unit)
