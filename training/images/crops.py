"""Crops of the people in a data set's photos, with their truth in the crop's pixels and axes, read when asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from model.errors import BadData, BadInput
from model.inputs import check_box
from model.network.placement import ray_rotation, solve_translation
from model.network.topology import MeshTopology
from model.perception.crops import cut_crop
from training.images.datasets.base import DatasetPerson, limbs_to_coco, read_image
from training.images.datasets.joint_sets import LIMBS_IN_COCO
from training.images.datasets.smpl_truth import SMPL_VERTICES, SmplTruth
from training.images.sample import ImageSample, look_at_root

_ENOUGH = 6  # 2D joints to place a person by
_ROUNDED, _OFF_CENTRE = 0.01, 0.4  # of an image's size
_FAREST = 100.0  # metres: beyond, the 2D joints do not belong to the 3D ones


class PeopleCrops(Dataset[ImageSample]):
    """The people of a reader's `SampleSet`, one square crop each.

    Where the truth is SMPL's parameters and the topology is SMPL's, samples bring the mesh and all 17 joints; with
    another topology they bring SMPL's limb joints. Measured joints bring the twelve limbs.
    """

    def __init__(
        self, people: Sequence[DatasetPerson], topology: MeshTopology, size: int, smpl: SmplTruth | None = None
    ):
        """Remembers them; images are read sample by sample.

        Args:
            people: of a reader.
            topology: of the meshes.
            size: pixels on a crop's side.
            smpl: the user's SMPL models; without them SMPL's parameters go unused.
        """
        self.people, self.topology, self.size, self.smpl = people, topology, size, smpl

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: int) -> ImageSample:
        """Reads one.

        Raises:
            BadData: its image is missing, broken, or does not show the person.
        """
        person = self.people[index]
        image = read_image(person.image, upright=False)
        height, width = image.shape[:2]
        _check_size(person, width, height)
        try:
            check_box(person.box, width, height)
        except BadInput as error:
            raise BadData(f"{person.image} does not go with its annotation: {error}") from None
        (x, y), side = person.centre, person.side
        scale, corner = self.size / side, np.array([x, y]) - side / 2
        focal = person.focal_length or float(np.hypot(width, height))  # as `Reconstructor` assumes where nobody knows
        point = np.array(person.principal_point or (width / 2, height / 2))
        joints, vertices = self._truth(person)
        turn, translation = _before_camera(person, joints, focal, point)
        seen = None if person.joints_2d is None else torch.from_numpy((person.joints_2d - corner) * scale).float()
        known = person.focal_length is not None and person.principal_point is not None
        camera = torch.tensor([focal * scale, *((point - corner) * scale)], dtype=torch.float32)
        joints_valid = None if joints is None else ~joints.isnan().any(dim=-1)
        seen_valid = None if seen is None else ~seen.isnan().any(dim=-1)
        visible = (
            None if person.visible is None or seen_valid is None else torch.from_numpy(person.visible) & seen_valid
        )
        return ImageSample(
            name="/".join(person.image.parts[-3:]),
            image=torch.from_numpy(cut_crop(image, (x, y, side), self.size)).permute(2, 0, 1).contiguous(),
            vertices=None if vertices is None else vertices @ turn,
            joints=None if joints is None else joints @ turn,
            joints_valid=joints_valid,
            joints_2d=seen,
            joints_2d_valid=seen_valid,
            joints_visible=visible,
            camera=camera if known else None,
            translation=translation if known else None,
        )

    def _truth(self, person: DatasetPerson) -> tuple[Tensor | None, Tensor | None]:
        """Joints (17, 3), NaN where they are not known, and coarse vertices (C, 3): camera's axes, from the root."""
        vertices = None
        if person.smpl is not None and self.smpl is not None:
            mesh, limbs = self.smpl.pose(person.smpl)
            joints = torch.from_numpy(limbs_to_coco(limbs.numpy()))
            if self.topology.vertex_count == SMPL_VERTICES:
                joints, vertices = self.topology.joint_regressor @ mesh, mesh[self.topology.coarse]
        elif person.joints is not None:
            joints = torch.from_numpy(limbs_to_coco(person.joints[: len(LIMBS_IN_COCO)]))
        else:
            return None, None
        root = self.topology.root(joints[None])[0]
        return joints - root, None if vertices is None else vertices - root


def _check_size(person: DatasetPerson, width: int, height: int) -> None:
    """Sees to it that the annotation is for an image of this size, not for the original of a scaled one.

    Raises:
        BadData: it is not, as its size says, or its principal point, which is near the middle of all cameras' images.
    """
    said: list[tuple[float, float, float]] = []
    if person.size:
        said.append((*person.size, _ROUNDED))
    if person.principal_point:
        x, y = person.principal_point
        said.append((2 * x, 2 * y, _OFF_CENTRE))
    for wide, high, apart in said:
        if max(abs(wide / width - 1), abs(high / height - 1)) > apart:
            raise BadData(
                f"{person.image} has {width} x {height} pixels, but its annotation is for about {wide:.0f} x "
                f"{high:.0f}: give the original images."
            )


def _before_camera(
    person: DatasetPerson, joints: Tensor | None, focal: float, point: np.ndarray
) -> tuple[Tensor, Tensor | None]:
    """The rotation R (3, 3) of `look_at_root`, and where the root is (3,), if that can be known.

    A reader's translation counts first; then the one that puts the 3D joints over the 2D ones; then the ray of the 2D
    hips, or of the crop's middle, which says the direction alone.
    """
    translation = None if person.translation is None else torch.from_numpy(person.translation).float()
    seen = None if person.joints_2d is None else torch.from_numpy(person.joints_2d - point).float()
    if translation is None and joints is not None and seen is not None:
        valid = ~(joints.isnan().any(dim=-1) | seen.isnan().any(dim=-1))
        if valid.sum() >= _ENOUGH:
            every = joints[valid][None], seen[valid][None], torch.ones(1, int(valid.sum()))
            translation = solve_translation(*every, torch.tensor([[focal]]))[0]
            translation = translation if 0 < translation[2] < _FAREST else None
    if translation is not None:
        return look_at_root(translation), translation
    hips = None if seen is None else seen[[11, 12]].mean(dim=0)
    if hips is None or hips.isnan().any():
        hips = torch.from_numpy(np.array(person.centre) - point).float()
    return ray_rotation(hips[None], torch.tensor([[focal]]))[0], None
