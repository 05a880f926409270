"""Whether it is she who is in the box that was given for somebody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.given_boxes import doubles, presence
from model.interfaces import Box
from model.results import Camera, Person


def test_who_is_beside_a_given_box_is_not_in_it() -> None:
    places = np.random.default_rng(0).uniform((100, 100), (200, 400), (17, 2))
    places[:2] = (100, 100), (200, 400)
    standing = np.column_stack([places, np.full(17, 0.9)])
    about_her, too_large, head = (90.0, 90.0, 120.0, 320.0), (0.0, 0.0, 300.0, 500.0), (130.0, 90.0, 40.0, 60.0)
    assert [presence(box, standing) for box in (about_her, too_large, head)] == [1, 1, 1]
    beside, sliver, above = (220.0, 90.0, 120.0, 320.0), (205.0, 90.0, 300.0, 320.0), (100.0, 0.0, 100.0, 80.0)
    assert [presence(box, standing) < 0.2 for box in (beside, sliver, above)] == [True] * 3
    tall = np.column_stack([np.linspace((5, 0), (400, 800), 17), np.full(17, 0.9)])
    assert presence((430.0, 0.0, 100.0, 800.0), tall) < 0.2
    unseen = standing * (1, 1, 0)
    assert 0 <= presence(beside, unseen) < 0.2 and presence(about_her, unseen) == 1


def test_who_is_answered_in_two_boxes_belongs_into_the_one_that_fits_her() -> None:
    camera = Camera(500.0, (320.0, 240.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    corners = np.array([(-0.1, -0.3, 0.0), (0.1, 0.3, 0.0)])  # from (270, 90) to (370, 390)

    def answer(box: Box, right: float = 0.0) -> Person:
        keypoints = np.column_stack([np.linspace((270 + right, 90), (370 + right, 390), 17), np.ones(17)])
        moved = replace(camera, translation=(right / 500, 0.0, 1.0))
        return Person(0.9, box, keypoints, corners, corners, np.zeros((0, 3), np.int32), (), moved)

    own, behind, nearly = (260.0, 80.0, 120.0, 320.0), (330.0, 70.0, 110.0, 300.0), (262.0, 80.0, 118.0, 318.0)
    assert doubles([answer(behind), answer(own)]) == {1: [0]}
    assert doubles([answer(own), answer(behind)]) == {0: [1]}
    assert doubles([answer(behind), answer(own), answer(behind)]) == {1: [0, 2]}
    assert doubles([answer(own), answer(nearly)]) == {}  # one box, drawn twice
    assert doubles([answer(own), answer(behind, right=80)]) == {}
    assert doubles([answer(own)]) == doubles([]) == {}
