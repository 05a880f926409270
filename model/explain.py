"""What the network saw, as pictures: heatmaps (Fig. 6), and which joints its mesh follows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch

from model.errors import BadInput
from model.network.influence import joint_influence
from model.perception.bars import shown_part
from model.perception.crops import Crop, upright_crop
from model.perception.exposure import well_exposed
from model.perception.landmarks import LIFTED
from model.reconstructor import Reconstructor
from model.rendering.contact_sheet import sheet
from model.rendering.overlay import overlay
from model.rendering.shading import Figure
from model.results import Person
from model.runtime.torch_runtime import TorchNetwork

_TILE, _COLUMNS, _GROUND = 224, 6, 245
_RING, _DOT = (20, 20, 20), (255, 255, 255)


@dataclass(frozen=True)
class Insight:
    """One person, or hand, with what the network saw of her."""

    person: Person
    crop: Crop
    """The square of the photo that the heatmaps cover; of a hand with its fingers up, as a right one."""
    picture: np.ndarray
    """(S, S, 3) uint8 RGB, what that square shows."""
    heatmaps: np.ndarray
    """(K, s, s) float32 in 0..1, which cover the crop."""
    influence: np.ndarray
    """(V, K) float32, each joint's share in what moves a vertex, see `joint_influence`; rows sum to 1."""


@torch.inference_mode()
def explain_person(reconstructor: Reconstructor, photo: np.ndarray, person: Person) -> Insight:
    """Runs the network once more as it ran; nobody else may use it meanwhile.

    Args:
        reconstructor: The one that found her, run by PyTorch: the exported network does not show its inside.
        photo: (H, W, 3) uint8 RGB, upright, in which she was found.
        person: One of its people.

    Raises:
        BadInput: The engine is another.
    """
    network = reconstructor.network
    if not isinstance(network, TorchNetwork):
        raise BadInput("Only PyTorch's engine shows what the network sees: choose the engine torch.")
    photo = well_exposed(photo, shown_part(photo) if reconstructor.subject == "body" else None)
    mesh, topology, size = network.mesh.network, network.topology, network.info.crop_size
    crop = person.crop or upright_crop(person.bbox)
    if person.landmarks_2d is not None:
        centre = person.camera.principal_point
        lifted = person.landmarks_2d[LIFTED]
        keypoints = np.column_stack([crop.turn(lifted[:, :2], centre), lifted[:, 2]])
        drawn = (keypoints.astype(np.float32), np.array(crop.to_upright(centre), np.float32))
        heatmaps = network.keypoint_mesh.draw(*(torch.from_numpy(each)[None].to(network.device) for each in drawn))
        squares = None
    else:
        pixels = torch.from_numpy(crop.cut(photo, size)).to(network.device)
        heatmaps, squares = mesh.detect(pixels.permute(2, 0, 1)[None].float())
    if squares is not None:
        x, y, half = squares[0].tolist()
        (middle,) = crop.to_photo(size / 2 * (1 + np.array([[x, y]])), size)
        crop = replace(crop, centre=(float(middle[0]), float(middle[1])), side=half * crop.side)
    joints = len(person.joint_names)
    coarse = joint_influence(mesh.transformer, heatmaps, joints)[0].cpu()  # (C, K)
    spread = (coarse[topology.neighbours.cpu()] * topology.weights.cpu()[..., None]).sum(dim=1).clamp(min=0)  # (V, K)
    return Insight(
        person,
        crop,
        crop.cut(photo, size),
        heatmaps[0, :joints].cpu().numpy(),
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


def influence_sheet(insight: Insight, faces: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The mesh once for each joint, brighter where its vertices follow that joint: (H, W, 3) uint8 RGB.

    Black is no influence at all, the middle of the scale an equal share for every joint, yellow twice as much or more.

    Args:
        insight: The person.
        faces: (F, 3) of the network's mesh.
        names: The joints'.
    """
    person, crop, camera = insight.person, insight.crop, insight.person.camera
    scale = _TILE / crop.side
    focal = camera.focal_length * scale
    middle = crop.axes @ np.subtract(camera.principal_point, crop.centre) * scale + _TILE / 2
    to_view = np.eye(3, dtype=np.float32)
    to_view[:2, :2] = crop.axes.T
    joints, vertices = camera.to_camera(person.joints) @ to_view, camera.to_camera(person.vertices) @ to_view
    dots = focal * joints[:, :2] / joints[:, 2:] + middle
    outward = person.faces[:, :: -1 if crop.mirrored else 1]
    ground = np.full((_TILE, _TILE, 3), _GROUND, np.uint8)
    tiles = [("what the 2D network sees", cv2.resize(insight.picture, (_TILE, _TILE), interpolation=cv2.INTER_AREA))]
    for joint, name in enumerate(names):
        share = insight.influence[:, joint] * (len(names) / 2)
        figure = Figure(vertices, outward, _colours(share))
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
