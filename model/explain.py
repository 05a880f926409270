"""What the network saw and where it looked, as pictures: heatmaps (Fig. 6) and the mesh's attention to joints."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from model.attention import vertex_attention
from model.detections import Box
from model.errors import BadInput
from model.reconstruct import Person, Reconstructor
from model.render import Figure, overlay
from model.sheet import sheet
from model.torch_network import TorchNetwork
from model.views import square_crop

_TILE, _COLUMNS, _GROUND = 224, 6, 245
_RING, _DOT = (20, 20, 20), (255, 255, 255)


@dataclass(frozen=True)
class Insight:
    """One person, with what the network saw of her."""

    person: Person
    crop: np.ndarray
    """(S, S, 3) uint8 RGB, what the 2D network was given."""
    heatmaps: np.ndarray
    """(K, s, s) float32 in 0..1, which cover the crop."""
    attention: np.ndarray
    """(V, K) float32, each vertex's attention to each joint; rows sum to 1."""


def look_into(reconstructor: Reconstructor, photo: np.ndarray, box: Box, focal_length: float | None = None) -> Insight:
    """Reconstructs the person in a box and keeps what was seen on the way; nobody else may use the network meanwhile.

    Args:
        reconstructor: Run by PyTorch: the exported network does not show its inside.
        photo: (H, W, 3) uint8 RGB, upright.
        box: Where the person is.
        focal_length: Pixels; see `Reconstructor.reconstruct`.

    Raises:
        BadInput: The engine is another, the network is one without attention, or the box cannot be used.
    """
    network = reconstructor.network
    if not isinstance(network, TorchNetwork):
        raise BadInput("Only PyTorch's engine shows what the network sees: choose the engine torch.")
    transformer, topology = network.mesh.network.transformer, network.topology
    crops, maps = [], []
    hooks = [
        network.mesh.register_forward_pre_hook(lambda _, inputs: crops.append(inputs[0])),
        transformer.register_forward_pre_hook(lambda _, inputs: maps.append(inputs[0])),
    ]
    try:
        (person,) = reconstructor.reconstruct(photo, boxes=[box], focal_length=focal_length).people
    finally:
        for hook in hooks:
            hook.remove()
    coarse = vertex_attention(transformer, maps[-1])[0].cpu()  # (C, K)
    spread = (coarse[topology.neighbours.cpu()] * topology.weights.cpu()[..., None]).sum(dim=1).clamp(min=0)  # (V, K)
    return Insight(
        person,
        crops[-1][0].cpu().numpy(),
        maps[-1][0].float().cpu().numpy(),
        torch.nn.functional.normalize(spread, p=1, dim=1).numpy(),
    )


def heatmap_sheet(crop: np.ndarray, heatmaps: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The crop, and each joint's heatmap over it with the height of its peak: (H, W, 3) uint8 RGB.

    Args:
        crop: (S, S, 3) uint8 RGB.
        heatmaps: (K, s, s) in 0..1.
        names: The joints'.
    """
    picture = cv2.resize(crop, (_TILE, _TILE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB) // 2
    tiles = [("what the 2D network sees", picture)]
    for name, heatmap in zip(names, heatmaps, strict=True):
        heat = cv2.resize(np.clip(heatmap, 0, 1), (_TILE, _TILE), interpolation=cv2.INTER_LINEAR)[..., None]
        cover = np.minimum(3 * heat, 1)  # weak peaks matter too
        tile = np.rint(grey * (1 - cover) + _colours(heat[..., 0]) * cover).astype(np.uint8)
        tiles.append((f"{name.replace('_', ' ')}  {heatmap.max():.2f}", tile))
    return sheet(tiles, _COLUMNS)


def attention_sheet(insight: Insight, faces: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The mesh once for each joint, brighter where its vertices attend to that joint: (H, W, 3) uint8 RGB.

    Black is no attention at all, the middle of the scale an equal share for every joint, yellow twice as much or more.

    Args:
        insight: The person.
        faces: (F, 3) of the network's mesh.
        names: The joints'.
    """
    person, camera = insight.person, insight.person.camera
    x, y, side = square_crop(person.bbox)
    scale, corner = _TILE / side, np.array([x, y]) - side / 2
    focal, middle = camera.focal_length * scale, (np.array(camera.principal_point) - corner) * scale
    place = np.array(camera.translation, np.float32)
    joints = person.joints + place
    dots = focal * joints[:, :2] / joints[:, 2:] + middle
    outward = person.outward(faces)
    ground = np.full((_TILE, _TILE, 3), _GROUND, np.uint8)
    tiles = [("the person", cv2.resize(insight.crop, (_TILE, _TILE), interpolation=cv2.INTER_AREA))]
    for joint, name in enumerate(names):
        share = insight.attention[:, joint] * (len(names) / 2)
        figure = Figure(person.vertices + place, outward, _colours(share[outward].mean(axis=1)))
        tile = overlay(ground, [figure], focal, (float(middle[0]), float(middle[1])), opacity=1)
        for radius, colour in ((5, _RING), (3, _DOT)):
            cv2.circle(tile, (round(16 * dots[joint, 0]), round(16 * dots[joint, 1])), 16 * radius, colour, -1,
                       cv2.LINE_AA, 4)  # fmt: skip
        tiles.append((name.replace("_", " "), tile))
    return sheet(tiles, _COLUMNS)


def _colours(values: np.ndarray) -> np.ndarray:
    """Values of any shape, 0..1, as colours of the map "inferno", RGB on a last axis, 0..255."""
    levels = np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
    return cv2.applyColorMap(levels.reshape(-1, 1), cv2.COLORMAP_INFERNO)[:, 0, ::-1].reshape(*values.shape, 3)
