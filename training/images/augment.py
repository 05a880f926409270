"""Random changes to a sample that leave its truth true: mirror, turn, scale, shift, occluders, light and colour."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from model.joints import COCO_MIRROR
from model.network.topology import MeshTopology
from training.images.mesh_mirror import MeshMirror
from training.images.rendered.scenery import occluder, photograph
from training.images.sample import ImageSample


@dataclass(frozen=True)
class AugmentConfig:
    """How much changes; the defaults are about the field's (SPIN, METRO)."""

    mirrored: float = 0.5
    """Chance of the mirror image."""
    turn: float = 30.0
    """Degrees: the largest turn of the camera about its optical axis."""
    turned: float = 0.6
    """Chance of a turn."""
    scale: float = 0.2
    """The person becomes larger or smaller by at most this share."""
    shift: float = 0.05
    """Largest shift, as a share of the crop's side."""
    occluded: float = 0.25
    """Chance of something before the person."""
    photographed: bool = True
    """Whether exposure, colours, sharpness and noise change."""


class Augmentation:
    """Changes samples of people at random; see `AugmentConfig`. What a turn or a shift uncovers is black."""

    def __init__(self, topology: MeshTopology, config: AugmentConfig | None = None):
        """Looks at the mesh.

        Args:
            topology: of the samples' vertices, with COCO's joints.
            config: how much changes.
        """
        self.config = config or AugmentConfig()
        self.mirror = MeshMirror(topology)

    def __call__(self, sample: ImageSample, rng: np.random.Generator) -> ImageSample:
        """Another sample of the same size; the same generator makes the same."""
        config = self.config
        if rng.random() < config.mirrored:
            sample = mirrored(sample, self.mirror)
        angle = np.radians(rng.uniform(-config.turn, config.turn)) if rng.random() < config.turned else 0.0
        factor = float(np.exp(rng.uniform(-1, 1) * np.log1p(config.scale)))
        size = sample.image.shape[-1]
        shift = rng.uniform(-config.shift, config.shift, 2) * size
        sample = moved(sample, angle, factor, (float(shift[0]), float(shift[1])))
        picture = sample.image.permute(1, 2, 0).numpy().astype(np.float32)
        visible = sample.joints_visible
        if rng.random() < config.occluded:
            colour, hidden = occluder(rng, size)
            picture += hidden[..., None] * (colour - picture)
            if visible is not None and sample.joints_2d is not None:
                visible = visible & ~_within(hidden > 0.5, sample.joints_2d)
        pixels = photograph(rng, picture) if config.photographed else np.rint(picture).astype(np.uint8)
        image = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        return replace(sample, image=image, joints_visible=visible)


def mirrored(sample: ImageSample, mesh: MeshMirror) -> ImageSample:
    """The mirror image, its left joints the right ones; the mesh is left out where its mirror image is not known."""
    size = sample.image.shape[-1]
    flip = torch.tensor([-1.0, 1.0, 1.0])
    swap = list(COCO_MIRROR)

    def swapped(values: Tensor | None) -> Tensor | None:
        return None if values is None else values[swap]

    vertices, joints, joints_2d = sample.vertices, swapped(sample.joints), swapped(sample.joints_2d)
    if joints_2d is not None:
        joints_2d = torch.stack([size - joints_2d[:, 0], joints_2d[:, 1]], dim=1)
    camera = sample.camera
    return replace(
        sample,
        image=sample.image.flip(-1),
        vertices=mesh(vertices) if vertices is not None and mesh.known else None,
        full_vertices=None,
        joints=None if joints is None else joints * flip,
        joints_valid=swapped(sample.joints_valid),
        joints_2d=joints_2d,
        joints_2d_valid=swapped(sample.joints_2d_valid),
        joints_visible=swapped(sample.joints_visible),
        camera=None if camera is None else torch.stack([camera[0], size - camera[1], camera[2]]),
        translation=None if sample.translation is None else sample.translation * flip,
    )


def moved(sample: ImageSample, angle: float, factor: float, shift: tuple[float, float]) -> ImageSample:
    """Turns the camera about its optical axis, and scales and shifts the crop.

    All 3D truth turns about z with the camera: if q = R p + t is a point in the camera, then Z q = (Z R Z') Z p + Z t,
    and Z R Z' is the rotation of `look_at_root` for Z t, since a turn about the axis keeps shortest ways shortest.

    Args:
        sample: before.
        angle: radians, clockwise in the picture.
        factor: how much larger the person becomes.
        shift: pixels to the right and down.
    """
    size = sample.image.shape[-1]
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    turn = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    linear = factor * turn[:2, :2]
    middle = torch.full((2,), size / 2)
    offset = middle + torch.tensor(shift) - linear @ middle

    def turned(points: Tensor | None) -> Tensor | None:
        return None if points is None else points @ turn.T

    camera, joints_2d, visible = sample.camera, sample.joints_2d, sample.joints_visible
    if joints_2d is not None:
        joints_2d = joints_2d @ linear.T + offset
        if visible is not None:
            visible = visible & ((joints_2d >= 0) & (joints_2d < size)).all(dim=-1)
    if camera is not None:
        camera = torch.cat([camera[:1] * factor, linear @ camera[1:] + offset])
    # OpenCV's first pixel is at 0, ours at 0.5.
    to_pixels = torch.cat([linear, (linear @ torch.full((2,), 0.5) + offset - 0.5)[:, None]], dim=1)
    picture = cv2.warpAffine(sample.image.permute(1, 2, 0).numpy(), to_pixels.double().numpy(), (size, size))
    return replace(
        sample,
        image=torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))),
        vertices=turned(sample.vertices),
        full_vertices=turned(sample.full_vertices),
        joints=turned(sample.joints),
        joints_2d=joints_2d,
        joints_visible=visible,
        camera=camera,
        translation=turned(sample.translation),
    )


def _within(area: np.ndarray, points: Tensor) -> Tensor:
    """(K,) bool, which points (K, 2) lie in the area (S, S); NaN do not."""
    inside = ((points >= 0) & (points < len(area))).all(dim=-1)
    column, row = points.nan_to_num().long().clamp(0, len(area) - 1).unbind(dim=-1)
    return inside & torch.from_numpy(area)[row, column]
