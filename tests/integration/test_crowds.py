"""Several people in one photo, with the shipped weights: each one is found, and answers for herself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from model.reconstructor import Reconstructor
from model.results import Person
from tests.support.render import draw_person
from training.bodies.anny import AnnyBody
from training.rotations import axis_angle_to_matrix

SAMPLE = Path(__file__).parents[2] / "service" / "static" / "sample.jpg"
SIDE, FOCAL = 640, 700.0


@pytest.fixture(scope="module")
def reconstructor(load: Callable[..., Reconstructor]) -> Reconstructor:
    return load(device="cpu", engine="torch")


def off(person: Person, joints: np.ndarray) -> float:
    """How far a person's joints lie from some pixels (17, 2), as part of their height."""
    distance = np.linalg.norm(person.camera.project(person.joints) - joints, axis=1).mean()
    return float(distance / np.ptp(joints[:, 1]))


@pytest.fixture(scope="module")
def whole() -> Image.Image:
    return Image.open(SAMPLE).convert("RGB")


@pytest.fixture(scope="module")
def people(reconstructor: Reconstructor, whole: Image.Image) -> list[Person]:
    return reconstructor.reconstruct(np.asarray(whole)).people


@pytest.mark.parametrize(
    ("rows", "width", "filled"),
    [(1, 640, 1), (3, 210, 4), *(pytest.param(*case, marks=pytest.mark.slow) for case in ((2, 430, 4), (3, 210, 9)))],
)
def test_people_are_found_however_small(
    reconstructor: Reconstructor, whole: Image.Image, people: list[Person], rows: int, width: int, filled: int
) -> None:
    """The sample in the first places of a grid; in the others the wall beside its people."""
    small = np.asarray(whole.resize((width, round(whole.height * width / whole.width)), Image.Resampling.BOX))
    photo = np.tile(small, (rows, rows, 1))
    corners = [np.array([column * width, row * len(small)]) for row, column in np.ndindex(rows, rows)]
    for x, y in corners[filled:]:
        photo[y : y + len(small), x : x + width] = small[:1]
    found = reconstructor.reconstruct(photo).people
    assert len(found) == filled * len(people)
    for corner in corners[:filled]:
        for person in people:
            joints = person.camera.project(person.joints) * width / whole.width + corner
            assert min(off(other, joints) for other in found) < 0.3  # of 100 pixels one sees hardly front from back


@pytest.fixture(scope="module")
def three(reconstructor: Reconstructor) -> tuple[np.ndarray, list[np.ndarray], list[tuple[float, ...]]]:
    """A photo of three who stand shoulder to shoulder, the middle one a step behind; their joints and their boxes."""
    topology, body = reconstructor.network.topology, AnnyBody.load()
    pose = torch.zeros(1, 22, 3)
    pose[0, 0, 0], pose[0, 16, 2], pose[0, 17, 2] = torch.pi / 2, -1.2, 1.2  # upright, the arms down
    standing = body.pose(axis_angle_to_matrix(pose), body.mean_shape()[None])[0]
    standing = standing @ torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    standing = standing - topology.root((topology.joint_regressor @ standing)[None])[0]
    photo, joints, boxes = None, [], []
    for at in ((0.1, 0.0, 4.4), (-0.5, 0.0, 3.6), (0.5, 0.0, 3.6)):
        placed = standing + torch.tensor(at)
        arrays = (placed.numpy(), topology.faces.numpy(), topology.template.numpy())
        photo = draw_person(*arrays, FOCAL, (SIDE, SIDE), canvas=photo)
        outline, points = (FOCAL * p[:, :2] / p[:, 2:] + SIDE / 2 for p in (placed, topology.joint_regressor @ placed))
        low, high = outline.amin(dim=0), outline.amax(dim=0)
        joints.append(points.numpy())
        boxes.append((*low.tolist(), *(high - low).tolist()))
    assert photo is not None
    return photo, joints, boxes


def test_who_stands_behind_two_others_is_found(reconstructor: Reconstructor, three) -> None:
    photo, joints, _ = three
    people = reconstructor.reconstruct(photo, focal_length=FOCAL).people
    assert len(people) == 3
    for points in joints:
        assert min(off(person, points) for person in people) < 0.12


def test_her_box_gives_herself(reconstructor: Reconstructor, three) -> None:
    photo, joints, boxes = three
    for box, points in zip(boxes, joints, strict=True):
        (person,) = reconstructor.reconstruct(photo, boxes=[box], focal_length=FOCAL).people
        assert person.bbox == box and off(person, points) < 0.12
