"""People in boxes that were given."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import BadInput
from model.perception.crops import square_crop
from model.reconstructor import Reconstructor
from model.results import Person
from tests.support.drawn import FOCAL, SIZE, Picture, draw_picture


def test_given_boxes_are_used_in_their_order(reconstructor: Reconstructor, picture: Picture, person: Person) -> None:
    x, y, w, h = person.bbox
    left, beside = (0.0, 0.0, 60.0, 100.0), (x + 1.02 * w, y, 0.5 * w, h)
    boxes = [left, person.bbox, beside]
    people = reconstructor.reconstruct(picture.image, boxes=boxes, focal_length=FOCAL).people
    assert [p.bbox for p in people] == boxes
    np.testing.assert_allclose(people[1].joints, person.joints, atol=0.1)  # a pixel is centimetres of depth
    assert people[0].score < 0.5 * people[1].score
    assert people[2].score < 0.2 * people[1].score  # the network looks beyond a box, and sees who is beside it


def test_a_box_of_who_is_half_hidden_gives_her_and_not_who_hides_her(reconstructor: Reconstructor) -> None:
    topology = reconstructor.network.topology
    behind = draw_picture(topology, (-0.25, 0.0, 3.4))
    before = draw_picture(topology, (0.05, 0.05, 3.0), turn=0.4, canvas=behind.image)
    both, boxes = (behind, before), []
    for each in both:
        low, high = each.pixels.min(axis=0), each.pixels.max(axis=0)
        margin = 0.08 * (high - low)[1]
        boxes.append((*(low - margin), *(high - low + 2 * margin)))
    people = reconstructor.reconstruct(before.image, boxes=boxes, focal_length=FOCAL, mesh="raw", ground=False).people
    for person, truth in zip(people, both, strict=True):
        off = np.linalg.norm(person.keypoints_2d[:, :2] - truth.pixels, axis=1)
        assert np.median(off) < 0.06 * np.ptp(truth.pixels[:, 1])


@pytest.mark.parametrize(("scale", "shift"), [(1.5, 0.1), (2.0, -0.2), (3.0, 0.3)])
def test_a_loose_box_gives_the_person_of_a_fitting_one(
    reconstructor: Reconstructor, picture: Picture, person: Person, scale: float, shift: float
) -> None:
    x, y, w, h = person.bbox
    box = (x + w / 2 + (shift - scale / 2) * w, y + h / 2 - scale * h / 2, scale * w, scale * h)
    (loose,) = reconstructor.reconstruct(picture.image, boxes=[box], focal_length=FOCAL).people
    assert loose.bbox == box and loose.crop is not None and loose.crop.side < 1.2 * square_crop(person.bbox)[2]
    assert np.linalg.norm(loose.joints - person.joints, axis=1).mean() < 0.05
    assert np.abs(loose.camera.project(loose.joints) - person.camera.project(person.joints)).mean() < 6
    s, tx, ty = loose.camera.weak_perspective  # into the crop of the box that was given
    cx, cy, side = square_crop(box)
    in_photo = (s * loose.joints[:, :2] + (tx, ty)) * side / 2 + (cx, cy)
    assert np.abs(in_photo - loose.camera.project(loose.joints)).mean() < 8


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_photo_gives_the_turned_person(
    reconstructor: Reconstructor, picture: Picture, person: Person, quarters: int
) -> None:
    """Who lies, or stands on the hands."""
    turned = np.ascontiguousarray(np.rot90(picture.image, quarters))
    turn = np.linalg.matrix_power(np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], np.float32), quarters)
    corners = np.array([person.bbox[:2], np.add(person.bbox[:2], person.bbox[2:])]) - np.array(SIZE) / 2
    low, high = np.sort(corners @ turn[:2, :2].T, axis=0) + np.array(turned.shape[1::-1]) / 2
    (found,) = reconstructor.reconstruct(turned, boxes=[(*low, *(high - low))], focal_length=FOCAL).people
    # Limbs that lie in the picture's plane: a pixel more or less is a decimetre of depth.
    assert np.linalg.norm(found.joints - person.joints @ turn.T, axis=1).mean() < 0.06
    assert np.linalg.norm(found.joints - person.joints, axis=1).mean() > 0.3
    expected = (person.camera.project(person.joints) - np.array(SIZE) / 2) @ turn[:2, :2].T + np.array(
        turned.shape[1::-1]
    ) / 2
    assert np.abs(found.camera.project(found.joints) - expected).mean() < 4
    assert np.abs(found.keypoints_2d[:, :2] - found.camera.project(found.joints)).mean() < 12


@pytest.mark.parametrize(
    "box",
    [(0, 0, np.nan, 5), (0, 0, 1, 50), (900, 0, 10, 10), (-50, 0, 40, 40), (0.0, 0.0, np.inf, 5.0), (0, 0, 6401, 50)],
)
def test_boxes_that_cannot_be_used_get_a_sentence(reconstructor: Reconstructor, picture: Picture, box: tuple) -> None:
    with pytest.raises(BadInput, match="box"):
        reconstructor.reconstruct(picture.image, boxes=[box])
