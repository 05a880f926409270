"""The one record of an image with whatever truth it has, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from model.network.projection import smallest_rotation
from training.losses import MeshTruth


@dataclass(frozen=True)
class ImageSample:
    """A square crop around one person, and what is known of it; None where nothing is known.

    3D truth is in the axes of a camera that looks at the root (for a body the middle of the hips), which is the
    origin: x right, y down, z forward, metres. Pre-training's virtual cameras look there too, and a network that sees
    only a crop cannot tell in which corner of a photo it was; `look_at_root` takes truth in a photo's camera there.
    2D truth is in pixels of the crop, the centre of the first pixel at 0.5.
    """

    name: str
    """Where it is from, for a person to find it again: "rendered/0/17", "3dpw/downtown_walking_00/000123/1"."""
    image: Tensor
    """(3, S, S) uint8 RGB; black beyond the photo's edges."""
    vertices: Tensor | None = None
    """(C, 3) the topology's coarse vertices."""
    full_vertices: Tensor | None = None
    """(V, 3) the whole mesh, where it was asked for."""
    joints: Tensor | None = None
    """(K, 3)."""
    joints_valid: Tensor | None = None
    """(K,) bool, which of `joints` are known; None for all."""
    joints_2d: Tensor | None = None
    """(K, 2)."""
    joints_2d_valid: Tensor | None = None
    """(K,) bool, which of `joints_2d` are known, whether seen or not; None for all."""
    joints_visible: Tensor | None = None
    """(K,) bool, which of `joints_2d` are in the photo and hidden by nothing; None where nobody knows."""
    camera: Tensor | None = None
    """(3,) focal length and principal point of the crop, pixels."""
    translation: Tensor | None = None
    """(3,) metres: the root in the axes of the photo's camera, whose optical axis meets the crop's plane at the
    principal point. A point p of the person projects from R p + translation; see `look_at_root` for R."""
    up: Tensor | None = None
    """(3,) which way is up, of length 1, in the axes of the 3D truth."""


def look_at_root(translation: Tensor) -> Tensor:
    """R (..., 3, 3): the smallest rotation of a camera's optical axis to the ray of the root.

    It takes points in the axes of a camera that looks at the root, as a record has them, to the photo's camera. A
    reader whose truth (N, 3) is in the photo's camera, root at the origin, stores `truth @ R`.

    Args:
        translation: (..., 3) the root in the photo's camera, before it (z > 0).
    """
    axis = torch.tensor([0.0, 0.0, 1.0], dtype=translation.dtype, device=translation.device)
    return smallest_rotation(axis.expand_as(translation), nn.functional.normalize(translation, dim=-1))


@dataclass(frozen=True)
class ImageBatch:
    """Samples with one tensor a field; unknown entries are zero and not valid."""

    names: tuple[str, ...]
    images: Tensor
    """(B, 3, S, S) uint8."""
    vertices: Tensor
    """(B, C, 3)."""
    vertices_valid: Tensor
    """(B, 1) bool."""
    joints: Tensor
    """(B, K, 3)."""
    joints_valid: Tensor
    """(B, K) bool."""
    joints_2d: Tensor
    """(B, K, 2)."""
    joints_2d_valid: Tensor
    """(B, K) bool."""
    joints_visible: Tensor
    """(B, K) bool; False also where nobody knows."""
    full_vertices: Tensor | None
    """(B, V, 3), if all samples have them."""
    camera: Tensor | None
    """(B, 3), likewise."""
    translation: Tensor | None
    """(B, 3), likewise."""

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device | str) -> ImageBatch:
        """The batch on another device."""
        moved: dict[str, Any] = {
            key: value.to(device) for key, value in vars(self).items() if isinstance(value, Tensor)
        }
        return replace(self, **moved)

    def crops(self) -> Tensor:
        """(B, 3, S, S) float32 in 0..255, what backbones take."""
        return self.images.float()

    def truth(self) -> MeshTruth:
        """What the losses of Eq. 2 to 6 ask for.

        2D joints farther than half a crop beyond its edge do not count: there a re-projection error says nothing,
        and would outweigh the rest.
        """
        in_crop = self.joints_2d * (2 / self.images.shape[-1]) - 1  # -1..1 across the crop
        near = (in_crop.abs() < 2).all(dim=-1)
        return MeshTruth(
            self.vertices,
            self.joints,
            in_crop,
            self.vertices_valid,
            self.joints_valid,
            self.joints_2d_valid & near,
        )


def collate(samples: Sequence[ImageSample], coarse_count: int, joint_count: int = 17) -> ImageBatch:
    """Makes a batch of samples that may have different kinds of truth.

    Args:
        samples: at least one, all of one image size.
        coarse_count: C, for batches in which no sample has a mesh.
        joint_count: K.
    """
    count = len(samples)

    def gather(field: str, shape: tuple[int, ...], valid_field: str | None = None) -> tuple[Tensor, Tensor]:
        """Values (B, *shape) and their validity (B, shape[0])."""
        values, valid = torch.zeros(count, *shape), torch.zeros(count, shape[0], dtype=torch.bool)
        for row, sample in enumerate(samples):
            value = getattr(sample, field)
            if value is not None:
                known = getattr(sample, valid_field) if valid_field else None
                valid[row] = True if known is None else known
                values[row] = torch.where(valid[row][:, None], value, 0.0)  # unknown values are often NaN
        return values, valid

    def complete(field: str) -> Tensor | None:
        values = [getattr(sample, field) for sample in samples]
        return None if any(value is None for value in values) else torch.stack(values)

    vertices, vertices_valid = gather("vertices", (coarse_count, 3))
    joints, joints_valid = gather("joints", (joint_count, 3), "joints_valid")
    joints_2d, joints_2d_valid = gather("joints_2d", (joint_count, 2), "joints_2d_valid")
    nothing = torch.zeros(joint_count, dtype=torch.bool)
    visible = [nothing if sample.joints_visible is None else sample.joints_visible for sample in samples]
    return ImageBatch(
        names=tuple(sample.name for sample in samples),
        images=torch.stack([sample.image for sample in samples]),
        vertices=vertices,
        vertices_valid=vertices_valid[:, :1],
        joints=joints,
        joints_valid=joints_valid,
        joints_2d=joints_2d,
        joints_2d_valid=joints_2d_valid,
        joints_visible=torch.stack(visible),
        full_vertices=complete("full_vertices"),
        camera=complete("camera"),
        translation=complete("translation"),
    )
