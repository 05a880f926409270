"""Where pictures end: people whom an edge cuts, bars, collages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from model.perception.detection import Detection
from model.reconstructor import Reconstructor
from model.results import Person
from tests.support.drawn import FOCAL, SIZE, Picture


def test_a_person_cut_off_at_the_hips_stays_upright(reconstructor: Reconstructor, picture: Picture) -> None:
    edge = int(picture.pixels[[11, 12], 1].mean()) + 10
    joints = reconstructor.reconstruct(picture.image[:edge], focal_length=FOCAL).people[0].joints
    down = joints[[15, 16]].mean(axis=0)  # where the ankles were imagined
    assert down[1] > 0.45 and abs(down[0]) < 0.35


def test_nobody_has_legs_in_bars_below_the_picture(reconstructor: Reconstructor, picture: Picture) -> None:
    """Networks guess them there, short ones, which would bend her; and the camera looks at the picture's middle."""
    bottom = round(float(picture.pixels[[11, 12], 1].mean())) + 30
    photo = np.pad(picture.image[:bottom], ((60, 240), (0, 0), (0, 0)))
    found = reconstructor.reconstruct(photo, focal_length=FOCAL).people[0]
    assert found.camera.principal_point == pytest.approx((SIZE[0] / 2, 60 + bottom / 2), abs=5)
    assert (found.keypoints_2d[13:17, 2] == 0).all() and (found.keypoints_2d[5:13, 2] > 0.3).all()
    assert found.joints[[15, 16], 1].mean() > 0.65 and np.abs(found.joints[[15, 16], 2]).max() < 0.35


def test_nobody_has_legs_in_the_next_picture_of_a_collage(
    reconstructor: Reconstructor, picture: Picture, person: Person
) -> None:
    hips = round(float(picture.pixels[[11, 12], 1].mean())) + 30
    gutter = np.full((12, SIZE[0], 3), 250, np.uint8)
    collage = np.concatenate([picture.image[:hips], gutter, picture.image[hips:]])  # hers, of all legs
    x, y, w, _ = person.bbox
    (found,) = reconstructor.reconstruct(collage, boxes=[(x, y, w, hips - y)], focal_length=FOCAL).people
    assert (found.keypoints_2d[13:17, 2] == 0).all() and (found.keypoints_2d[5:11, 2] > 0.3).all()


def test_who_is_at_the_side_of_a_collage_is_not_turned_aside(reconstructor: Reconstructor, picture: Picture) -> None:
    gutter = np.full((SIZE[1], 12, 3), 250, np.uint8)
    collage = np.concatenate([picture.image, gutter, picture.image, gutter, picture.image], axis=1)
    people = reconstructor.reconstruct(collage, mesh="raw", ground=False, twice=False).people
    assert len(people) == 3
    hips = [p.joints[11] - p.joints[12] for p in sorted(people, key=lambda p: p.camera.translation[0])]
    facing = np.degrees(np.unwrap([np.arctan2(across[2], across[0]) for across in hips]))
    assert np.ptp(facing) < 20  # degrees; as a camera sees them whose focal length is the diagonal 34


def test_who_is_hardly_there_makes_no_collage_and_hinders_none(
    reconstructor: Reconstructor, picture: Picture, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos are full of what might just be somebody: at its side, or across the gutter."""
    gutter = np.full((SIZE[1], 12, 3), 250, np.uint8)
    collage, aside = np.concatenate([picture.image, gutter, picture.image], axis=1), SIZE[0] + 12.0
    (x, y, w, h), joints = person.bbox, person.keypoints_2d
    one = Detection((x, y, w, h), 0.9, joints)
    other = Detection((x + aside, y, w, h), 0.9, joints + np.array([aside, 0, 0]))
    across = Detection((aside - 60, y, 120.0, h), 0.15, joints + np.array([aside / 2, 0, 0]), faint=True)
    for found, is_collage in (([one, dataclasses.replace(other, faint=True)], False), ([one, other, across], True)):
        subject = dataclasses.replace(reconstructor._subject, detect=lambda *_, found=found: found)
        monkeypatch.setattr(reconstructor, "_subject", subject)
        anew = Reconstructor.reconstruct  # it remembers answers otherwise
        answer = anew(reconstructor, collage, mesh="raw", ground=False, twice=False, max_people=1).people
        diagonal = np.hypot(*collage.shape[:2])
        assert answer[0].camera.focal_length == pytest.approx((3 if is_collage else 1) * diagonal)
