"""Crops of people: the truth is in the pixels of the crop and in the axes of a camera that looks at the root."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from model.errors import BadData
from model.joints import COCO_JOINTS, COCO_ROOT
from model.network.topology import MeshTopology
from training.images.crops import PeopleCrops
from training.images.datasets.base import DatasetPerson, SmplParameters, limbs_to_coco, middle_of_hips, read_image
from training.images.datasets.joint_sets import LIMBS_IN_COCO
from training.images.sample import ImageSample, look_at_root

FOCAL, POINT, SIZE = 900.0, (500.0, 300.0), 128
V, C = 6890, 20


@pytest.fixture(scope="module")
def topology() -> MeshTopology:
    """SMPL's number of vertices; the first 17 are the joints."""
    generator = torch.Generator().manual_seed(0)
    near = torch.zeros(V, 1, dtype=torch.long)
    return MeshTopology(
        "smpl", COCO_JOINTS, COCO_ROOT, torch.zeros(1, 3, dtype=torch.long), torch.randn(V, 3, generator=generator),
        torch.eye(17, V), torch.arange(C), near, torch.ones(V, 1),
    )  # fmt: skip


def limbs() -> np.ndarray:
    """Far to the left and high up in the picture."""
    rng = np.random.default_rng(3)
    return (rng.normal(0, 0.3, (12, 3)) + np.array([-1.2, -0.6, 4.0])).astype(np.float32)


@pytest.fixture
def person(tmp_path: Path) -> DatasetPerson:
    """A white disc on each limb joint."""
    places = limbs()
    pixels = FOCAL * places[:, :2] / places[:, 2:] + np.array(POINT)
    image = np.zeros((600, 1000, 3), np.uint8)
    for x, y in pixels:
        cv2.circle(image, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 80, (255, 255, 255), -1, shift=4)
    cv2.imwrite(str(tmp_path / "one.png"), image)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    x, y = ((low + high) / 2).tolist()
    return DatasetPerson(
        image=tmp_path / "one.png",
        centre=(x, y),
        side=float(1.3 * (high - low).max()),
        groups={},
        focal_length=FOCAL,
        principal_point=POINT,
        joints=places,
        joints_2d=limbs_to_coco(pixels),
        translation=middle_of_hips(places),
    )


def check_projects(sample: ImageSample) -> None:
    """R p + t, projected by the crop's camera, is where the 2D truth is; the root is the origin."""
    assert sample.joints is not None and sample.joints_2d is not None and sample.joints_valid is not None
    assert sample.camera is not None and sample.translation is not None
    assert sample.joints_valid.sum() == 12
    torch.testing.assert_close(sample.joints[list(COCO_ROOT)].mean(dim=0), torch.zeros(3), atol=1e-6, rtol=0)
    places = sample.joints @ look_at_root(sample.translation).T + sample.translation
    seen = sample.camera[0] * places[:, :2] / places[:, 2:] + sample.camera[1:]
    valid = sample.joints_valid
    torch.testing.assert_close(seen[valid], sample.joints_2d[valid], atol=0.02, rtol=0)


@pytest.mark.parametrize("placed", [True, False])
def test_a_crop_and_its_truth_go_together(person: DatasetPerson, topology: MeshTopology, placed: bool) -> None:
    """Whether the reader says where the person is, or the 2D joints do."""
    moved = np.float32([5, 5, 5])
    joints = limbs() if placed else limbs() + moved  # a reader's origin does not matter then
    one = replace(person, joints=joints, translation=person.translation if placed else None)
    sample = PeopleCrops([one], topology, SIZE)[0]
    assert sample.image.shape == (3, SIZE, SIZE) and sample.vertices is None
    check_projects(sample)
    assert sample.joints_2d is not None and sample.joints_2d_valid is not None and sample.joints_valid is not None
    assert sample.joints_2d_valid.tolist() == sample.joints_valid.tolist()
    for x, y in sample.joints_2d[list(LIMBS_IN_COCO)].floor().long():
        assert sample.image[:, y, x].min() > 200
    assert sample.translation is not None and person.translation is not None
    torch.testing.assert_close(sample.translation, torch.from_numpy(person.translation), atol=2e-3, rtol=0)


class OneBody:
    """Stands for SMPL's model files: one mesh, whose first vertices are the joints."""

    def __init__(self, topology: MeshTopology):
        self.mesh = topology.template * 0.3 + torch.tensor([7.0, 7.0, 7.0])
        self.mesh[list(LIMBS_IN_COCO)] = torch.from_numpy(limbs())

    def pose(self, _: SmplParameters) -> tuple[torch.Tensor, torch.Tensor]:
        return self.mesh, self.mesh[list(LIMBS_IN_COCO)]


def test_smpls_mesh_is_in_the_same_axes(person: DatasetPerson, topology: MeshTopology) -> None:
    parameters = SmplParameters(np.zeros((24, 3), np.float32), np.zeros(10, np.float32), "neutral")
    body: Any = OneBody(topology)
    sample = PeopleCrops([replace(person, smpl=parameters)], topology, SIZE, body)[0]
    assert sample.vertices is not None and sample.joints is not None and sample.joints_valid is not None
    assert sample.joints_valid.all()  # the mesh has a face, too
    torch.testing.assert_close(sample.vertices[:17], sample.joints)
    assert sample.translation is not None
    root = torch.from_numpy(middle_of_hips(limbs()))
    torch.testing.assert_close(sample.vertices @ look_at_root(root).T + root, body.mesh[:C], atol=1e-4, rtol=0)
    other = replace(topology, template=topology.template[:5000], joint_regressor=torch.eye(17, 5000))
    sample = PeopleCrops([replace(person, smpl=parameters)], other, SIZE, body)[0]
    assert sample.vertices is None
    check_projects(sample)


def test_2d_joints_alone(person: DatasetPerson, topology: MeshTopology) -> None:
    seen = person.joints_2d
    assert seen is not None
    hidden = np.arange(17) % 2 == 0
    flat = replace(person, joints=None, translation=None, focal_length=None, principal_point=None, visible=hidden)
    sample = PeopleCrops([flat], topology, SIZE)[0]
    assert sample.joints is None and sample.camera is None and sample.translation is None
    assert sample.joints_visible is not None and sample.joints_visible.tolist() == [
        i >= 5 and i % 2 == 0 for i in range(17)
    ]


def test_what_cannot_be_cropped_gets_a_sentence(person: DatasetPerson, topology: MeshTopology, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"one\.png does not go with its annotation"):
        PeopleCrops([replace(person, centre=(5000.0, 10.0))], topology, SIZE)[0]
    with pytest.raises(BadData, match=r"two\.png is not there"):
        PeopleCrops([replace(person, image=tmp_path / "two.png")], topology, SIZE)[0]
    person.image.write_bytes(person.image.read_bytes()[:40])
    with pytest.raises(BadData, match=r"one\.png cannot be read as an image"):
        PeopleCrops([person], topology, SIZE)[0]
    Image.new("L", (10_000, 7_000)).save(tmp_path / "large.png")
    with pytest.raises(BadData, match=r"70 megapixels"):
        read_image(tmp_path / "large.png")


def test_scaled_images_are_not_taken_for_the_originals(person: DatasetPerson, topology: MeshTopology) -> None:
    height, width = read_image(person.image).shape[:2]
    PeopleCrops([replace(person, size=(width, height))], topology, 64)[0]
    twice = replace(person, principal_point=None, size=(2 * width, 2 * height))
    point = replace(person, principal_point=(float(width), float(height)))
    for other in (twice, point):
        with pytest.raises(BadData, match=f"annotation is for about {2 * width} x {2 * height}"):
            PeopleCrops([other], topology, 64)[0]


def test_pixels_are_taken_as_they_are_stored(tmp_path: Path) -> None:
    """Annotations of data sets know nothing of EXIF; those of a person's photos do."""
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (40, 20, 3)
    assert read_image(tmp_path / "turned.jpg", upright=False).shape == (20, 40, 3)
